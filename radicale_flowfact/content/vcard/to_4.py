"""Converts a card of vCard 3.0 (RFC 2426) to 4.0 (RFC 6350); lines of 4.0 in it stay as they are."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence

from radicale_flowfact.content.contentlines import Line, unescape
from radicale_flowfact.content.vcard import media, values
from radicale_flowfact.content.vcard.parameters import head_to_4, kept_in_4, retype_to_4
from radicale_flowfact.content.vcard.properties import (
    ANNIVERSARY_3,
    FRAME,
    GROUP_KIND,
    KEPT_4,
    SHOWN_AS,
    Property,
    has_scheme,
    quoted,
)

_NOT_IN_A_NUMBER = frozenset(' \t"\\<>')
_DATES = frozenset({"date", "date-time", "date-and-or-time"})


def lines_to_4(lines: Sequence[Line]) -> list[str]:
    """Return the unfolded lines of a card in 4.0, VERSION the first of them (RFC 6350 §6.7.9)."""
    card = _Card(lines)
    found: list[str] = []
    for line in lines:
        if line.name == "BEGIN":
            found += [line.text, "VERSION:4.0"]
        elif line.name != "VERSION":
            found += card.line_to_4(line)
    return found


def line_to_4(line: Line) -> list[str]:
    """Return a line of 3.0 as it is in 4.0, if nothing else is in its card."""
    return _Card([line]).line_to_4(line)


def _media(found: Property) -> Property:
    return media.to_4(found) or kept_in_4(found)


def _date(found: Property) -> Property:
    """Return BDAY, without a year if Apple's parameter says that it stands for none."""
    kind = (found.param("VALUE") or "").lower()
    if kind == "text" or not found.value.strip():
        return found
    date = values.date_to_4(found.value, found.param("X-APPLE-OMIT-YEAR"))
    if date is None:
        return kept_in_4(found)
    if date.startswith("--"):
        found.params = found.without("X-APPLE-OMIT-YEAR")
    if kind in _DATES:
        found.params = found.without("VALUE")
    retype_to_4(found)
    found.value = date
    return found


def _revision(found: Property) -> Property:
    found.value = values.date_to_4(found.value) or found.value
    retype_to_4(found)
    return found


def _zone(found: Property) -> Property:
    """Return TZ: an offset in 3.0 if nothing else is said, a text in 4.0."""
    kind = (found.param("VALUE") or "").lower()
    offset = values.offset_to_4(found.value) if kind != "text" else None
    if offset is not None:
        found.params, found.value = [("VALUE", "utc-offset")], offset
    elif kind == "text":
        is_offset = values.offset_to_4(found.value) is not None  # a text that must stay one
        found.params = [("VALUE", "text")] if is_offset else []
    return found


def _place(found: Property) -> Property:
    place = values.place_to_4(found.value)
    if place is None:
        return found if has_scheme(found.value.strip()) else kept_in_4(found)
    retype_to_4(found)
    found.value = place
    return found


def _number(found: Property) -> Property | None:
    """Return a TEL that was a URI as one again, if it still can be one."""
    if (found.param(f"{KEPT_4}VALUE") or "").lower() != "uri":
        return None
    number = unescape(found.value).strip()
    found.params = found.without(f"{KEPT_4}VALUE")
    retype_to_4(found)
    if number and not _NOT_IN_A_NUMBER.intersection(number):
        found.params.insert(0, ("VALUE", "uri"))
        found.value = number if has_scheme(number) else f"tel:{number}"
    return found


_SPECIAL: dict[str, Callable[[Property], Property | None]] = {
    **dict.fromkeys(media.NAMES, _media),
    "BDAY": _date,
    "REV": _revision,
    "TZ": _zone,
    "GEO": _place,
    "TEL": _number,
}
"""What is more than another name or other parameters; None: it is no more than that."""


class _Card:
    """Holds what the lines of a card of 3.0 say of each other: the label of an address, what a name is sorted by."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._names = {line.name for line in lines}
        self._labels: dict[int, str] = {}  # the label of an ADR, by the id of its line
        self._merged: set[int] = set()  # ids of lines that are parameters of others in 4.0
        self._sorted_by: str | None = None
        self._done: set[str] = set()
        if "LABEL" in self._names:
            self._pair_labels(lines)
        if "SORT-STRING" in self._names:
            self._pair_sort_string(lines)

    def _pair_labels(self, lines: Sequence[Line]) -> None:
        """Give each LABEL to the next ADR of its group and types that has none."""
        waiting: defaultdict[tuple[str, frozenset[str]], deque[Line]] = defaultdict(deque)
        for line in lines:
            if line.name == "ADR" and not line.param("LABEL"):
                waiting[line.group, line.types - {"PREF"}].append(line)
        for line in lines:
            if line.name != "LABEL" or any(key != "TYPE" for key, _ in line.params):
                continue
            open_ = waiting.get((line.group, line.types - {"PREF"}))
            if open_:
                self._labels[id(open_.popleft())] = unescape(line.value)
                self._merged.add(id(line))

    def _pair_sort_string(self, lines: Sequence[Line]) -> None:
        named = [line for line in lines if line.name == "N"]
        strings = [line for line in lines if line.name == "SORT-STRING" and not line.group and not line.params]
        taken = ("SORT-AS", f"{KEPT_4}SORT-AS")
        if len(named) == 1 and len(strings) == 1 and not any(named[0].param(name) for name in taken):
            self._sorted_by = unescape(strings[0].value)
            self._merged.add(id(strings[0]))

    def line_to_4(self, line: Line) -> list[str]:
        """Return a line as it is in 4.0; nothing, if it is a parameter of another one there."""
        if id(line) in self._merged:
            return []
        if line.name in FRAME:
            return [line.text]
        found = self._special(line)
        if found is not None:
            return [found.text]
        head = line.text[: len(line.text) - len(line.value) - 1]
        return [f"{head_to_4(head)}:{line.value}"]

    def _special(self, line: Line) -> Property | None:
        if line.name in _SPECIAL:
            return _SPECIAL[line.name](Property.of(line))
        if line.name in (GROUP_KIND, SHOWN_AS):
            return self._kind(Property.of(line))
        if line.name == ANNIVERSARY_3:
            return self._anniversary(Property.of(line))
        added = ""
        if id(line) in self._labels:
            added, text = "LABEL", self._labels[id(line)]
        elif line.name == "N" and self._sorted_by is not None:
            added, text = "SORT-AS", self._sorted_by
        if not added:
            return None
        found = Property.of(line)
        retype_to_4(found)
        found.params.append((added, quoted(values.param_of_text(text))))
        return found

    def _kind(self, found: Property) -> Property | None:
        """Return Apple's words for a group or a company as KIND, of which there is one (RFC 6350 §6.1.4)."""
        name, value = found.name.upper(), found.value.strip().lower()
        said = "org" if name == SHOWN_AS and value == "company" else found.value if value == "group" else ""
        if not said or found.params or self._has("KIND") or (name == SHOWN_AS and GROUP_KIND in self._names):
            return None
        return Property(found.group, "KIND", [], said)

    def _anniversary(self, found: Property) -> Property | None:
        if self._has("ANNIVERSARY"):
            return None
        found.name = "ANNIVERSARY"
        made = _date(found)
        return made if made.name == "ANNIVERSARY" and made.value.strip() else None

    def _has(self, name: str) -> bool:
        """Return whether the card has this property of 4.0 already, and note that it will have."""
        there = name in self._done or bool({name, f"{KEPT_4}{name}"} & self._names)
        self._done.add(name)
        return there
