"""Keeps the exact times of events in the hour that autumn's clock change repeats: FlowFact's do not tell which of two.

The sidecar line ``TIMES`` holds the times that the device meant. While FlowFact has what was made of them, the event is
rendered with them; when the office moves it, with FlowFact's (rule 24). Pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from radicale_flowfact.content.timezones import is_ambiguous, to_local, to_utc

TIMES = "X-FLOWFACT-TIMES:"
_FORM = "%Y%m%dT%H%M%SZ"
_PERIOD = re.compile(r"(\d{8}T\d{6}Z)/(\d{8}T\d{6}Z)")
Instants = tuple[datetime, datetime]
"""Begin and end of an event, in UTC."""


def local_times(instants: Instants, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return begin and end as FlowFact stores them; an event within the hour keeps its length."""
    begin, end = (to_local(moment, zone) for moment in instants)
    length = instants[1] - instants[0]
    if is_ambiguous(begin, zone) and is_ambiguous(end, zone) and end - begin < length:
        end = begin + length
    return begin, end


def lines_of(instants: Instants, zone: ZoneInfo) -> list[str]:
    """Return the sidecar line of times that the stored ones do not tell, if they do not."""
    if instants == tuple(to_utc(moment, zone) for moment in local_times(instants, zone)):
        return []
    return [f"{TIMES}{instants[0]:{_FORM}}/{instants[1]:{_FORM}}"]


def meant(begin: datetime, end: datetime, sidecar: Sequence[str], zone: ZoneInfo) -> Instants | None:
    """Return the times that the device meant, if ``begin`` and ``end`` (office local) are those made of them."""
    for entry in sidecar:
        if entry.startswith(TIMES) and (found := _PERIOD.fullmatch(entry.removeprefix(TIMES))):
            try:
                first, last = (datetime.strptime(text, _FORM).replace(tzinfo=UTC) for text in found.groups())
            except ValueError:
                return None
            return (first, last) if local_times((first, last), zone) == (begin, end) else None
    return None
