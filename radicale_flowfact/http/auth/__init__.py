"""Authentication: one spelling of each login, throttling of failed logins, and a memory of checked passwords.

Imports nothing else of ``http``. Its doors are ``spelling``, ``throttling`` and ``remembered_logins``.
"""
