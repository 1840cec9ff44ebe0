"""Tasks without a due date: FlowFact has a Vorlage for each task, the device none (rule 22). Pure functions.

A sidecar line of our own says for which day of the Vorlage the device had no DUE. While that day stands and no alarm
rings, the task is served without DUE; moved in the office, or given an alarm there, DUE appears.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from radicale_flowfact.records import Activity
from radicale_flowfact.timezones import EVER

NO_DUE = "X-FLOWFACT-NO-DUE:"


def line_of(vorlage: date) -> str:
    """Return the sidecar line of a task that shows no due date while its Vorlage is on this day."""
    return f"{NO_DUE}{vorlage:%Y%m%d}"


def is_undated(activity: Activity, sidecar: Sequence[str]) -> bool:
    """Return whether a task is served without DUE: its Vorlage is that of the line, and no alarm rings."""
    if activity.reminder is None or (activity.reminder_has_time and not activity.done):
        return False
    return line_of(activity.reminder) in sidecar


def after_edit(had: datetime | None, has: datetime | None, sidecar: Sequence[str]) -> tuple[str, ...]:
    """Return a task's sidecar after an edit; ``had`` and ``has`` are what the device called due before and after.

    The line names the Vorlage that the device knew, so that one which was moved meanwhile is shown all the same.
    """
    if had == has:
        return tuple(sidecar)
    others = tuple(line for line in sidecar if not line.startswith(NO_DUE))
    return (*others, line_of(had)) if has is None and had is not None else others


def span(created: datetime | None, completed: datetime | None) -> tuple[int, int]:
    """Return when a task without begin and due date takes place, in Unix seconds (RFC 4791 §9.9, its last four rows).

    Both times are moments with a zone. A row's time range is met by [start, end) if it starts before ``end`` and ends
    behind ``start``; the RFC counts a COMPLETED at either end of the time that is asked for, so one second is added.
    """
    if completed is not None:
        moments = [int(moment.timestamp()) for moment in (created or completed, completed)]
        return min(moments) - 1, max(moments) + 1
    return (EVER[0] if created is None else int(created.timestamp())), EVER[1]
