"""Parses what a device sent: contacts and calendar entries behind one interface for ``writing``."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from radicale_flowfact import ical_map, vcard_map
from radicale_flowfact.content import contentlines, salvaging
from radicale_flowfact.content.calendar_objects import read_object
from radicale_flowfact.content.contentlines import PayloadError
from radicale_flowfact.content.repair import repair_item
from radicale_flowfact.content.time_ranges import EVER
from radicale_flowfact.content.vcard import versions
from radicale_flowfact.content.words import same_words
from radicale_flowfact.database.lengths import utf16_units
from radicale_flowfact.dav.store.items import RECURRING
from radicale_flowfact.dav.store.request import RefusedError, unreadable
from radicale_flowfact.dav.store.session import Name
from radicale_flowfact.ical_map import Entry, EntryFields
from radicale_flowfact.queries import occurrences, recurrence_sets
from radicale_flowfact.queries.filters import BEGINNING
from radicale_flowfact.queries.rrule import UncountableError
from radicale_flowfact.queries.steps import TooManyStepsError
from radicale_flowfact.settings import Settings
from radicale_flowfact.vcard_map import Card

Parsed = Card | Entry
ACCEPTED = {Name.APPOINTMENTS: ("VEVENT", ical_map.JOURNAL), Name.TASKS: ("VTODO", ical_map.JOURNAL)}
"""What may be put into a calendar; a note is kept beside what it belongs to."""
_MOST_WIDE = 4_000_000  # characters of a text with some beyond U+FFFF
_WIDE = re.compile("[\U00010000-\U0010ffff]")
_FOLD = re.compile(r"\r\n[ \t]")
_UID = re.compile(r"^(?P<head>UID[^:\r\n]*:)(?P<value>[^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", re.MULTILINE | re.IGNORECASE)
_LONGEST_NAME = 1000  # UTF-16 units of an href or a UID in the gateway's tables


@dataclass(frozen=True, slots=True)
class Payload:
    """A PUT: its href, the text to store, the UID, and the parsed content.

    ``mended``: the text's content differs from what was sent, so the answer has no ETag. ``salvaged``: what of it could
    not be read, for ``status``; empty if everything could (rule 28).
    """

    href: str
    text: str
    uid: str
    parsed: Parsed
    mended: bool = False
    salvaged: str = ""

    @property
    def keeps_on_device(self) -> str:
        """Why this can be no FlowFact record, whatever the settings; empty if it can (rule 25)."""
        if isinstance(self.parsed, Card):
            return "contact group" if self.parsed.is_group else ""
        if self.parsed.recurring:
            return RECURRING
        if self.parsed.impossible:
            return "impossible time"
        return "note" if self.parsed.component == ical_map.JOURNAL else ""

    @property
    def is_sound(self) -> bool:
        """Whether other devices read its times as they are meant, so that it can be served as it came."""
        return isinstance(self.parsed, Card) or ical_map.are_sound(read_object(self.text))

    def called(self, uid: str) -> Payload:
        """Return the payload with another spelling of its UID, the one that the item has (rule 44)."""
        text = _called(self.text, self.uid, uid)
        return replace(self, text=text, uid=uid, parsed=replace(self.parsed, uid=uid), mended=True)

    @property
    def component(self) -> str:
        """VCARD, VEVENT, VTODO or VJOURNAL."""
        return "VCARD" if isinstance(self.parsed, Card) else self.parsed.component


def _called(text: str, before: str, uid: str) -> str:
    """Return a text with the UIDs ``before`` replaced by ``uid``."""

    def renamed(found: re.Match[str]) -> str:
        is_meant = _FOLD.sub("", found["value"]).strip() == before
        return f"{found['head']}{uid}" if is_meant else found[0]

    return _UID.sub(renamed, text)


def read_payload(settings: Settings, name: Name, href: str, text: str) -> Payload:
    """Parse what a device sent to this collection; correct known mistakes (rules 28 and 44).

    A contact of vCard 4.0 is converted to 3.0. Raises RefusedError: 403 for a component that belongs elsewhere, for an
    href or UID of more than 1,000 UTF-16 units, and for more than 4 million characters with some beyond U+FFFF; 409 for
    what cannot be read.
    """
    if utf16_units(href) > _LONGEST_NAME:
        raise RefusedError(f"its name has {utf16_units(href)} characters, and {_LONGEST_NAME} are the most", 403)
    if len(text) > _MOST_WIDE and _WIDE.search(text):  # Python takes four bytes for each of their characters
        hint = "an emoji in it makes each of them four bytes long; a smaller photo helps"
        raise RefusedError(f"it has {len(text)} characters, and {_MOST_WIDE} are the most: {hint}", 403)
    try:
        plain = contentlines.printable(text)  # XML cannot hold the rest, and one such item would break every REPORT
        kept, mended, parsed, salvaged = _read(settings, name, href, plain)
    except PayloadError as error:
        raise unreadable(name, f"cannot be read: {error}") from error
    if isinstance(parsed, Entry) and parsed.component not in ACCEPTED[name]:
        raise RefusedError(
            f"a {parsed.component} does not belong into {name.value}, only a {' or a '.join(ACCEPTED[name])}",
            403,
            "C:supported-calendar-component",
        )
    if utf16_units(parsed.uid) > _LONGEST_NAME:
        raise RefusedError(f"its UID has {utf16_units(parsed.uid)} characters, and {_LONGEST_NAME} are the most", 403)
    if plain != text:
        mended, salvaged = True, salvaged or "control characters are left out"
    return Payload(href, kept, parsed.uid, parsed, mended, salvaged)


def _read(settings: Settings, name: Name, href: str, text: str) -> tuple[str, bool, Parsed, str]:
    """Return the text to store, whether its content differs from what was sent, the content, and what was salvaged.

    Raises PayloadError with the message for the text as sent.
    """
    try:
        repaired, mended = _repaired(name, text, href)
        return repaired, mended, parse(settings, name, repaired), ""
    except PayloadError as error:
        plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        readable = salvaging.readable(plain.strip("\n"))
        if readable == plain.strip("\n"):
            raise
        with contextlib.suppress(PayloadError):
            repaired, _ = _repaired(name, readable, href)
            return repaired, True, parse(settings, name, repaired), str(error)
        raise


def _repaired(name: Name, text: str, href: str) -> tuple[str, bool]:
    """Return the text to store, and whether its content differs from what was sent. Raises PayloadError.

    A card is stored as vCard 3.0; one of 4.0 does not differ if it is served in 4.0 as it was sent.
    """
    repaired, mended = repair_item(text, href)
    if name is not Name.ADDRESSES:
        return repaired, mended
    if not versions.is_4(repaired):
        kept = versions.without_values_of_4(repaired)
        return kept, mended or kept != repaired
    kept = versions.to_3(repaired)
    return kept, mended or not versions.has_same_lines(versions.to_4(kept), repaired)


def time_range(settings: Settings, payload: Payload) -> tuple[int, int]:
    """Return the times between which an item that stays on the device takes place, in Unix seconds.

    An undetermined one (a contact, a rule that cannot be read or takes too many steps) takes place at any time. Raises
    RefusedError (403, ``max-instances``) for one that repeats too often (RFC 4791 §5.3.2.1).
    """
    if isinstance(payload.parsed, Card):
        return EVER
    found = read_object(payload.text)
    try:
        occurrences.require_countable(found)
        first, last = occurrences.span(found, settings.zone)
        # A query will have to expand it as well.
        any(recurrence_sets.occurrences(found, settings.zone, BEGINNING, BEGINNING))
        return first, last
    except TooManyStepsError:
        return EVER  # its times are unknown, so each query returns it
    except UncountableError as error:
        raise RefusedError(f"the entry cannot be kept: {error}", 403, "C:max-instances") from error
    except PayloadError:
        return EVER  # a rule or time of its series that cannot be read refuses no entry (rule 28)


def parse(settings: Settings, name: Name, text: str, like: Parsed | None = None) -> Parsed:
    """Parse a text with this collection's map.

    ``like``: the version that the device had, by which lines of one name are told apart. Raises PayloadError.
    """
    if name is Name.ADDRESSES:
        card = like if isinstance(like, Card) else None
        return vcard_map.parse(text, settings.addresses.phone_slots, card)
    return ical_map.parse(text, settings.zone, like if isinstance(like, Entry) else None)


def parse_base(settings: Settings, name: Name, text: str | None, like: Parsed, sidecar: Sequence[str]) -> Parsed:
    """Parse the version that the device last saw; None counts as an empty one.

    ``like``: what was sent; ``sidecar``: what is kept of the item, by which FlowFact's line is told from the device's
    own of that name.
    """
    if text is None:
        return vcard_map.empty_card() if isinstance(like, Card) else empty_entry(like.component)
    known = vcard_map.empty_card(sidecar) if isinstance(like, Card) else empty_entry(like.component, sidecar)
    return parse(settings, name, text, known)


def empty_entry(component: str, sidecar: Sequence[str] = ()) -> Entry:
    """Return an empty entry, to compare a new one with; with a sidecar, one of which nothing else is known."""
    return Entry(component, "", EntryFields(), tuple(sidecar), private=False, recurring=False, acknowledged=None)


def same_meaning(settings: Settings, name: Name, one: str, other: str, read: Parsed | None = None) -> bool:
    """Return whether two texts mean the same in everything that the gateway keeps (rule 8).

    ``read``: ``one``, parsed already. Raises PayloadError.
    """
    first = read or parse(settings, name, one)
    second = parse(settings, name, other, first)
    if isinstance(first, Card) and isinstance(second, Card):
        alike = first.fields == second.fields and _phones(first) == _phones(second)
    else:
        assert isinstance(first, Entry) and isinstance(second, Entry)  # noqa: S101,PT018 - both from one map
        alike = (first.fields, first.private) == (second.fields, second.private)
        alike = alike and same_words(_description(one), _description(other))
    return alike and sorted(first.sidecar) == sorted(second.sidecar)


def _phones(card: Card) -> list[tuple[str, str]]:
    return sorted((phone.slot or "", _digits(phone.number)) for phone in card.phones)


def _description(text: str) -> str:
    """Return the description with its FFDATA, which the parsed fields leave out (rule 17)."""
    return read_object(text).entries[0].text("DESCRIPTION")


def _digits(number: str) -> str:
    return "".join(char for char in number if char.isdigit())
