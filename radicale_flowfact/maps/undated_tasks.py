"""Marks tasks without DUE: FlowFact has a Vorlage for each task, the device shows none (rule 22). Pure functions.

The sidecar line ``NO_DUE`` holds the day of the Vorlage for which the device had no DUE. While the Vorlage is on that
day and has no time, the task is rendered without DUE; when the office moves it or sets an alarm, DUE is rendered. Of a
task that starts and rings, but is due at no time, the line holds the time of its alarm, which is the Vorlage.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from radicale_flowfact.records import Activity

NO_DUE = "X-FLOWFACT-NO-DUE:"


def line_of(vorlage: date) -> str:
    """Return the sidecar line of a task that has no DUE while its Vorlage is on this day."""
    return f"{NO_DUE}{vorlage:%Y%m%d}"


def line_of_alarm(vorlage: datetime) -> str:
    """Return the sidecar line of a task that has no DUE while its Vorlage is at this time, that of its alarm."""
    return f"{NO_DUE}{vorlage:%Y%m%dT%H%M%S}"


def is_undated(activity: Activity, sidecar: Sequence[str]) -> bool:
    """Return whether a task is rendered without DUE: its Vorlage, with an alarm or none, is the sidecar line's."""
    if activity.reminder is None:
        return False
    rings, has_time = line_of_alarm(activity.reminder) in sidecar, activity.reminder_has_time
    if has_time and not activity.done:
        return rings
    return line_of(activity.reminder) in sidecar or (has_time and rings)


def after_edit(
    had: datetime | None, has: datetime | None, sidecar: Sequence[str], sent: Sequence[str]
) -> tuple[str, ...]:
    """Return a task's sidecar after an edit; ``had`` and ``has`` are DUE of the device before and after.

    ``sent``: the sidecar that it sent. The line holds the Vorlage that the device knew, so that one which the office
    has moved since is rendered.
    """
    if had == has:
        return tuple(sidecar)
    others = tuple(line for line in sidecar if not line.startswith(NO_DUE) or line in sent)
    return (*others, line_of(had)) if has is None and had is not None else others
