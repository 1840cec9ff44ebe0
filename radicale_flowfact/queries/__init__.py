"""Filters of calendar-query and addressbook-query, recurrence rules, occurrences and ``expand``.

May import ``content``. Its doors are ``filters``, ``calendar_filters``, ``expand``, ``occurrences`` and
``recurrence_sets``.
"""
