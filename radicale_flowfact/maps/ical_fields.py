"""Holds the values and sidecar prefixes of a VEVENT, VTODO or VJOURNAL (RFC 5545) that reading and rendering share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

SIDECAR_PREFIX = "X-FLOWFACT-"
"""Prefix of the sidecar lines that hold what a mapped property lost; they are never sent as they are."""
DUE, CALENDAR = f"{SIDECAR_PREFIX}DUE:", f"{SIDECAR_PREFIX}CALENDAR:"
"""Prefixes: the DUE line as sent, a property of the VCALENDAR."""
NO_PLACE = f"{SIDECAR_PREFIX}NO-PLACE:"
"""Prefix: the hash of FlowFact's place that the user took off."""
STYLED = f"{SIDECAR_PREFIX}DESCRIPTION:"
"""Prefix: the hash of a DESCRIPTION, and the beginning of its line with the styled form in it (ALTREP, RFC 5545)."""
OF_NOTE = {"X-ALT-DESC": f"{SIDECAR_PREFIX}NOTE:", "STYLED-DESCRIPTION": f"{SIDECAR_PREFIX}STYLED:"}
OF_PLACE = {"X-APPLE-STRUCTURED-LOCATION": f"{SIDECAR_PREFIX}PLACE:", "GEO": f"{SIDECAR_PREFIX}GEO:"}
TWINS = OF_NOTE | OF_PLACE
"""Properties that say again what the note or the place says (rule 44), each with the prefix of the sidecar line that
holds the hash of the note or place that they were made for."""
DURATION = f"{SIDECAR_PREFIX}DURATION:"
"""Prefix of an event's DURATION, where the device sent that instead of DTEND."""
JOURNAL = "VJOURNAL"
"""The component of a note (RFC 5545 §3.6.3), which FlowFact has no record for."""
ACCESS = "X-CALENDARSERVER-ACCESS"
"""Apple's property for CLASS; iOS writes it into the VCALENDAR, others into the entry."""
_PRIVATE = frozenset({"PRIVATE", "CONFIDENTIAL", "RESTRICTED"})


@dataclass(frozen=True, slots=True)
class EntryFields:
    """Holds the values that FlowFact has a column for, named as in ``Activity``; ``summary`` includes the kind."""

    summary: str = ""
    note: str = ""
    begin: datetime | None = None
    end: datetime | None = None
    all_day: bool = False
    reminder: datetime | None = None
    reminder_has_time: bool = False
    done: bool = False
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """Holds a parsed event, task or note.

    ``acknowledged``: its alarm's ACKNOWLEDGED, office local time (rule 20). ``impossible``: which time FlowFact cannot
    hold, or empty; it then has texts and a sidecar only (rule 28).
    """

    component: str
    uid: str
    fields: EntryFields
    sidecar: tuple[str, ...]
    private: bool
    recurring: bool
    acknowledged: datetime | None
    impossible: str = ""


def is_private_class(value: str) -> bool:
    """Return whether a value of CLASS, or of Apple's property for it, hides an entry from others (rule 18)."""
    return value.strip().upper() in _PRIVATE


def text_hash(text: str) -> str:
    """Return a short hash by which a note or place is recognised, however its blanks and escapes are set."""
    return _hash("".join(text.split()).replace("\\", ""))


def old_hash(text: str) -> str:
    """Return the hash of a note as X-ALT-DESC had it before 0.2."""
    return _hash(text)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
