"""Parses a calendar object (RFC 5545 §3.4) into a tree of components that keep their lines as they came."""

from __future__ import annotations

from dataclasses import dataclass, field

from radicale_flowfact.content.contentlines import Line, PayloadError, split_lines, unescape

_ENTRIES = ("VEVENT", "VTODO", "VJOURNAL")
_FOREIGN = ("VFREEBUSY", "VAVAILABILITY", "VPOLL")
_MAX_DEPTH = 10  # components in each other; VCALENDAR, VEVENT, VALARM and what an alarm may hold are four


@dataclass(slots=True)
class Component:
    """Holds one component: its name, its lines in order, and its subcomponents."""

    name: str
    lines: list[Line] = field(default_factory=list)
    children: list[Component] = field(default_factory=list)

    def first(self, name: str) -> Line | None:
        """Return the first line of this name."""
        return next((line for line in self.lines if line.name == name), None)

    def text(self, name: str) -> str:
        """Return the unescaped value of the first line of this name, or empty."""
        line = self.first(name)
        return "" if line is None else unescape(line.value)

    def source(self) -> str:
        """Return the unfolded lines from BEGIN to END, joined by line feeds."""
        inner = [line.text for line in self.lines] + [child.source() for child in self.children]
        return "\n".join([f"BEGIN:{self.name}", *inner, f"END:{self.name}"])


@dataclass(frozen=True, slots=True)
class CalendarObject:
    """Holds the entries of one UID, the VTIMEZONE texts by TZID, and the properties of the VCALENDAR."""

    entries: tuple[Component, ...]
    zones: dict[str, str]
    properties: tuple[Line, ...]


def read_object(text: str) -> CalendarObject:
    """Parse a calendar object. Raises PayloadError for anything but one valid object resource (RFC 4791 §4.1)."""
    calendar = _tree(split_lines(text))
    entries = tuple(child for child in calendar.children if child.name in _ENTRIES)
    for child in calendar.children:
        if child.name in _FOREIGN:
            raise PayloadError(f"a {child.name} can not be kept here")
    if not entries:
        raise PayloadError("there is no event, task or note in it")
    if len({entry.name for entry in entries}) > 1:
        raise PayloadError("events, tasks and notes are mixed in it")
    uids = {entry.text("UID").strip() for entry in entries}
    if "" in uids:
        raise PayloadError("it has no UID")
    if len(uids) > 1:
        raise PayloadError("there are entries with different UIDs in it")
    zones = {child.text("TZID").strip(): child.source() for child in calendar.children if child.name == "VTIMEZONE"}
    return CalendarObject(entries, zones, tuple(calendar.lines))


def _tree(lines: list[Line]) -> Component:
    """Return the VCALENDAR of the lines. Raises PayloadError for components that are not nested properly."""
    open_components: list[Component] = []
    calendar: Component | None = None
    for line in lines:
        name = line.value.strip().upper()
        if line.name == "BEGIN":
            if calendar is not None and not open_components:
                raise PayloadError("there is more than one calendar in it")
            made = Component(name)
            if open_components:
                open_components[-1].children.append(made)
            else:
                calendar = made
            open_components.append(made)
            if len(open_components) > _MAX_DEPTH:
                raise PayloadError(f"more than {_MAX_DEPTH} components are nested in it")
        elif line.name == "END":
            if not open_components or open_components.pop().name != name:
                raise PayloadError(f"END:{name[:40]} does not close what was begun last")
        elif open_components:
            open_components[-1].lines.append(line)
        else:
            raise PayloadError("there is text outside of VCALENDAR")
    if calendar is None or calendar.name != "VCALENDAR":
        raise PayloadError("it does not begin with BEGIN:VCALENDAR")
    if open_components:
        raise PayloadError(f"it is cut off: END:{open_components[-1].name} is missing")
    return calendar
