"""Filters of calendar-query (RFC 4791 §9.7) and addressbook-query (RFC 6352 §10.5), on our own reading of items.

Radicale filters through vobject, which answers 500 to the whole query for one item that it cannot read, and counts a
series out from its first day on. A filter is read once and strictly; what is not known here is refused with
``supported-filter``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from radicale_flowfact.contentlines import Line, split_lines, unescape

CALDAV, CARDDAV = "urn:ietf:params:xml:ns:caldav", "urn:ietf:params:xml:ns:carddav"
BEGINNING, END = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
_MATCHES: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda value, text: text in value,
    "equals": lambda value, text: value == text,
    "starts-with": lambda value, text: value.startswith(text),
    "ends-with": lambda value, text: value.endswith(text),
}
BINARY = frozenset({"PHOTO", "LOGO", "SOUND", "KEY"})
"""Properties of contacts that nobody looks into for a text."""
_DEEPEST = 4  # VCALENDAR, VEVENT, VALARM and one for good measure


class FilterError(ValueError):
    """A filter that cannot be answered; ``condition`` is the precondition's name without its namespace."""

    def __init__(self, reason: str, condition: str = "supported-filter") -> None:
        super().__init__(reason)
        self.condition = condition


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A time range in UTC; one that is open at an end reaches to the end of the calendar."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class TextMatch:
    """A text that a value is compared with; any collation but ``i;octet`` ignores the case."""

    text: str
    exact: bool
    negated: bool
    kind: str

    def matches(self, values: Iterable[str]) -> bool:
        """Return whether one of the values matches; negated, whether none does."""
        text = self.text if self.exact else self.text.casefold()
        found = any(_MATCHES[self.kind](value if self.exact else value.casefold(), text) for value in values)
        return found is not self.negated


@dataclass(frozen=True, slots=True)
class ParamFilter:
    """A parameter that must be there (``defined``), or must not, or must have a value that matches."""

    name: str
    defined: bool
    match: TextMatch | None

    def matches(self, line: Line) -> bool:
        """Return whether a line's parameters are as wanted."""
        values = sorted(line.types) if self.name == "TYPE" else line.param(self.name)
        there = bool(values) or any(key == self.name for key, _ in line.params)
        if not self.defined or not there:
            return there is self.defined
        return self.match is None or self.match.matches(values)


@dataclass(frozen=True, slots=True)
class PropFilter:
    """A property that must be there (``defined``), or must not, or must match all (``any_of``: one) of the tests."""

    name: str
    defined: bool
    tests: tuple[TimeRange | TextMatch | ParamFilter, ...]
    any_of: bool

    def matches(self, lines: Iterable[Line], moment: Callable[[Line], datetime | None]) -> bool:
        """Return whether one of the lines is as wanted; ``moment`` reads a line's time."""
        mine = [line for line in lines if line.name == self.name]
        if not self.defined or not mine:
            return bool(mine) is self.defined
        if not self.tests:
            return True
        combine = any if self.any_of else all
        return any(combine(self._holds(test, line, moment) for test in self.tests) for line in mine)

    def texts(self) -> tuple[str, ...]:
        """Return texts, in small letters, of which any line as wanted holds one; none: it may be any line."""
        if not self.defined or self.name in BINARY:
            return ()
        found = [test.text.casefold() for test in self.tests if isinstance(test, TextMatch) and not test.negated]
        if "" in found or (self.any_of and len(found) < len(self.tests)):
            return ()
        return tuple(found) if self.any_of else tuple(found[:1])

    def _holds(
        self, test: TimeRange | TextMatch | ParamFilter, line: Line, moment: Callable[[Line], datetime | None]
    ) -> bool:
        if isinstance(test, ParamFilter):
            return test.matches(line)
        if isinstance(test, TextMatch):
            return test.matches([unescape(line.value)])
        when = moment(line)
        return when is not None and test.start <= when < test.end


@dataclass(frozen=True, slots=True)
class CompFilter:
    """A component that must be there (``defined``), or must not, or for which all of the others hold."""

    name: str
    defined: bool = True
    time_range: TimeRange | None = None
    props: tuple[PropFilter, ...] = ()
    comps: tuple[CompFilter, ...] = ()

    @property
    def span(self) -> TimeRange:
        """The time outside of which nothing can match."""
        own = [self.time_range] if self.time_range else []
        inner = [comp.time_range for comp in self.comps if comp.time_range and comp.name != "VALARM"]
        return next(iter([*own, *inner]), TimeRange(BEGINNING, END))

    def is_of_time_only(self, component: str) -> bool:
        """Return whether it asks for nothing but the time of such components; VCALENDAR is this filter itself."""
        if self != CompFilter("VCALENDAR", comps=self.comps) or len(self.comps) != 1:
            return False
        inner = self.comps[0]
        return inner == CompFilter(component, time_range=inner.time_range)


@dataclass(frozen=True, slots=True)
class CardFilter:
    """The filter of an addressbook-query."""

    props: tuple[PropFilter, ...]
    any_of: bool

    def texts(self) -> tuple[str, ...]:
        """Return texts, in small letters, of which any contact as wanted holds one; none: it may be any contact."""
        found = [prop.texts() for prop in self.props]
        if self.any_of:
            return tuple(text for texts in found for text in texts) if all(found) else ()
        return next((texts for texts in found if texts), ())

    def matches(self, text: str) -> bool:
        """Return whether a contact is as wanted. Raises PayloadError for one that cannot be read."""
        lines = split_lines(text)
        combine = any if self.any_of else all
        return not self.props or combine(prop.matches(lines, lambda line: None) for prop in self.props)


def read_calendar_filter(element: ET.Element) -> CompFilter:
    """Read a CALDAV:filter. Raises FilterError."""
    if len(element) != 1 or element[0].tag != f"{{{CALDAV}}}comp-filter":
        raise FilterError("a filter has exactly one comp-filter", "valid-filter")
    return _comp_filter(element[0], 1)


def read_card_filter(element: ET.Element) -> CardFilter:
    """Read a CARDDAV:filter. Raises FilterError."""
    if any(child.tag != f"{{{CARDDAV}}}prop-filter" for child in element):
        raise FilterError("a filter of contacts has only prop-filters")
    return CardFilter(tuple(_prop_filter(child, CARDDAV) for child in element), _is_any(element))


def read_time_range(element: ET.Element) -> TimeRange:
    """Read a CALDAV:time-range or anything else with a start and an end in UTC. Raises FilterError."""
    start, end = (_moment(element.get(name)) for name in ("start", "end"))
    found = TimeRange(start or BEGINNING, end or END)
    if (start is None and end is None) or found.start >= found.end:
        raise FilterError("a time range has a start, an end, or both, and ends after it starts", "valid-filter")
    return found


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        read = datetime.strptime(text.strip(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise FilterError(f"not a time in UTC: {text[:40]!r}", "valid-filter") from error
    return min(max(read, BEGINNING), END)


def _comp_filter(element: ET.Element, depth: int) -> CompFilter:
    if depth > _DEEPEST:
        raise FilterError("comp-filters are nested too deeply")
    found = CompFilter(_name(element), _is_defined(element, CALDAV))
    time_range: TimeRange | None = None
    props: list[PropFilter] = []
    comps: list[CompFilter] = []
    for child in element:
        match child.tag.removeprefix(f"{{{CALDAV}}}"):
            case "time-range":
                time_range = read_time_range(child)
            case "prop-filter":
                props.append(_prop_filter(child, CALDAV))
            case "comp-filter":
                comps.append(_comp_filter(child, depth + 1))
            case "is-not-defined":
                pass
            case other:
                raise FilterError(f"a comp-filter with {other[:60]!r} is not known here")
    return CompFilter(found.name, found.defined, time_range, tuple(props), tuple(comps))


def _prop_filter(element: ET.Element, space: str) -> PropFilter:
    tests: list[TimeRange | TextMatch | ParamFilter] = []
    for child in element:
        match child.tag.removeprefix(f"{{{space}}}"):
            case "time-range" if space == CALDAV:
                tests.append(read_time_range(child))
            case "text-match":
                tests.append(_text_match(child))
            case "param-filter":
                tests.append(_param_filter(child, space))
            case "is-not-defined":
                pass
            case other:
                raise FilterError(f"a prop-filter with {other[:60]!r} is not known here")
    name = _name(element).rpartition(".")[2]
    return PropFilter(name, _is_defined(element, space), tuple(tests), space == CARDDAV and _is_any(element))


def _param_filter(element: ET.Element, space: str) -> ParamFilter:
    matches = [_text_match(child) for child in element if child.tag == f"{{{space}}}text-match"]
    return ParamFilter(_name(element), _is_defined(element, space), next(iter(matches), None))


def _text_match(element: ET.Element) -> TextMatch:
    kind = element.get("match-type", "contains")
    if kind not in _MATCHES:
        raise FilterError(f"the match-type {kind[:40]!r} is not known here")
    exact = element.get("collation") == "i;octet"
    return TextMatch("".join(element.itertext()), exact, element.get("negate-condition") == "yes", kind)


def _name(element: ET.Element) -> str:
    name = element.get("name", "").strip().upper()
    if not name:
        raise FilterError("a filter has no name", "valid-filter")
    return name


def _is_defined(element: ET.Element, space: str) -> bool:
    return element.find(f"{{{space}}}is-not-defined") is None


def _is_any(element: ET.Element) -> bool:
    test = element.get("test", "anyof")
    if test not in ("anyof", "allof"):
        raise FilterError(f"the test {test[:40]!r} is not known here", "valid-filter")
    return test == "anyof"
