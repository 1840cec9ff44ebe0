"""The door of the map between an Activity and a VEVENT or VTODO (RFC 5545), rules 16 to 18, 20, 22 and 24 to 26.

``parse`` reads an entry into ``Entry``: what FlowFact has a field for, and the sidecar, which is every other line as it
came. ``render`` makes an entry of an Activity and a sidecar. Times are naive wall-clock times of the office. ORGANIZER
and ATTENDEE are kept but never sent (rule 17: devices would mail strangers). DTSTAMP and LAST-MODIFIED are made anew;
SEQUENCE and CREATED are the client's.

A task has one time in FlowFact, its Vorlage: DUE here. The time of day of a DUE without an alarm does not count in
FlowFact and is kept in a sidecar line named ``X-FLOWFACT-…``, as is the form of a DUE without a time of day, and that
there is none (``undated_tasks``). A done task without a COMPLETED of the device gets one from Touch: some clients go by
that line alone. The code is in ``radicale_flowfact.maps``.
"""

from __future__ import annotations

from radicale_flowfact.maps.ffdata import same_place
from radicale_flowfact.maps.ical_fields import JOURNAL, NO_PLACE, TWINS, Entry, EntryFields
from radicale_flowfact.maps.ical_reading import parse, start_of
from radicale_flowfact.maps.ical_rendering import Style, minimal, place_of, render
from radicale_flowfact.maps.ical_sidecar import no_place, place_in, place_line, property_name
from radicale_flowfact.maps.ical_summaries import kind_in, kind_like, names_in, subject_of, summary_of, titled_kind
from radicale_flowfact.maps.ical_time_range import time_range
from radicale_flowfact.maps.ical_times import are_sound

__all__ = [
    "JOURNAL",
    "NO_PLACE",
    "TWINS",
    "Entry",
    "EntryFields",
    "Style",
    "are_sound",
    "kind_in",
    "kind_like",
    "minimal",
    "names_in",
    "no_place",
    "parse",
    "place_in",
    "place_line",
    "place_of",
    "property_name",
    "render",
    "same_place",
    "start_of",
    "subject_of",
    "summary_of",
    "time_range",
    "titled_kind",
]
