"""Renders an Address as a vCard 3.0 (RFC 2426) and puts the sidecar back (rules 9, 10, 25 and 28)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from radicale_flowfact.content.contentlines import (
    escape,
    join_lines,
    printable,
    require_printable,
    split_components,
)
from radicale_flowfact.content.words import clean
from radicale_flowfact.maps.contacts import phones
from radicale_flowfact.maps.contacts.fields import (
    FIELD_NAMES,
    LINE_PREFIXES,
    SIDECAR_PREFIX,
    TWINS,
    ContactFields,
    formatted_name,
)
from radicale_flowfact.records import Address


def render(address: Address, uid: str, sidecar: Sequence[str], slots: Sequence[str]) -> str:
    """Return an address and its sidecar as a vCard. The same input gives the same bytes.

    Raises ValueError for a control character in a field (rule 28).
    """
    found = ContactFields(**{field: clean(getattr(address, field)) for field in FIELD_NAMES})
    for field in FIELD_NAMES:
        require_printable(field, getattr(found, field))
    require_printable("identifier", address.identifier)
    kept = _SidecarLines(sidecar)
    kept.drop_old_twins(found)
    name = kept.formatted_name(formatted_name(found)) or address.identifier.strip() or "?"
    require_printable("name", name)
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"UID:{escape(uid)}", f"FN:{escape(name)}"]
    lines.append(kept.structured("N", {0: found.family_name, 1: found.given_name, 3: found.title}, 5))
    if found.company or kept.has_parts("ORG"):
        lines.append(kept.structured("ORG", {0: found.company}, 1))
    place = {2: found.street, 3: found.city, 5: found.postcode, 6: found.country}
    if any(place.values()) or kept.has_parts("ADR"):
        lines.append(kept.structured("ADR", place, 7))
    lines += phones.phone_lines(address.phones, slots, sidecar)
    if found.fax:
        lines.append(f"{phones.group_prefix(found.fax, sidecar)}TEL;TYPE=WORK,FAX:{escape(found.fax)}")
    if found.email:
        lines.append(f"{kept.prefix('EMAIL')}:{escape(found.email)}")
    if found.note:
        lines.append(f"{kept.prefix('NOTE')}:{escape(found.note)}")
    return join_lines([*lines, *kept.others, "END:VCARD"])


def warning(address: Address) -> str:
    """Return a warning for the admin about an address that is rendered nevertheless, or an empty text."""
    known = (address.title, address.given_name, address.family_name, address.company, address.email)
    is_nameless = not any(text.strip() for text in (*known, address.identifier))
    return "it has neither a name nor a KENNUNG" if is_nameless else ""


def minimal(address: Address, uid: str, slots: Sequence[str]) -> str:
    """Return a valid vCard of a record that ``render`` refuses: without sidecar and control characters (rule 28)."""
    texts: dict[str, Any] = {field: printable(getattr(address, field)) for field in FIELD_NAMES}
    numbers = tuple(replace(phone, number=printable(phone.number)) for phone in address.phones)
    return render(replace(address, identifier=printable(address.identifier), phones=numbers, **texts), uid, (), slots)


class _SidecarLines:
    """Holds a sidecar split into lines sent as they are (``others``) and those that complete mapped lines."""

    def __init__(self, sidecar: Iterable[str]) -> None:
        self.others: list[str] = []
        self._completing: dict[str, str] = {}
        for line in sidecar:
            if line.startswith(SIDECAR_PREFIX):
                name, _, value = line.removeprefix(SIDECAR_PREFIX).partition(":")
                self._completing[name] = value
            else:
                self.others.append(line)

    def prefix(self, name: str) -> str:
        """Return group, name and parameters of a mapped line."""
        return self._completing.get(name, LINE_PREFIXES[name])

    def drop_old_twins(self, found: ContactFields) -> None:
        """Drop what was derived from other values than the record has now (rule 44)."""
        for twin in TWINS:
            if twin.name not in self._completing or twin.is_made_for(self._completing[twin.name], found):
                continue
            if twin.mapped in self._completing:
                self._completing[twin.mapped] = twin.without_params(self._completing[twin.mapped])
            self.others = [line for line in self.others if not twin.is_line(line)]

    def has_parts(self, name: str) -> bool:
        """Return whether the sidecar holds components of this line that FlowFact has no field for."""
        return f"{name}-PARTS" in self._completing

    def structured(self, name: str, parts: dict[int, str], length: int) -> str:
        """Return a structured line of FlowFact's components and those of the sidecar."""
        others = split_components(self._completing.get(f"{name}-PARTS", ""))
        size = max(length, len(others))
        values = [parts.get(index, others[index] if index < len(others) else "") for index in range(size)]
        return f"{self.prefix(name)}:" + ";".join(escape(value) for value in values)

    def formatted_name(self, computed: str) -> str:
        """Return the FN that the user chose, while the computed name is the one it was chosen for."""
        made_for, *own = split_components(self._completing.get("FN", ""))
        return own[0] if own and made_for == computed else computed
