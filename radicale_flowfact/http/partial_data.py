"""Cuts items down to the properties that ``calendar-data`` or ``address-data`` names (RFC 4791 §9.6, RFC 6352 §10.4).

Texts are filtered by content lines, so that the remaining lines are byte for byte those of the whole item.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from radicale import xmlutils

_DATA = {"C": xmlutils.make_clark("C:calendar-data"), "CR": xmlutils.make_clark("CR:address-data")}
_NAME = re.compile(r"(?:[\w-]+\.)?([\w-]+)")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")  # other line breaks of Unicode belong to a value


@dataclass(frozen=True, slots=True)
class DataSelection:
    """Holds what is asked for of a component; None: all. ``bare``: properties without their value (novalue)."""

    properties: frozenset[str] | None = None
    bare: frozenset[str] = frozenset()
    components: Mapping[str, DataSelection] | None = field(default=None)


_WHOLE = DataSelection()


def read_selection(report: ET.Element) -> DataSelection | None:
    """Return the parts of items that a REPORT asks for, or None for whole items."""
    prop = report.find(xmlutils.make_clark("D:prop"))
    for space, tag in _DATA.items():
        data = prop.find(tag) if prop is not None else None
        if data is None:
            continue
        if space == "CR":
            return _of_card(data)
        component = data.find(xmlutils.make_clark("C:comp"))
        return None if component is None else DataSelection(frozenset(), components=_named([component]))
    return None


def cut_data(multistatus: ET.Element, wanted: DataSelection) -> None:
    """Reduce every text in a multistatus to what is asked for."""
    for tag in _DATA.values():
        for data in multistatus.iter(tag):
            data.text = cut(data.text or "", wanted)


def cut(text: str, wanted: DataSelection) -> str:
    """Return the content lines of an item that are asked for, in their order and folding."""
    return "".join(_kept(text, wanted))


def _of_card(data: ET.Element) -> DataSelection | None:
    own = _properties(data, "CR")
    return None if own is None else DataSelection(frozenset(), components={"VCARD": own})


def _named(components: list[ET.Element]) -> Mapping[str, DataSelection]:
    return {component.get("name", "").upper(): _of_component(component) for component in components}


def _of_component(component: ET.Element) -> DataSelection:
    if component.find(xmlutils.make_clark("C:allcomp")) is not None:
        inner: Mapping[str, DataSelection] | None = None
    else:
        inner = _named(component.findall(xmlutils.make_clark("C:comp")))
    own = _properties(component, "C") or DataSelection(frozenset())
    if component.find(xmlutils.make_clark("C:allprop")) is not None:
        own = _WHOLE
    return DataSelection(own.properties, own.bare, inner)


def _properties(element: ET.Element, space: str) -> DataSelection | None:
    """Return the properties that an element names, or None if it names none."""
    named = element.findall(xmlutils.make_clark(f"{space}:prop"))
    if not named:
        return None
    names = {prop.get("name", "").upper(): prop.get("novalue", "no") == "yes" for prop in named}
    return DataSelection(frozenset(names), frozenset(name for name, is_bare in names.items() if is_bare), {})


def _kept(text: str, wanted: DataSelection) -> Iterator[str]:
    """Yield the lines to keep. ``within`` holds what is wanted of each open component; None: nothing."""
    within: list[DataSelection | None] = [wanted]
    for line in _unbroken(text):
        name, value = _name_of(line), line.partition(":")[2].strip().upper()
        here = within[-1]
        if name == "BEGIN":
            within.append(_inside(here, value))
        if name == "END" and len(within) > 1:
            here = within.pop()
        if name in ("BEGIN", "END"):
            if within[-1] is not None if name == "BEGIN" else here is not None:
                yield line
        elif here is not None and (here.properties is None or name in here.properties):
            yield f"{line.partition(':')[0]}:\r\n" if name in here.bare else line


def _inside(outer: DataSelection | None, name: str) -> DataSelection | None:
    if outer is None:
        return None
    return _WHOLE if outer.components is None else outer.components.get(name)


def _unbroken(text: str) -> Iterator[str]:
    """Yield each property with its line breaks and continuations."""
    pieces: list[str] = []
    for line in _LINE.finditer(text):
        if pieces and not line[0].startswith((" ", "\t")):
            yield "".join(pieces)
            pieces = []
        pieces.append(line[0])
    if pieces:
        yield "".join(pieces)


def _name_of(line: str) -> str:
    found = _NAME.match(line)
    return found[1].upper() if found else ""
