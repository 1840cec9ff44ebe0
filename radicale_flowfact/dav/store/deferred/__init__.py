"""What requests note and a timer writes a second later: fetched versions, syncs, addresses of logins.

May import ``dav.store``. Its doors are ``notes`` and ``familiar``.
"""
