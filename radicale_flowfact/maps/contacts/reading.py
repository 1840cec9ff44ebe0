"""Reads a vCard (RFC 2426): what FlowFact has a field for, and the sidecar of the rest (rules 9 to 13 and 26)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from radicale_flowfact.content.contentlines import (
    LISTED,
    Line,
    PayloadError,
    escape,
    parse_line,
    require_printable,
    split_components,
    split_lines,
    unescape,
)
from radicale_flowfact.content.words import clean
from radicale_flowfact.maps.contacts import phones
from radicale_flowfact.maps.contacts.candidates import (
    NEVER_MAPPED,
    address_rank,
    compared_value,
    considered,
    email_of,
    email_rank,
    fax_rank,
    without_device_lines,
)
from radicale_flowfact.maps.contacts.fields import (
    FIELD_NAMES,
    LINE_PREFIXES,
    SIDECAR_PREFIX,
    TWINS,
    Card,
    ContactFields,
    empty_card,
    formatted_name,
    twin_lines,
)

_MADE_ANEW = frozenset({"BEGIN", "END", "VERSION", "PRODID", "REV", "UID"})
_PRIVATE = re.compile(r"(?:\A|,)\s*private?\s*(?=,|\Z)", re.IGNORECASE)
_COMPANY_MARKS = ("KIND", "X-ABSHOWAS")
_LONGEST_ORG = 1000  # characters of ORG that FN may repeat
_NAME_WORDS = re.compile(r"[^\s.,]+")  # as Android takes a name apart, which loses dots and commas
_MOST_NAME_WORDS = 10  # that it takes
# All else says something of a contact: some devices store those that have only a number, an address or a note.
_SAYS_NOTHING = frozenset({"BEGIN", "END", "KIND", "PRODID", "REV", "UID", "VERSION"})
_USUAL_TYPES = {name: parse_line(f"{prefix}:").types for name, prefix in LINE_PREFIXES.items()}


def parse(text: str, slots: Sequence[str], base: Card | None = None) -> Card:
    """Parse a vCard. Raises PayloadError.

    ``base`` is the version that the device had. Of several lines that could be the mapped one, the line with the value
    of ``base`` is chosen, so that reordering changes nothing (rule 26). A line from the sidecar of ``base`` is not
    chosen, so that it stays with the device when the mapped one is deleted (rule 9).
    """
    lines = _lines_inside(split_lines(text))
    by_name: dict[str, list[Line]] = {}
    for line in lines:
        by_name.setdefault(line.name, []).append(line)
    by_name = {name: considered(name, named) for name, named in by_name.items()}
    reader = _Reader(by_name, base or empty_card())
    fields_, used, kept = reader.read()
    kept += phones.group_lines(by_name.get("TEL", ()))
    telephones = [line for line in by_name.get("TEL", ()) if "FAX" not in line.types]
    kept += phones.kind_lines(telephones)
    used |= {id(line) for line in telephones}
    used |= {id(line) for line in lines if line.name in _MADE_ANEW or line.name.startswith(SIDECAR_PREFIX)}
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
        is_only_shown=reader.is_only_shown,
    )


def _lines_inside(lines: list[Line]) -> list[Line]:
    """Return the lines between BEGIN and END. Raises PayloadError if it is not one whole VCARD with UID and name."""
    starts = [line for line in lines if line.name == "BEGIN"]
    if not starts or lines[0] is not starts[0] or starts[0].value.strip().upper() != "VCARD":
        raise PayloadError("it does not begin with BEGIN:VCARD")
    if len(starts) > 1:
        raise PayloadError("there is more than one contact in it")
    if lines[-1].name != "END":
        raise PayloadError("it is cut off: END:VCARD is missing")
    if not any(line.name == "UID" and line.value.strip() for line in lines):
        raise PayloadError("it has no UID")
    if not any(line.name not in _SAYS_NOTHING and line.value.strip(" ;") for line in lines):
        raise PayloadError("it has no name, and nothing else that tells of a contact")
    return lines[1:-1]


class _Reader:
    """Reads the mapped lines of one vCard, and collects sidecar lines for the parts that FlowFact has no field for."""

    def __init__(self, by_name: dict[str, list[Line]], base: Card) -> None:
        self._by_name = by_name
        self._base = base
        self._used: set[int] = set()
        self._kept: list[str] = []
        line = _first(by_name, "FN")
        self.shown = "" if line is None else clean(unescape(line.value))
        self.is_only_shown = False

    def read(self) -> tuple[ContactFields, set[int], list[str]]:
        """Return the fields, the ids of the lines they came from, and the sidecar lines named ``X-FLOWFACT-…``."""
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
            email=self._email_address(),
            note=self._text_of(self._pick("NOTE", lambda line: 0, (self._base.fields.note,)), "NOTE"),
        )
        if self._is_company_split(found):
            found = replace(found, title="", given_name="", family_name="")
            self._kept = [line for line in self._kept if not line.startswith(f"{SIDECAR_PREFIX}N-PARTS:")]
        found = self._with_formatted_name(found)
        self._mark_twins(found)
        for field in FIELD_NAMES:
            require_printable(field, getattr(found, field))
        return found, self._used, self._kept

    def _pick(
        self, name: str, rank: Callable[[Line], int], wanted: Sequence[str], mapped: Sequence[int] = (0,)
    ) -> Line | None:
        """Return the mapped one of several lines: the one with the value of ``base``, else that of the lowest rank.

        ``wanted``: the value of ``base`` in the components ``mapped``.
        """
        lines = [line for line in self._by_name.get(name, ()) if rank(line) < NEVER_MAPPED]
        same = [line for line in lines if any(wanted) and compared_value(line, mapped) == tuple(wanted)]
        device_lines = [line for line in self._device_lines(name) if rank(line) < NEVER_MAPPED]
        lines = same or without_device_lines(lines, device_lines)
        if not lines:
            return None
        # An empty line is not rendered: if it were the mapped one, another would be when the rendered text is parsed.
        lines = [line for line in lines if line.value.strip(" ;")] or lines
        chosen = lines[0] if same else min(lines, key=rank)
        self._used.add(id(chosen))
        return chosen

    def _device_lines(self, name: str) -> list[Line]:
        """Return the lines of this name in the sidecar of ``base``."""
        named = (entry for entry in self._base.sidecar if name in entry.partition(":")[0].upper())
        return considered(name, [line for line in map(parse_line, named) if line.name == name])

    def _text_of(self, line: Line | None, keep_prefix_of: str = "") -> str:
        if line is None:
            return ""
        if keep_prefix_of:
            self._keep_prefix(keep_prefix_of, line)
        return clean(unescape(line.value))

    @staticmethod
    def _number(line: Line | None) -> str:
        return "" if line is None else clean(phones.number_of(line))

    def _keep_prefix(self, name: str, line: Line) -> None:
        """Keep group and parameters of a mapped line if they differ from those that ``render`` writes by default."""
        others = [param for param in line.params if param[0] != "TYPE" and param[1]]
        if line.group or others or line.types != _USUAL_TYPES[name]:
            self._kept.append(f"{SIDECAR_PREFIX}{name}:{line.text[: len(line.text) - len(line.value) - 1]}")

    def _parts(self, name: str, line: Line | None, mapped: Sequence[int]) -> list[str]:
        """Return the components of a structured line that FlowFact has fields for; keep the others in the sidecar."""
        if line is None:
            return [""] * len(mapped)
        self._used.add(id(line))
        self._keep_prefix(name, line)
        parts = split_components(line.value)
        others = ["" if index in mapped else part for index, part in enumerate(parts)]
        if any(others):
            self._kept.append(f"{SIDECAR_PREFIX}{name}-PARTS:" + ";".join(escape(part) for part in others))
        return [clean(parts[index]) if index < len(parts) else "" for index in mapped]

    def _name(self) -> tuple[str, str, str]:
        line = _first(self._by_name, "N")
        if line is not None:
            self._used.add(id(line))
            line = _with_value(line, LISTED.sub(r"\1 ", line.value))
        family, given, title = self._parts("N", line, (0, 1, 3))
        return family, given, title

    def _is_company_split(self, found: ContactFields) -> bool:
        """Return whether the name is what was shown of a contact without one: Android takes apart what it is shown.

        It puts a word before a comma behind the others, as a family name, and the last but one between them. It does so
        with what its user calls the company now, too.

        A new contact's name is one, also if its company is called alike, as a sole trader's is.
        """
        is_person = _is_person(self._base.fields) and not self._base.is_only_shown
        if is_person or not self._base.shown or not _is_person(found):
            return False
        line = _first(self._by_name, "N")
        names = " ".join(split_components(line.value)) if line is not None else ""
        words = sorted(_name_words(names))
        known = (self._base.shown, found.company)
        return any(words == sorted(_name_words(shown)[:_MOST_NAME_WORDS]) for shown in known if shown)

    def _company(self) -> str:
        line = self._pick("ORG", lambda line: 0, (self._base.fields.company,))
        return self._parts("ORG", line, (0,))[0]

    def _address(self) -> tuple[str, str, str, str]:
        had = self._base.fields
        mapped = (2, 3, 5, 6)
        line = self._pick("ADR", address_rank, (had.street, had.city, had.postcode, had.country), mapped)
        if line is not None:
            self._used.add(id(line))
            line = _with_value(line, LISTED.sub(r"\1\\n" if "\n" in had.street else r"\1\\, ", line.value))
        street, city, postcode, country = self._parts("ADR", line, mapped)
        return street, city, postcode, country

    def _mark_twins(self, found: ContactFields) -> None:
        """Keep for which values the twins of the card were made (rule 44).

        One that is as in ``base`` is as old as it was there: a client that does not know it leaves it as it is.
        """
        base: list[str] | None = None
        for twin in TWINS:
            said = twin.said([*(line.text for line in self._by_name.get(twin.name, ())), *self._kept])
            base = twin_lines(self._base.sidecar) if said and base is None else base
            kept = next((line for line in base or () if line.startswith(twin.mark)), "") if said else ""
            if kept and twin.said(base or ()) == said:
                self._kept.append(kept)
            elif said:
                self._kept.append(twin.marked(found))

    def _email_address(self) -> str:
        line = self._pick("EMAIL", email_rank, (self._base.fields.email,))
        if line is None:
            return ""
        self._keep_prefix("EMAIL", line)
        return email_of(line)

    def _fax(self) -> Line | None:
        had = self._base.fields.fax
        return self._pick("TEL", fax_rank, (phones.comparable_number(had) if had else "",))

    def _is_a_name(self, shown: str, found: ContactFields) -> bool:
        """Return whether FN names a person that N does not: it did before, or is new, and repeats nothing else.

        Clients without a name write the e-mail, a number, the UID or the company there; DAVx⁵ joins company and
        department with a slash.
        """
        is_other = self._base.shown not in ("", self._base.fields.family_name)  # of a company, or an e-mail
        is_company = any(
            _single(self._by_name, name).upper() in ("COMPANY", "ORG", "ORGANIZATION") for name in _COMPANY_MARKS
        )
        if is_other or is_company or not any(char.isalpha() for char in shown):
            return False
        uid = _single(self._by_name, "UID")
        organisation = _first(self._by_name, "ORG")
        unit = " ".join(split_components(organisation.value[:_LONGEST_ORG])) if organisation is not None else ""
        repeated = (found.email, uid, found.company, unit)
        return "@" not in shown and all(_words(shown) != _words(one) for one in repeated)

    def _is_a_number(self, shown: str) -> bool:
        """Return whether FN is one of the contact's numbers, which clients write there for want of a name."""
        digits = _digits(shown)
        if not digits or any(char.isalpha() for char in shown):
            return False
        return any(_digits(line.value) == digits for line in self._by_name.get("TEL", ()))

    def _with_formatted_name(self, found: ContactFields) -> ContactFields:
        """Read FN: the family name if there is no other name, else a form of the name that the user chose."""
        line = _first(self._by_name, "FN")
        if line is None:
            return found
        self._used.add(id(line))
        shown, computed = self.shown, formatted_name(found)
        if computed and not _is_person(found) and self._is_a_name(shown, found):
            return replace(found, family_name=shown)
        # N and ORG were emptied, and FN is that of ``base``: it was computed from them and is no new name.
        left_over = shown == self._base.shown != self._base.fields.family_name
        if not computed and not left_over and not self._is_a_number(shown):
            self.is_only_shown = True
            return replace(found, family_name=shown)
        had = formatted_name(self._base.fields)
        is_left = bool(computed) and shown == self._base.shown == had  # made from a name that is another one now
        if shown and shown != computed and not is_left:
            self._kept.append(f"{SIDECAR_PREFIX}FN:{escape(computed)};{escape(shown)}")
        return found


def _with_value(line: Line, value: str) -> Line:
    """Return a line with another value, of whatever length."""
    return replace(line, text=f"{line.text[: len(line.text) - len(line.value)]}{value}", value=value)


def _digits(text: str) -> str:
    return "".join(char for char in text[:_LONGEST_ORG] if char.isdigit())


def _is_person(found: ContactFields) -> bool:
    return bool(found.title or found.given_name or found.family_name)


def _name_words(text: str) -> list[str]:
    return _NAME_WORDS.findall(text[:_LONGEST_ORG].casefold())


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _is_private(line: Line) -> bool:
    """Return whether one of the categories is *privat* (rule 12); a comma that is escaped separates none."""
    end = 0
    for found in _PRIVATE.finditer(line.value):
        before = line.value[end : found.start()]
        if (len(before) - len(before.rstrip("\\"))) % 2 == 0:
            return True
        end = found.end()
    return False


def _first(by_name: dict[str, list[Line]], name: str) -> Line | None:
    return next(iter(by_name.get(name, ())), None)


def _single(by_name: dict[str, list[Line]], name: str) -> str:
    """Return the value of the first such line that has one."""
    values = (unescape(line.value).strip() for line in by_name.get(name, ()))
    return next((value for value in values if value), "")
