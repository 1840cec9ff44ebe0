"""Computes time ranges for calendar-query (RFC 4791 §9.9), in Unix seconds."""

from __future__ import annotations

from datetime import datetime

EVER = (-62135596800, 253402300800)
"""From the year 1 to the year 10000: the range of what has no time."""


def undated_task_range(created: datetime | None, completed: datetime | None) -> tuple[int, int]:
    """Return the range of a VTODO without DTSTART and DUE (RFC 4791 §9.9, the last four rows of its table).

    Both times are moments with a zone. A time range overlaps [start, end) if it starts before ``end`` and ends behind
    ``start``; the RFC counts a COMPLETED at either end of the time that is asked for, so one second is added.
    """
    if completed is not None:
        moments = [int(moment.timestamp()) for moment in (created or completed, completed)]
        return min(moments) - 1, max(moments) + 1
    return (EVER[0] if created is None else int(created.timestamp())), EVER[1]
