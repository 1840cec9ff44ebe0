"""The syntax of vCard and iCalendar: content lines, components, times, time zones, durations, repair of input.

Imports no other package of the project: it knows no record of FlowFact, no SQL and no Radicale. Its doors are
``contentlines``, ``calendar_objects`` and ``timezones``.
"""
