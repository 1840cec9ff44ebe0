"""Authentication: throttling of failed logins, and a memory of checked passwords.

Imports nothing else of ``http``. Its doors are ``throttling`` and ``remembered_logins``.
"""
