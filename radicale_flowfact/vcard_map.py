"""Address <-> vCard 3.0 (RFC 2426), rules 9 to 13, 25 and 26. Pure functions.

What FlowFact has a field for is read into ``ContactFields`` and ``phones``; every other line goes to the
sidecar as it came, and ``render`` puts it back. Parts of a mapped line that FlowFact has no field for
(further parts of N, ORG and ADR, parameters and groups, an FN of the user's own) are kept in sidecar lines
of our own, ``X-FLOWFACT-…``, which are never sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from radicale_flowfact import phones
from radicale_flowfact.contentlines import (
    Line,
    PayloadError,
    escape,
    join_lines,
    parse_line,
    printable,
    require_printable,
    split_components,
    split_lines,
    unescape,
)
from radicale_flowfact.phones import SlotPhone
from radicale_flowfact.records import Address

_NOT_KEPT = frozenset({"BEGIN", "END", "VERSION", "PRODID", "REV", "UID"})
_PRIVATE = frozenset({"privat", "private"})
_PLAIN_ADDRESS_TYPES = frozenset({"PREF", "INTL", "DOM", "POSTAL", "PARCEL"})
_TELLING = frozenset({"FN", "N", "ORG", "TEL", "EMAIL"})  # phones make contacts that are a number alone
_OURS = "X-FLOWFACT-"
_PREFIXES = {"ADR": "ADR;TYPE=WORK", "EMAIL": "EMAIL;TYPE=INTERNET,WORK", "NOTE": "NOTE", "ORG": "ORG", "N": "N"}
_USUAL_TYPES = {name: parse_line(f"{prefix}:").types for name, prefix in _PREFIXES.items()}


@dataclass(frozen=True, slots=True)
class ContactFields:
    """What FlowFact has a field for; the names are those of ``Address``."""

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


_FIELDS = tuple(field.name for field in fields(ContactFields))


@dataclass(frozen=True, slots=True)
class Card:
    """A vCard taken apart. ``private``: of category *privat* (rule 12); ``is_group``: an Apple contact group.

    ``shown`` is its FN.
    """

    uid: str
    fields: ContactFields
    phones: tuple[SlotPhone, ...]
    sidecar: tuple[str, ...]
    private: bool = False
    is_group: bool = False
    shown: str = ""


def empty_card(sidecar: Sequence[str] = ()) -> Card:
    """Return the card that a new contact is compared with, or one of which only the sidecar is known."""
    return Card("", ContactFields(), (), tuple(sidecar))


def parse(text: str, slots: Sequence[str], like: Card | None = None) -> Card:
    """Take a vCard apart. Raises PayloadError.

    ``like`` is the version the device had: of several lines that could be the mapped one, the one that says
    the same as there is taken, so that reordering changes nothing (rule 26), and one that was in its sidecar
    is not, so that it stays with the device when the mapped one goes (rule 9).
    """
    lines = _body(split_lines(text))
    by_name: dict[str, list[Line]] = {}
    for line in lines:
        by_name.setdefault(line.name, []).append(line)
    reader = _Reader(by_name, like or empty_card())
    fields_, used, kept = reader.read()
    kept += phones.groups_of(by_name.get("TEL", ()))
    telephones = [line for line in by_name.get("TEL", ()) if "FAX" not in line.types]
    used |= {id(line) for line in telephones}
    used |= {id(line) for line in lines if line.name in _NOT_KEPT or line.name.startswith(_OURS)}
    sidecar = [line.text for line in lines if id(line) not in used]
    return Card(
        _single(by_name, "UID"),
        fields_,
        phones.read_phones(telephones, slots),
        (*sidecar, *kept),
        private=any(_is_private(line) for line in by_name.get("CATEGORIES", ())),
        is_group=any(
            line.value.strip().lower() == "group"
            for name in ("KIND", "X-ADDRESSBOOKSERVER-KIND")
            for line in by_name.get(name, ())
        ),
        shown=reader.shown,
    )


def _body(lines: list[Line]) -> list[Line]:
    """Return the lines inside the one VCARD, checked to be one."""
    starts = [line for line in lines if line.name == "BEGIN"]
    if not starts or lines[0] is not starts[0] or starts[0].value.strip().upper() != "VCARD":
        raise PayloadError("it does not begin with BEGIN:VCARD")
    if len(starts) > 1:
        raise PayloadError("there is more than one contact in it")
    if lines[-1].name != "END":
        raise PayloadError("it is cut off: END:VCARD is missing")
    if not any(line.name == "UID" and line.value.strip() for line in lines):
        raise PayloadError("it has no UID")
    if not any(line.name in _TELLING and line.value.strip(" ;") for line in lines):
        raise PayloadError("it has no name: neither FN nor N nor ORG, and no number or e-mail instead")
    return lines[1:-1]


class _Reader:
    """Reads the mapped lines of one vCard and notes what of them FlowFact cannot keep."""

    def __init__(self, by_name: dict[str, list[Line]], like: Card) -> None:
        self._by_name = by_name
        self._like = like
        self._used: set[int] = set()
        self._kept: list[str] = []
        line = _first(by_name, "FN")
        self.shown = "" if line is None else clean(unescape(line.value))

    def read(self) -> tuple[ContactFields, set[int], list[str]]:
        """Return the fields, the ids of the lines they came from, and the sidecar lines of our own."""
        family, given, title = self._name()
        company = self._company()
        street, city, postcode, country = self._address()
        found = ContactFields(
            company=company,
            title=title,
            given_name=given,
            family_name=family,
            street=street,
            postcode=postcode,
            city=city,
            country=country,
            fax=self._number(self._fax()),
            email=self._plain(self._email(), "EMAIL"),
            note=self._plain(self._pick("NOTE", lambda line: 0, (self._like.fields.note,)), "NOTE"),
        )
        found = self._with_formatted_name(found)
        for field in _FIELDS:
            require_printable(field, getattr(found, field))
        return found, self._used, self._kept

    def _pick(
        self, name: str, rank: Callable[[Line], int], wanted: Sequence[str], ours: Sequence[int] = (0,)
    ) -> Line | None:
        """Return the mapped one of several lines: the one that says what the device had, else the best ranked.

        ``wanted``: what it had in the parts ``ours``.
        """
        lines = [line for line in self._by_name.get(name, ()) if rank(line) < _NEVER]
        same = [line for line in lines if any(wanted) and _said(line, ours) == tuple(wanted)]
        lines = same or _not_own(lines, [line for line in self._own(name) if rank(line) < _NEVER])
        if not lines:
            return None
        # An empty line says nothing: taken for the mapped one, another would be it when our own text is read again.
        lines = [line for line in lines if line.value.strip(" ;")] or lines
        chosen = lines[0] if same else min(lines, key=rank)
        self._used.add(id(chosen))
        return chosen

    def _own(self, name: str) -> list[Line]:
        """Return the lines of this name that the device had for itself."""
        named = (entry for entry in self._like.sidecar if name in entry.partition(":")[0].upper())
        return [line for line in map(parse_line, named) if line.name == name]

    def _plain(self, line: Line | None, keep_prefix_of: str = "") -> str:
        if line is None:
            return ""
        if keep_prefix_of:
            self._keep_prefix(keep_prefix_of, line)
        return clean(unescape(line.value))

    @staticmethod
    def _number(line: Line | None) -> str:
        return "" if line is None else clean(phones.number_of(line))

    def _keep_prefix(self, name: str, line: Line) -> None:
        """Remember group and parameters of a mapped line unless they say no more than our own would."""
        others = [param for param in line.params if param[0] != "TYPE" and param[1]]
        if line.group or others or line.types != _USUAL_TYPES[name]:
            self._kept.append(f"{_OURS}{name}:{line.text[: len(line.text) - len(line.value) - 1]}")

    def _parts(self, name: str, line: Line | None, ours: Sequence[int]) -> list[str]:
        """Return the parts of a structured line that FlowFact keeps; the others are remembered as they are."""
        if line is None:
            return [""] * len(ours)
        self._used.add(id(line))
        self._keep_prefix(name, line)
        parts = split_components(line.value)
        others = ["" if index in ours else part for index, part in enumerate(parts)]
        if any(others):
            self._kept.append(f"{_OURS}{name}-PARTS:" + ";".join(escape(part) for part in others))
        return [clean(parts[index]) if index < len(parts) else "" for index in ours]

    def _name(self) -> tuple[str, str, str]:
        family, given, title = self._parts("N", _first(self._by_name, "N"), (0, 1, 3))
        return family, given, title

    def _company(self) -> str:
        line = self._pick("ORG", lambda line: 0, (self._like.fields.company,))
        return self._parts("ORG", line, (0,))[0]

    def _address(self) -> tuple[str, str, str, str]:
        had = self._like.fields
        ours = (2, 3, 5, 6)
        line = self._pick("ADR", _address_rank, (had.street, had.city, had.postcode, had.country), ours)
        street, city, region_free_code, country = self._parts("ADR", line, ours)
        return street, city, region_free_code, country

    def _email(self) -> Line | None:
        return self._pick("EMAIL", _email_rank, (self._like.fields.email,))

    def _fax(self) -> Line | None:
        had = self._like.fields.fax
        return self._pick("TEL", _fax_rank, (phones.same_number(had) if had else "",))

    def _with_formatted_name(self, found: ContactFields) -> ContactFields:
        """Read FN: the family name where there is nothing else, else the user's own way to show the name."""
        line = _first(self._by_name, "FN")
        if line is None:
            return found
        self._used.add(id(line))
        shown, computed = self.shown, formatted_name(found)
        # What FN was made of is gone now, and FN stayed behind: it is no new name.
        left_over = shown == self._like.shown != self._like.fields.family_name
        if not computed and not left_over:
            return replace(found, family_name=shown)
        if shown and shown != computed:
            self._kept.append(f"{_OURS}FN:{escape(computed)};{escape(shown)}")
        return found


_NEVER = 9
_MOST_PARTS = 9  # ADR has seven, ORG as many as there are departments
_NO_LABEL = frozenset({"PREF", "INTERNET", "VOICE", "FAX"})


def _address_rank(line: Line) -> int:
    if "WORK" in line.types:
        return 0
    labelled = line.group or "HOME" in line.types or line.types - _PLAIN_ADDRESS_TYPES
    return _NEVER if labelled else 1


def _fax_rank(line: Line) -> int:
    if "FAX" not in line.types or "HOME" in line.types:
        return _NEVER
    return 0 if "WORK" in line.types else 1


def _said(line: Line, ours: Sequence[int]) -> tuple[str, ...]:
    """Return what a line says in these parts, as it is compared."""
    if line.name == "TEL":
        return (phones.same_number(phones.number_of(line)),)
    if line.name in ("EMAIL", "NOTE"):
        return (clean(unescape(line.value)),)
    parts = [clean(part) for part in split_components(line.value)]
    return tuple(parts[index] if index < len(parts) else "" for index in ours)


def _not_own(lines: list[Line], own: list[Line]) -> list[Line]:
    """Return the lines that are not the device's own: neither as it had them, nor respelled, nor edited in place."""
    for alike in (_same_text, _same_value, _same_label):
        for had in list(own):
            found = next((line for line in lines if alike(line, had)), None)
            if found is not None:
                own.remove(had)
                lines = [line for line in lines if line is not found]
    return lines


def _same_text(one: Line, other: Line) -> bool:
    return one.text == other.text


def _same_value(one: Line, other: Line) -> bool:
    return _said(one, range(_MOST_PARTS)) == _said(other, range(_MOST_PARTS))


def _same_label(one: Line, other: Line) -> bool:
    return one.types - _NO_LABEL == other.types - _NO_LABEL and bool(one.types - _NO_LABEL - {"WORK"})


def _email_rank(line: Line) -> int:
    types = line.types
    if "WORK" in types:
        return 0
    if "HOME" in types:
        return 3
    return 1 if "PREF" in types else 2


def render(address: Address, uid: str, sidecar: Sequence[str], slots: Sequence[str]) -> str:
    """Return an address as a vCard, with the sidecar put back. The same input gives the same bytes.

    Raises ValueError for a control character in a field (rule 28).
    """
    found = ContactFields(**{field: clean(getattr(address, field)) for field in _FIELDS})
    for field in _FIELDS:
        require_printable(field, getattr(found, field))
    require_printable("identifier", address.identifier)
    ours = _Ours(sidecar)
    name = ours.shown_name(formatted_name(found)) or address.identifier.strip() or "?"
    require_printable("name", name)
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"UID:{escape(uid)}", f"FN:{escape(name)}"]
    lines.append(ours.structured("N", {0: found.family_name, 1: found.given_name, 3: found.title}, 5))
    if found.company or ours.has_parts("ORG"):
        lines.append(ours.structured("ORG", {0: found.company}, 1))
    place = {2: found.street, 3: found.city, 5: found.postcode, 6: found.country}
    if any(place.values()) or ours.has_parts("ADR"):
        lines.append(ours.structured("ADR", place, 7))
    lines += phones.phone_lines(address.phones, slots, sidecar)
    if found.fax:
        lines.append(f"{phones.in_group(found.fax, sidecar)}TEL;TYPE=WORK,FAX:{escape(found.fax)}")
    if found.email:
        lines.append(f"{ours.prefix('EMAIL')}:{escape(found.email)}")
    if found.note:
        lines.append(f"{ours.prefix('NOTE')}:{escape(found.note)}")
    return join_lines([*lines, *ours.others, "END:VCARD"])


def oddity(address: Address) -> str:
    """Return what the admin should know of an address that is shown all the same, or empty."""
    known = (address.title, address.given_name, address.family_name, address.company, address.email)
    is_nameless = not any(text.strip() for text in (*known, address.identifier))
    return "it has neither a name nor a KENNUNG" if is_nameless else ""


def minimal(address: Address, uid: str, slots: Sequence[str]) -> str:
    """Return a valid vCard for a record that cannot be rendered fully: its texts, cleaned (rule 28)."""
    texts: dict[str, Any] = {field: printable(getattr(address, field)) for field in _FIELDS}
    numbers = tuple(replace(phone, number=printable(phone.number)) for phone in address.phones)
    return render(replace(address, identifier=printable(address.identifier), phones=numbers, **texts), uid, (), slots)


class _Ours:
    """The sidecar split into what is sent as it is and what completes the mapped lines."""

    def __init__(self, sidecar: Iterable[str]) -> None:
        self.others: list[str] = []
        self._ours: dict[str, str] = {}
        for line in sidecar:
            if line.startswith(_OURS):
                name, _, value = line.removeprefix(_OURS).partition(":")
                self._ours[name] = value
            else:
                self.others.append(line)

    def prefix(self, name: str) -> str:
        """Return group, name and parameters of a mapped line."""
        return self._ours.get(name, _PREFIXES[name])

    def has_parts(self, name: str) -> bool:
        """Whether the line has parts that FlowFact does not keep."""
        return f"{name}-PARTS" in self._ours

    def structured(self, name: str, parts: dict[int, str], length: int) -> str:
        """Return a structured line with FlowFact's parts and the others."""
        others = split_components(self._ours.get(f"{name}-PARTS", ""))
        size = max(length, len(others))
        values = [parts.get(index, others[index] if index < len(others) else "") for index in range(size)]
        return f"{self.prefix(name)}:" + ";".join(escape(value) for value in values)

    def shown_name(self, computed: str) -> str:
        """Return the user's own FN as long as the name is the one it was made for."""
        made_for, *own = split_components(self._ours.get("FN", ""))
        return own[0] if own and made_for == computed else computed


def formatted_name(found: ContactFields) -> str:
    """Return FN as the fields give it: the person, else the company, else the e-mail."""
    person = " ".join(part for part in (found.title, found.given_name, found.family_name) if part)
    return person or found.company or found.email


def clean(text: str) -> str:
    """Return a text as it is compared: line ends as one character, no blanks at line ends and at both ends."""
    if "\n" not in text and "\r" not in text:
        return text.strip()
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()


def _is_private(line: Line) -> bool:
    return any(name.strip().lower() in _PRIVATE for name in split_components(line.value, ","))


def _first(by_name: dict[str, list[Line]], name: str) -> Line | None:
    return next(iter(by_name.get(name, ())), None)


def _single(by_name: dict[str, list[Line]], name: str) -> str:
    """Return the value of the first such line that has one."""
    values = (unescape(line.value).strip() for line in by_name.get(name, ()))
    return next((value for value in values if value), "")
