"""Authentication: one spelling of each login, throttling of failed logins, checked passwords, answers in an outage.

Imports nothing else of ``http``. Its doors are ``spelling``, ``throttling``, ``remembered_logins`` and ``outages``.
"""
