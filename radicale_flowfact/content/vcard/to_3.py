"""Converts a card of vCard 4.0 (RFC 6350) to 3.0 (RFC 2426); lines of 3.0 in it stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from radicale_flowfact.content.contentlines import Line, escape, unescape
from radicale_flowfact.content.vcard import media, values
from radicale_flowfact.content.vcard.parameters import head_to_3, kept_in_3, retype_to_3
from radicale_flowfact.content.vcard.properties import (
    ANNIVERSARY_3,
    FRAME,
    GROUP_KIND,
    KEPT_4,
    SHOWN_AS,
    Property,
    has_scheme,
)


def lines_to_3(lines: Sequence[Line]) -> list[str]:
    """Return the unfolded lines of a card in 3.0. Its N, which 3.0 demands, is empty if 4.0 had none."""
    names = {line.name for line in lines}
    found: list[str] = []
    for line in lines:
        if line.name == "END" and "N" not in names:
            found.append("N:;;;;")
        if line.name == "VERSION":
            found.append("VERSION:3.0")
        else:
            found += line_to_3(line, names)
    return found


def line_to_3(line: Line, names: Collection[str] = ()) -> list[str]:
    """Return a line of 4.0 as the lines that say it in 3.0; ``names``: those of all lines of its card."""
    if line.name in FRAME:
        return [line.text]
    special = _SPECIAL.get(line.name)
    found = special(Property.of(line), names) if special else None
    if found is not None:
        return [one.text for one in found]
    head = line.text[: len(line.text) - len(line.value) - 1]
    return [f"{head_to_3(head)}:{line.value}"]


def _kept(found: Property) -> list[Property]:
    return [kept_in_3(found)]


def _media(found: Property, _names: Collection[str]) -> list[Property]:
    made = media.to_3(found)
    return _kept(found) if made is None else [made]


def _date(found: Property, names: Collection[str]) -> list[Property]:
    """Return BDAY or ANNIVERSARY; one without a year as Apple writes it."""
    is_anniversary = found.name.upper() == "ANNIVERSARY"
    calendar = (found.param("CALSCALE") or "gregorian").lower()
    read = values.date_to_3(found.value)
    is_text = (found.param("VALUE") or "").lower() == "text"
    if read is None or is_text or calendar != "gregorian" or (is_anniversary and ANNIVERSARY_3 in names):
        is_as_in_3 = found.param("VALUE") is None and not found.value.strip()
        return [found] if is_as_in_3 and not is_anniversary else _kept(found)
    if is_anniversary:
        found.name = ANNIVERSARY_3
    retype_to_3(found)
    found.value, has_no_year = read
    if has_no_year:
        found.params.append(("X-APPLE-OMIT-YEAR", values.NO_YEAR))
    return [found]


def _revision(found: Property, _names: Collection[str]) -> list[Property]:
    read = values.date_to_3(found.value)
    if read is not None and not read[1]:
        found.value = read[0]
    retype_to_3(found)
    return [found]


def _zone(found: Property, _names: Collection[str]) -> list[Property]:
    """Return TZ: a text in 4.0 if nothing else is said, an offset in 3.0."""
    kind = (found.param("VALUE") or "").lower()
    if kind not in ("", "text", "utc-offset"):
        return _kept(found)
    offset = values.offset_to_3(found.value) if kind != "text" else None
    if offset is None and kind == "utc-offset":
        return _kept(found)
    found.params = [("VALUE", "text")] if offset is None else []
    found.value = offset or found.value
    return [found]


def _place(found: Property, _names: Collection[str]) -> list[Property]:
    place = values.place_to_3(found.value)
    if place is None:
        is_as_in_3 = values.place_to_4(found.value) is not None
        return [found] if is_as_in_3 else _kept(found)
    found.params = found.without("VALUE")
    retype_to_3(found)
    found.value = place
    return [found]


def _identity(found: Property, _names: Collection[str]) -> list[Property]:
    """Return the UID, whose value is the same in both versions, byte for byte."""
    found.params = found.without("VALUE")
    retype_to_3(found)
    return [found]


def _number(found: Property, _names: Collection[str]) -> list[Property] | None:
    """Return a TEL that is a URI as a plain number (RFC 3966)."""
    uri = unescape(found.value).strip()
    is_uri = (found.param("VALUE") or "").lower() == "uri"
    if uri[:4].lower() != "tel:" and not (is_uri and has_scheme(uri)):
        return None
    found.params = [*found.without("VALUE"), (f"{KEPT_4}VALUE", "uri")]
    retype_to_3(found)
    found.value = escape(uri[4:] if uri[:4].lower() == "tel:" else uri)
    return [found]


def _address(found: Property, _names: Collection[str]) -> list[Property] | None:
    """Return an ADR with a LABEL as the two properties that they are in 3.0."""
    label = found.param("LABEL")
    if label is None:
        return None
    found.params = found.without("LABEL")
    retype_to_3(found)
    types = [(key, value) for key, value in found.params if key.upper() == "TYPE"]
    return [found, Property(found.group, "LABEL", types, escape(values.text_of_param(label)))]


def _name(found: Property, names: Collection[str]) -> list[Property] | None:
    """Return an N with what it is sorted by as the two properties that they are in 3.0."""
    sorted_by = found.param("SORT-AS")
    if sorted_by is None or "SORT-STRING" in names:
        return None
    found.params = found.without("SORT-AS")
    retype_to_3(found)
    return [found, Property("", "SORT-STRING", [], escape(values.text_of_param(sorted_by)))]


def _kind(found: Property, names: Collection[str]) -> list[Property]:
    """Return KIND as Apple says it of groups and companies."""
    kind = found.value.strip().lower()
    if kind == "group" and not found.params and GROUP_KIND not in names:
        return [Property(found.group, GROUP_KIND, [], found.value)]
    if kind == "org" and not found.params and SHOWN_AS not in names:
        return [Property(found.group, SHOWN_AS, [], "COMPANY")]
    return _kept(found)


_SPECIAL: dict[str, Callable[[Property, Collection[str]], list[Property] | None]] = {
    **dict.fromkeys(media.NAMES, _media),
    "BDAY": _date,
    "ANNIVERSARY": _date,
    "REV": _revision,
    "TZ": _zone,
    "GEO": _place,
    "UID": _identity,
    "TEL": _number,
    "ADR": _address,
    "N": _name,
    "KIND": _kind,
}
"""What is more than another name or other parameters; None: it is no more than that."""
