"""What a device sent, read once: the common face of a contact and a calendar entry for the write paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from radicale_flowfact import contentlines, ical_reading, occurrences, recurrence, vcard_map
from radicale_flowfact.calendar_objects import read_object
from radicale_flowfact.contentlines import PayloadError
from radicale_flowfact.dav.items import RECURRING
from radicale_flowfact.dav.request import RefusedError
from radicale_flowfact.dav.session import Name
from radicale_flowfact.filtering import BEGINNING
from radicale_flowfact.ical_reading import Entry, EntryFields
from radicale_flowfact.mending import mend
from radicale_flowfact.settings import Settings
from radicale_flowfact.timezones import EVER
from radicale_flowfact.vcard_map import Card

Parsed = Card | Entry
ACCEPTED = {Name.APPOINTMENTS: ("VEVENT", ical_reading.JOURNAL), Name.TASKS: ("VTODO", ical_reading.JOURNAL)}
"""What may be put into a calendar; a note is kept beside what it belongs to."""
_LONGEST_NAME = 1000  # what the gateway's tables keep of an href and of a UID


@dataclass(frozen=True, slots=True)
class Payload:
    """A PUT: where to, its text and what it says. ``mended``: the text says more or other than what was sent."""

    href: str
    text: str
    uid: str
    parsed: Parsed
    mended: bool = False

    @property
    def keeps_on_device(self) -> str:
        """Why this can be no FlowFact record, whatever the settings, or empty (rule 25)."""
        if isinstance(self.parsed, Card):
            return "contact group" if self.parsed.is_group else ""
        if self.parsed.recurring:
            return RECURRING
        return "note" if self.parsed.component == ical_reading.JOURNAL else ""

    @property
    def component(self) -> str:
        """What it is, as a filter calls it."""
        return "VCARD" if isinstance(self.parsed, Card) else self.parsed.component


def read_payload(settings: Settings, name: Name, href: str, text: str) -> Payload:
    """Read what a device sent to this collection.

    Raises RefusedError: 403 for a component that belongs elsewhere, 400 for what cannot be read (rule 28).
    """
    is_card = name is Name.ADDRESSES
    if len(href) > _LONGEST_NAME:
        raise RefusedError(f"its name has {len(href)} characters, and {_LONGEST_NAME} are the most", 403)
    try:
        contentlines.require_printable("text", text)  # XML cannot carry it, so it would stop the whole collection
        text, mended = mend(text, href)
        parsed = parse(settings, name, text)
    except PayloadError as error:
        condition = "CR:valid-address-data" if is_card else "C:valid-calendar-data"
        raise RefusedError(
            f"the {'contact' if is_card else 'entry'} cannot be read: {error}", 400, condition
        ) from error
    if isinstance(parsed, Entry) and parsed.component not in ACCEPTED[name]:
        raise RefusedError(
            f"a {parsed.component} does not belong into {name.value}, only a {' or a '.join(ACCEPTED[name])}",
            403,
            "C:supported-calendar-component",
        )
    if len(parsed.uid) > _LONGEST_NAME:
        raise RefusedError(f"its UID has {len(parsed.uid)} characters, and {_LONGEST_NAME} are the most", 403)
    return Payload(href, text, parsed.uid, parsed, mended)


def time_range(settings: Settings, payload: Payload) -> tuple[int, int]:
    """Return when an item that stays on the device takes place, in Unix seconds, for calendar-query.

    Raises RefusedError (403) for one that repeats too often (RFC 4791 §5.3.2.1).
    """
    if isinstance(payload.parsed, Card):
        return EVER
    found = read_object(payload.text)
    try:
        occurrences.require_countable(found)
        first, last = occurrences.span(found, settings.zone)
        # A query will have to read it all the same.
        any(recurrence.occurrences(found, settings.zone, BEGINNING, BEGINNING))
        return first, last
    except PayloadError as error:
        raise RefusedError(f"the entry cannot be kept: {error}", 403, "C:max-instances") from error


def parse(settings: Settings, name: Name, text: str, like: Parsed | None = None) -> Parsed:
    """Take a text apart as this collection's map does; ``like`` is the version the device had. Raises PayloadError."""
    if name is Name.ADDRESSES:
        card = like if isinstance(like, Card) else None
        return vcard_map.parse(text, settings.addresses.phone_slots, card)
    return ical_reading.parse(text, settings.zone, like if isinstance(like, Entry) else None)


def parse_base(settings: Settings, name: Name, text: str | None, like: Parsed, sidecar: Sequence[str]) -> Parsed:
    """Take apart the version that the device last saw; without one, it counts as empty.

    ``sidecar``: what is kept of the item, which tells FlowFact's line from the device's own ones like it.
    """
    if text is None:
        return vcard_map.empty_card() if isinstance(like, Card) else empty_entry(like.component)
    known = vcard_map.empty_card(sidecar) if isinstance(like, Card) else empty_entry(like.component, sidecar)
    return parse(settings, name, text, known)


def empty_entry(component: str, sidecar: Sequence[str] = ()) -> Entry:
    """Return the entry that a new one is compared with, or one of which only the sidecar is known."""
    return Entry(component, "", EntryFields(), tuple(sidecar), private=False, recurring=False, acknowledged=None)


def same_meaning(settings: Settings, name: Name, one: str, other: str, read: Parsed | None = None) -> bool:
    """Return whether two texts say the same of everything that the gateway keeps (rule 8); ``read``: one, taken apart.

    Raises PayloadError.
    """
    first = read or parse(settings, name, one)
    second = parse(settings, name, other, first)
    if isinstance(first, Card) and isinstance(second, Card):
        alike = first.fields == second.fields and _phones(first) == _phones(second)
    else:
        assert isinstance(first, Entry) and isinstance(second, Entry)  # noqa: S101,PT018 - both from one map
        alike = (first.fields, first.private) == (second.fields, second.private)
        alike = alike and _words(one) == _words(other)
    return alike and sorted(first.sidecar) == sorted(second.sidecar)


def _phones(card: Card) -> list[tuple[str, str]]:
    return sorted((phone.slot or "", _digits(phone.number)) for phone in card.phones)


def _words(text: str) -> list[str]:
    """Return the words of the description with its FFDATA, which the fields leave out (rule 17)."""
    return read_object(text).entries[0].text("DESCRIPTION").split()


def _digits(number: str) -> str:
    return "".join(char for char in number if char.isdigit())
