"""Holds the values of a vCard 3.0 (RFC 2426) that reading and rendering share: fields, defaults, twins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields

from radicale_flowfact.content.contentlines import Line, PayloadError, escape, parse_line, split_components, unescape
from radicale_flowfact.maps.contacts.phones import SlotPhone

SIDECAR_PREFIX = "X-FLOWFACT-"
LINE_PREFIXES = {"ADR": "ADR;TYPE=WORK", "EMAIL": "EMAIL;TYPE=INTERNET,WORK", "NOTE": "NOTE", "ORG": "ORG", "N": "N"}


@dataclass(frozen=True, slots=True)
class ContactFields:
    """Holds the values that FlowFact has a column for; the names are those of ``Address``."""

    company: str = ""
    title: str = ""
    given_name: str = ""
    family_name: str = ""
    street: str = ""
    postcode: str = ""
    city: str = ""
    country: str = ""
    fax: str = ""
    email: str = ""
    note: str = ""


FIELD_NAMES = tuple(field.name for field in fields(ContactFields))


@dataclass(frozen=True, slots=True)
class Twin:
    """A property, or parameters of a mapped line, derived from other fields (rule 44), such as LABEL.

    The sidecar line of its ``name`` holds the fields' values that it was made for.
    """

    name: str
    originals: tuple[str, ...]
    has_property: bool = True
    mapped: str = ""
    params: tuple[str, ...] = ()

    @property
    def mark(self) -> str:
        """Prefix of the sidecar line that says what it was made for."""
        return f"{SIDECAR_PREFIX}{self.name}:"

    def marked(self, found: ContactFields) -> str:
        """Return the sidecar line that says that it was made for these values."""
        return self.mark + ";".join(escape(getattr(found, field)) for field in self.originals)

    def is_made_for(self, marked: str, found: ContactFields) -> bool:
        """Return whether it was made for these values, however their blanks and escapes were set."""
        values = split_components(marked.removeprefix(self.mark))
        return [*map(_bare, values)] == [_bare(getattr(found, field)) for field in self.originals]

    def is_line(self, text: str) -> bool:
        """Return whether a line is this property: of several LABELs, the one of the address that FlowFact has."""
        if not self.has_property or _name_of(text) != self.name:
            return False
        types = parse_line(text).types if self.name == "LABEL" else frozenset()
        return "WORK" in types or "HOME" not in types

    def without_params(self, prefix: str) -> str:
        """Return the beginning of a mapped line without those of its parameters that are this twin."""
        for param in self.params:
            prefix = re.sub(rf";{param}={_VALUE}(?:,{_VALUE})*", "", prefix, flags=re.IGNORECASE)
        return prefix

    def said(self, sidecar: Iterable[str]) -> list[str]:
        """Return the twin's values in a sidecar, without blanks; empty if it is not there."""
        return sorted(self._said(sidecar))

    def _said(self, sidecar: Iterable[str]) -> Iterator[str]:
        beginning = f"{SIDECAR_PREFIX}{self.mapped}:" if self.mapped else ""
        for text in sidecar:
            if beginning and text.startswith(beginning):
                line = _line(f"{text.removeprefix(beginning)}:")
                yield from (_bare(value) for param in self.params for value in (line.param(param) if line else ()))
            elif self.is_line(text):
                yield _bare(unescape(parse_line(text).value))


_VALUE = r"(?:\"[^\"]*\"|[^;:,\"]*)"
_PLACE = ("street", "city", "postcode", "country")
TWINS = (
    Twin("LABEL", _PLACE, mapped="ADR", params=("LABEL", "GEO", "CC")),
    Twin("SORT-STRING", ("family_name", "given_name", "company")),
    Twin("N-SORT-AS", ("family_name", "given_name"), has_property=False, mapped="N", params=("SORT-AS",)),
    Twin("ORG-SORT-AS", ("company",), has_property=False, mapped="ORG", params=("SORT-AS",)),
    Twin("X-PHONETIC-FIRST-NAME", ("given_name",)),
    Twin("X-PHONETIC-LAST-NAME", ("family_name",)),
    Twin("X-PHONETIC-ORG", ("company",)),
    Twin("X-EVOLUTION-FILE-AS", ("family_name", "given_name", "company")),
)


_TWIN_NAMES = frozenset(twin.name for twin in TWINS)


def twin_lines(sidecar: Iterable[str]) -> list[str]:
    """Return the lines of a sidecar that are twins, have some as parameters, or say what they were made for."""
    return [line for line in sidecar if line.startswith(SIDECAR_PREFIX) or _name_of(line) in _TWIN_NAMES]


def _name_of(text: str) -> str:
    return text.partition(":")[0].partition(";")[0].rpartition(".")[2].upper()


def _line(text: str) -> Line | None:
    try:
        return parse_line(text)
    except PayloadError:
        return None


def _bare(text: str) -> str:
    return "".join(text.split()).replace("\\", "")


@dataclass(frozen=True, slots=True)
class Card:
    """Holds a parsed vCard. ``private``: of category *privat* (rule 12); ``is_group``: an Apple contact group.

    ``shown`` is the value of FN; ``is_only_shown``: there is no other name, so it was read as the family name.
    """

    uid: str
    fields: ContactFields
    phones: tuple[SlotPhone, ...]
    sidecar: tuple[str, ...]
    private: bool = False
    is_group: bool = False
    shown: str = ""
    is_only_shown: bool = False


def empty_card(sidecar: Sequence[str] = ()) -> Card:
    """Return a card without values: the base of a new contact, or of one of which only the sidecar is known."""
    return Card("", ContactFields(), (), tuple(sidecar))


def formatted_name(found: ContactFields) -> str:
    """Return FN computed from the fields: the person's name, else the company, else the e-mail address."""
    person = " ".join(part for part in (found.title, found.given_name, found.family_name) if part)
    return person or found.company or found.email
