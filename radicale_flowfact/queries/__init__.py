"""Evaluates filters of calendar-query and addressbook-query, recurrence rules and ``expand``. Pure functions.

May import ``content``. Its doors are ``filters``, ``calendar_filters``, ``expand``, ``occurrences`` and
``recurrence_sets``.
"""
