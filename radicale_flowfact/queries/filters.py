"""Parses filters of calendar-query (RFC 4791 §9.7) and addressbook-query (RFC 6352 §10.5) and applies them to lines.

Radicale filters through vobject, which fails the whole query with 500 for one item that it cannot parse, and expands a
series from its first day. A filter is parsed once and strictly; what is not supported is refused with the precondition
``supported-filter``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from radicale_flowfact.content.contentlines import Line, parse_line, split_lines, unescape
from radicale_flowfact.content.vcard.properties import ONLY_4
from radicale_flowfact.content.vcard.to_4 import lines_to_4

CALDAV, CARDDAV = "urn:ietf:params:xml:ns:caldav", "urn:ietf:params:xml:ns:carddav"
BEGINNING, END = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
_MATCHES: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda value, text: text in value,
    "equals": lambda value, text: value == text,
    "starts-with": lambda value, text: value.startswith(text),
    "ends-with": lambda value, text: value.endswith(text),
}
BINARY = frozenset({"PHOTO", "LOGO", "SOUND", "KEY"})
"""Properties of contacts with binary values, which are not indexed for text search."""
_MAX_DEPTH = 4  # VCALENDAR, VEVENT, VALARM, and one level more
_MAX_FILTERS = 200  # elements of a filter: a search for three words in a dozen properties has 72
_MAX_TEXT = 1000  # characters of a text-match


class FilterError(ValueError):
    """A filter that is invalid or not supported; ``condition`` is the precondition's name without its namespace."""

    def __init__(self, reason: str, condition: str = "supported-filter") -> None:
        super().__init__(reason)
        self.condition = condition


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Holds a time range in UTC (RFC 4791 §9.9); a missing start or end is ``BEGINNING`` or ``END``."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class TextMatch:
    """Holds a text-match (RFC 4791 §9.7.5, RFC 6352 §10.5.4); any collation but ``i;octet`` ignores case."""

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
    """Holds a param-filter: the parameter must exist (``defined``), or must not, or must have a matching value."""

    name: str
    defined: bool
    match: TextMatch | None

    def matches(self, line: Line) -> bool:
        """Return whether a line's parameters match."""
        values = sorted(line.types) if self.name == "TYPE" else line.param(self.name)
        there = bool(values) or any(key == self.name for key, _ in line.params)
        if not self.defined or not there:
            return there is self.defined
        return self.match is None or self.match.matches(values)


@dataclass(frozen=True, slots=True)
class PropFilter:
    """Holds a prop-filter: the property exists (``defined``), or not, or matches all (``any_of``: one) of the tests."""

    name: str
    defined: bool
    tests: tuple[TimeRange | TextMatch | ParamFilter, ...]
    any_of: bool

    def matches(self, lines: Iterable[Line], moment: Callable[[Line], datetime | None]) -> bool:
        """Return whether one of the lines matches; ``moment`` returns a line's time."""
        mine = [line for line in lines if line.name == self.name]
        if not self.defined or not mine:
            return bool(mine) is self.defined
        if not self.tests:
            return True
        combine = any if self.any_of else all
        return any(combine(self._test_matches(test, line, moment) for test in self.tests) for line in mine)

    def texts(self) -> tuple[str, ...]:
        """Return casefolded texts of which every matching line contains one; empty if nothing is known."""
        if not self.defined or self.name in BINARY or self.name in ONLY_4:
            return ()
        found = [test.text.casefold() for test in self.tests if isinstance(test, TextMatch) and not test.negated]
        if "" in found or (self.any_of and len(found) < len(self.tests)):
            return ()
        return tuple(found) if self.any_of else tuple(found[:1])

    def _test_matches(
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
    """Holds a comp-filter: the component must exist (``defined``), or must not, or match all that is in the filter."""

    name: str
    defined: bool = True
    time_range: TimeRange | None = None
    props: tuple[PropFilter, ...] = ()
    comps: tuple[CompFilter, ...] = ()

    @property
    def span(self) -> TimeRange:
        """The time range outside of which no component matches."""
        own = [self.time_range] if self.time_range else []
        inner = [comp.time_range for comp in self.comps if comp.time_range and comp.name != "VALARM"]
        return next(iter([*own, *inner]), TimeRange(BEGINNING, END))

    def is_time_range_only(self, component: str) -> bool:
        """Return whether this VCALENDAR filter has only a time-range of such components."""
        if self != CompFilter("VCALENDAR", comps=self.comps) or len(self.comps) != 1:
            return False
        inner = self.comps[0]
        return inner == CompFilter(component, time_range=inner.time_range)


@dataclass(frozen=True, slots=True)
class CardFilter:
    """Holds the filter of an addressbook-query (RFC 6352 §10.5)."""

    props: tuple[PropFilter, ...]
    any_of: bool

    def texts(self) -> tuple[str, ...]:
        """Return casefolded texts of which every matching contact contains one; empty if nothing is known."""
        found = [prop.texts() for prop in self.props]
        if self.any_of:
            return tuple(text for texts in found for text in texts) if all(found) else ()
        return next((texts for texts in found if texts), ())

    def matches(self, text: str) -> bool:
        """Return whether a contact matches. Raises PayloadError for one that cannot be parsed."""
        lines = split_lines(text)
        if any(prop.name in ONLY_4 for prop in self.props):  # what 3.0 has another name for is found by that of 4.0
            of_4 = (parse_line(line) for line in lines_to_4(lines))
            lines += [line for line in of_4 if line.name in ONLY_4]
        combine = any if self.any_of else all
        return not self.props or combine(prop.matches(lines, lambda line: None) for prop in self.props)


def read_calendar_filter(element: ET.Element) -> CompFilter:
    """Parse a CALDAV:filter. Raises FilterError."""
    if len(element) != 1 or element[0].tag != f"{{{CALDAV}}}comp-filter":
        raise FilterError("a filter has exactly one comp-filter", "valid-filter")
    _require_bounded(element)
    return _comp_filter(element[0], 1)


def read_card_filter(element: ET.Element) -> CardFilter:
    """Parse a CARDDAV:filter. Raises FilterError."""
    if any(child.tag != f"{{{CARDDAV}}}prop-filter" for child in element):
        raise FilterError("a filter of contacts has only prop-filters")
    _require_bounded(element)
    return CardFilter(tuple(_prop_filter(child, CARDDAV) for child in element), _is_any(element))


def _require_bounded(element: ET.Element) -> None:
    """Raise FilterError for more filters than a database takes in one statement: each is tested on each item."""
    count = sum(1 for _ in element.iter()) - 1
    if count > _MAX_FILTERS:
        raise FilterError(f"it has {count} filters, and {_MAX_FILTERS} are the most")


def read_time_range(element: ET.Element) -> TimeRange:
    """Parse a CALDAV:time-range, or another element with start and end in UTC. Raises FilterError."""
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
    if depth > _MAX_DEPTH:
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
    text = "".join(element.itertext())
    if len(text) > _MAX_TEXT:
        raise FilterError(f"a text-match has {len(text)} characters, and {_MAX_TEXT} are the most")
    return TextMatch(text, exact, element.get("negate-condition") == "yes", kind)


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
