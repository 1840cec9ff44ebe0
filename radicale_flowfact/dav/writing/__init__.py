"""A device's edit: what was sent, which item is meant, what is to be done, and doing it.

May import ``dav.reading`` and everything below it. Its doors are ``put_delete`` and ``undo``.
"""
