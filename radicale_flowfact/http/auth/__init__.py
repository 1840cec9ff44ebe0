"""Authentication: throttling of failed logins, a memory of checked passwords, and what is answered in an outage.

Imports nothing else of ``http``. Its doors are ``throttling``, ``remembered_logins`` and ``outages``.
"""
