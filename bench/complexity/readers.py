"""The readers and writers of payloads, each as a function that prepares and returns what is counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import defusedxml.ElementTree as Safe

from bench.complexity.families import numbered
from radicale_flowfact import ical_map, vcard_map
from radicale_flowfact.content import respelling, salvaging
from radicale_flowfact.content.calendar_objects import read_object
from radicale_flowfact.content.contentlines import PayloadError, join_lines, split_lines
from radicale_flowfact.content.repair import repair_item
from radicale_flowfact.content.vcard import versions
from radicale_flowfact.content.vobject_fallback import plain_calendar_object, plain_card
from radicale_flowfact.dav.store.search import values_of
from radicale_flowfact.dav.writing import edits, payload
from radicale_flowfact.http import partial_data
from radicale_flowfact.ical_map import Entry, Style
from radicale_flowfact.queries import filters, occurrences, recurrence_sets
from radicale_flowfact.queries.calendar_filters import calendar_matches
from radicale_flowfact.queries.expand import busy_times, expand, in_utc
from radicale_flowfact.records import Activity, Address, Kind, Phone
from radicale_flowfact.vcard_map import Card

Reader = Callable[[str], Callable[[], None]]
BERLIN = ZoneInfo("Europe/Berlin")
STYLE = Style(BERLIN)
SLOTS = ("work", "cell", "home", "work2")
START, END = datetime(2030, 1, 1, tzinfo=UTC), datetime(2030, 2, 1, tzinfo=UTC)
_KIND = Kind("k", "Termin", is_appointment=True, is_task=True)
ADDRESS = Address("a", family_name="Meier", given_name="Eva", phones=(Phone(1, "0221 1"), Phone(2, "0221 2")))
APPOINTMENT = Activity(
    *("t", _KIND),
    subject="Notar",
    begin=datetime(2026, 7, 1, 10),
    end=datetime(2026, 7, 1, 11),
    reminder=datetime(2026, 7, 1, 9),
    reminder_has_time=True,
)
_CARD_FILTER = (
    '<C:filter xmlns:C="urn:ietf:params:xml:ns:carddav" test="allof">'
    '<C:prop-filter name="EMAIL"><C:text-match>nowhere</C:text-match></C:prop-filter>'
    '<C:prop-filter name="NOTE"><C:text-match>nowhere</C:text-match></C:prop-filter></C:filter>'
)
_RANGE = '<C:time-range start="20300101T000000Z" end="20300201T000000Z"/>'
_IN_EVENT = (
    '<C:filter xmlns:C="urn:ietf:params:xml:ns:caldav"><C:comp-filter name="VCALENDAR">%s</C:comp-filter></C:filter>'
)
_FILTERS = {
    "time range": f'<C:comp-filter name="VEVENT">{_RANGE}</C:comp-filter>',
    "alarms": f'<C:comp-filter name="VEVENT"><C:comp-filter name="VALARM">{_RANGE}</C:comp-filter></C:comp-filter>',
    "text": '<C:comp-filter name="VEVENT"><C:prop-filter name="X-A"><C:text-match>x</C:text-match></C:prop-filter>'
    "</C:comp-filter>",
}


def _reading(read: Callable[[str], object]) -> Reader:
    """Return a reader of a text; what it refuses, it has read."""

    def prepare(text: str) -> Callable[[], None]:
        return lambda: _tried(lambda: read(text))

    return prepare


def _tried(run: Callable[[], object]) -> None:
    try:
        run()
    except PayloadError:
        return


def _card(text: str, base: Card | None = None) -> Card:
    try:
        return vcard_map.parse(repair_item(text, "x.vcf")[0], SLOTS, base)
    except PayloadError:
        return vcard_map.empty_card()


def _entry(text: str, base: Entry | None = None) -> Entry:
    try:
        return ical_map.parse(text, BERLIN, base)
    except PayloadError:
        return payload.empty_entry("VTODO" if "VTODO" in text else "VEVENT")


def _parsed_again(text: str) -> Callable[[], None]:
    base = _card(numbered(text, 1))
    return lambda: _tried(lambda: vcard_map.parse(text, SLOTS, base))


def _edited(text: str) -> Callable[[], None]:
    base, sent = _card(numbered(text, 1)), _card(text)
    return lambda: _tried(lambda: edits.edit_address(edits.only(base, sent), ADDRESS, base.sidecar, SLOTS))


def _rendered(text: str) -> Callable[[], None]:
    card = _card(text)
    return lambda: _tried(lambda: vcard_map.render(ADDRESS, "u", card.sidecar, SLOTS))


def _in_4_and_back(text: str) -> Callable[[], None]:
    try:
        sent = versions.to_3(versions.to_4(text))
    except PayloadError:
        sent = text
    return lambda: _tried(lambda: versions.spelt_as(sent, text))


def _entry_parsed_again(text: str) -> Callable[[], None]:
    base = _entry(numbered(text, 1))
    return lambda: _tried(lambda: ical_map.parse(text, BERLIN, base))


def _entry_edited(text: str) -> Callable[[], None]:
    base, sent = _entry(numbered(text, 1)), _entry(text)
    now = datetime(2026, 1, 1)
    return lambda: _tried(lambda: edits.edit_activity(edits.only(base, sent), APPOINTMENT, base.sidecar, STYLE, now))


def _entry_rendered(text: str) -> Callable[[], None]:
    entry = _entry(text)
    component = "VTODO" if "VTODO" in text else "VEVENT"

    def run() -> None:
        ical_map.render(APPOINTMENT, component, "u", entry.sidecar, STYLE)
        ical_map.time_range(APPOINTMENT, component, BERLIN, entry.sidecar)

    return run


def _matched(name: str) -> Reader:
    wanted = filters.read_calendar_filter(Safe.fromstring(_IN_EVENT % _FILTERS[name]))
    return _reading(lambda text: calendar_matches(text.replace("VTODO", "VEVENT"), wanted, BERLIN))


def _folded(text: str) -> Callable[[], None]:
    lines = text.replace("\r\n ", "").split("\r\n")
    return lambda: _tried(lambda: join_lines(lines))


def _respelt(text: str) -> Callable[[], None]:
    served = text.replace("UID:", "UID:\\\\")  # a backslash, or nothing is looked at
    return lambda: _tried(lambda: respelling.as_served(served, text))


_CUT = partial_data.DataSelection(
    frozenset(), components={name: partial_data.DataSelection(frozenset({"UID"})) for name in ("VCARD", "VCALENDAR")}
)

OF_CARDS: Final[dict[str, Reader]] = {
    "repair": _reading(lambda text: repair_item(text, "x.vcf")),
    "salvage": _reading(lambda text: salvaging.readable(text.replace("\r\n", "\n"))),
    "lines": _reading(lambda text: [line.types for line in split_lines(text)]),
    "fold": _folded,
    "contact": _reading(lambda text: vcard_map.parse(text, SLOTS)),
    "spellings": _respelt,
    "contact, base": _parsed_again,
    "edit": _edited,
    "render": _rendered,
    "substitute": _reading(plain_card),
    "filter": _reading(filters.read_card_filter(Safe.fromstring(_CARD_FILTER)).matches),
    "search words": _reading(values_of),
    "partial data": _reading(lambda text: partial_data.cut(text, _CUT)),
    "as 3.0": _reading(versions.to_3),
    "as 4.0": _reading(versions.to_4),
    "respelt": _in_4_and_back,
}
OF_EVENTS: Final[dict[str, Reader]] = {
    "repair": _reading(lambda text: repair_item(text, "x.ics")),
    "salvage": _reading(lambda text: salvaging.readable(text.replace("\r\n", "\n"))),
    "as UTC": _reading(lambda text: in_utc(text, BERLIN)),
    "busy times": _reading(lambda text: busy_times(text, BERLIN, START, END, 1000, None)),
    "components": _reading(lambda text: [entry.source() for entry in read_object(text).entries]),
    "fold": _folded,
    "entry": _reading(lambda text: ical_map.parse(text, BERLIN)),
    "spellings": _respelt,
    "entry, base": _entry_parsed_again,
    "edit": _entry_edited,
    "render": _entry_rendered,
    "rules": _reading(lambda text: occurrences.require_countable(read_object(text))),
    "span": _reading(lambda text: occurrences.span(read_object(text), BERLIN)),
    "occurrences": _reading(lambda text: list(recurrence_sets.occurrences(read_object(text), BERLIN, START, END))),
    "query, time range": _matched("time range"),
    "query, alarms": _matched("alarms"),
    "query, text": _matched("text"),
    "expand": _reading(lambda text: expand(text, BERLIN, START, END, 1000)),
    "substitute": _reading(lambda text: plain_calendar_object(text, BERLIN)),
    "partial data": _reading(lambda text: partial_data.cut(text, _CUT)),
}
