"""Decides which lines of an entry's sidecar are sent, by what FlowFact has now (rules 7, 16, 17, 18, 22 and 44).

A line that is not sent is missing from the base that a PUT is compared with as well, so it does not count as deleted
by the device and stays in the sidecar.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from radicale_flowfact.content.calendar_objects import Component
from radicale_flowfact.content.contentlines import Line, PayloadError, parse_line, unescape
from radicale_flowfact.content.durations import parse_duration
from radicale_flowfact.content.timezones import read_time
from radicale_flowfact.content.words import clean
from radicale_flowfact.maps import ffdata
from radicale_flowfact.maps.alarms import KEPT_ALARM, TriggerAnchors, read_alarms
from radicale_flowfact.maps.ical_fields import (
    ACCESS,
    CALENDAR,
    DUE,
    DURATION,
    NO_PLACE,
    OF_NOTE,
    SIDECAR_PREFIX,
    STYLED,
    TWINS,
    is_private_class,
    old_hash,
    text_hash,
)
from radicale_flowfact.maps.undated_tasks import is_undated
from radicale_flowfact.records import Activity

_NEVER_SENT = frozenset({"ORGANIZER", "ATTENDEE"})
_CALENDAR_WRAPPER = frozenset({"BEGIN", "END", "VERSION", "PRODID"})
_TRIGGER_LINES = frozenset({"ACTION", "TRIGGER", "X-APPLE-DEFAULT-ALARM"})
_UTC = ZoneInfo("UTC")


def is_usable(entry: str) -> bool:
    """Return whether a sidecar entry can be used: not a malformed ``X-FLOWFACT-…`` line or one in an unknown zone."""
    if entry.startswith(DUE):
        return _time_of(entry.removeprefix(DUE), "DUE") is not None
    if entry.startswith(DURATION):
        return _is_duration(entry.removeprefix(DURATION))
    if entry.startswith(KEPT_ALARM):
        # Of an alarm that mails attendees nothing is used: the reminder is rendered as a plain one.
        return entry.startswith(f"{KEPT_ALARM}BEGIN:VALARM\n") and not _names_attendee(entry)
    if entry.startswith(CALENDAR):
        return property_name(entry.removeprefix(CALENDAR)) not in _NEVER_SENT | _CALENDAR_WRAPPER
    return True


def _is_duration(text: str) -> bool:
    try:
        parse_duration(text)
    except PayloadError:
        return False
    return True


def _names_attendee(entry: str) -> bool:
    """Return whether a line, or any line of a component, is ORGANIZER or ATTENDEE (rule 17)."""
    return any(property_name(line) in _NEVER_SENT for line in entry.split("\n"))


def _time_of(text: str, name: str) -> date | datetime | None:
    """Return the time of a line of this name, or None if it is another or can not be read without its VTIMEZONE."""
    try:
        line = parse_line(text)
        return read_time(line, _UTC, {}) if line.name == name else None
    except PayloadError:
        return None


def calendar_lines(activity: Activity, sidecar: Sequence[str]) -> list[str]:
    """Return the properties of the VCALENDAR that are the device's own, and Apple's property for private (rule 18)."""
    own = [entry.removeprefix(CALENDAR) for entry in sidecar if entry.startswith(CALENDAR)]
    own = [line for line in own if not _contradicts_private(activity, line)]
    is_stated = any(
        property_name(line) == ACCESS and not _contradicts_private(activity, line) for line in [*own, *sidecar]
    )
    return [*own, f"{ACCESS}:PRIVATE"] if activity.private and not is_stated else own


def _contradicts_private(activity: Activity, line: str) -> bool:
    """Return whether a line of the device marks a private activity as public (rule 18)."""
    if not activity.private or property_name(line) not in ("CLASS", ACCESS):
        return False
    return not is_private_class(line.rpartition(":")[2])


def place_line(sidecar: Sequence[str]) -> str:
    """Return the LOCATION in a sidecar, or an empty text if there is none or it says nothing."""
    return next((entry for entry in sidecar if property_name(entry) == "LOCATION" and place_in(entry)), "")


def place_in(line: str) -> str:
    """Return the place that a line of LOCATION names."""
    return unescape(parse_line(line).value).strip()


def no_place(place: str) -> str:
    """Return the sidecar line that says of a place of FlowFact's that the user took it off."""
    return NO_PLACE + _place_hash(place)


def _place_hash(place: str) -> str:
    return text_hash(ffdata.words_of(place))


def styled_prefix(line: Line | None, base: Sequence[str]) -> list[str]:
    """Return the sidecar line that holds the parameters of a DESCRIPTION; the one in ``base`` if they are the same.

    Thunderbird has the styled form in ALTREP.
    """
    if (
        line is None
        or not {"ALTREP", "LANGUAGE", "DERIVED"} & {name for name, _ in line.params}
        or line.param("ENCODING")
    ):
        return []
    prefix = line.text[: len(line.text) - len(line.value) - 1]
    kept = next((entry for entry in base if entry.startswith(STYLED)), "")
    return [kept if kept.endswith(f";{prefix}") else f"{STYLED}{text_hash(unescape(line.value))};{prefix}"]


def description_prefix(sidecar: Sequence[str], description: str) -> str:
    """Return the beginning of the line of a DESCRIPTION: with its parameters, if they were made for this one."""
    kept = next((entry.removeprefix(STYLED) for entry in sidecar if entry.startswith(STYLED)), "")
    made_for, _, prefix = kept.partition(";")
    return prefix if prefix and made_for == text_hash(description) else "DESCRIPTION"


def twin_marks(lines: Sequence[str], description: str, base: Sequence[str]) -> list[str]:
    """Return the sidecar lines that say for which text or place the twins among the lines were made (rule 44).

    The text is the whole DESCRIPTION: a styled form of it tells FFDATA, too.

    A twin that is the same as in ``base``, the sidecar of the version that the device had, is as old as it was there:
    a client that does not know it leaves it as it is beside a new note.
    """
    twins = _said(lines)
    had = _said(base) if twins else {}
    found: list[str] = []
    for name, said in twins.items():
        kept = next((entry for entry in base if entry.startswith(TWINS[name])), "")
        if kept and had.get(name) == said:
            found.append(kept)
        else:
            place = place_line(lines)
            hash_ = text_hash(description) if name in OF_NOTE else _place_hash(place_in(place) if place else "")
            found.append(TWINS[name] + hash_)
    return found


def _said(lines: Sequence[str]) -> dict[str, list[str]]:
    """Return what the twins among some lines say, by their names, however their blanks are set."""
    found: dict[str, list[str]] = {}
    for line in lines:
        if (name := property_name(line)) in TWINS:
            found.setdefault(name, []).append("".join(unescape(parse_line(line).value).split()))
    return {name: sorted(said) for name, said in found.items()}


def _old_twins(sidecar: Sequence[str], note: str, description: str, place: str) -> set[str]:
    """Return the names of the twins in a sidecar that were made for another text or place."""
    alive = {
        name: (text_hash(description), old_hash(clean(note))) if name in OF_NOTE else (_place_hash(place),)
        for name in TWINS
    }
    marks = {
        name: [entry.removeprefix(mark) for entry in sidecar if entry.startswith(mark)] for name, mark in TWINS.items()
    }
    return {name for name, hashes in marks.items() if hashes and not set(hashes) & set(alive[name])}


def sent_sidecar(
    activity: Activity,
    component: str,
    sidecar: Sequence[str],
    anchors: TriggerAnchors,
    description: str,
    place: str,
) -> list[str]:
    """Return the sidecar's entries that are sent: without attendees (rule 17) and old twins of note and place (44).

    ``place``: FlowFact's, if that is told. If FlowFact has no alarm, none that would be mapped is sent (rules 7 and
    16); a done activity has no alarm at all.
    """
    own = place_line(sidecar)
    old = _old_twins(sidecar, activity.note, description, place or (place_in(own) if own else ""))
    sent: list[str] = []
    for entry in sidecar:
        name = property_name(entry)
        hidden = _names_attendee(entry) or entry.startswith(SIDECAR_PREFIX) or name in old
        hidden = hidden or bool(place and name == "LOCATION")
        hidden = hidden or _contradicts_private(activity, entry)
        if component == "VTODO":
            hidden = hidden or is_outdated(activity, name, entry, sidecar)
        if entry.startswith("BEGIN:VALARM"):
            hidden = hidden or activity.done or (not activity.reminder_has_time and _would_be_mapped(entry, anchors))
        if not hidden:
            sent.append(entry)
    if activity.private:
        names = {property_name(entry) for entry in sent}
        sent += [] if "CLASS" in names else ["CLASS:PRIVATE"]
    return sent


def _would_be_mapped(entry: str, anchors: TriggerAnchors) -> bool:
    """Return whether a further alarm would be read as FlowFact's reminder if there is none."""
    lines = [parse_line(text) for text in entry.split("\n")]
    alarm = Component("VALARM", [line for line in lines if line.name in _TRIGGER_LINES])
    return read_alarms(Component("VEVENT", children=[alarm]), anchors).reminder is not None


def is_outdated(activity: Activity, name: str, entry: str, sidecar: Sequence[str]) -> bool:
    """Return whether a task's sidecar line contradicts what FlowFact has now (rule 22)."""
    if name in ("STATUS", "PERCENT-COMPLETE"):
        return activity.done
    if name == "COMPLETED":
        return not activity.done
    if name == "DTSTART":
        if _time_of(entry, name) is None:
            return True
        due = None if is_undated(activity, sidecar) else activity.reminder
        return due is not None and entry.rpartition(":")[2].strip()[:8] > f"{due:%Y%m%d}"
    return False


def property_name(entry: str) -> str:
    """Return the property name of a sidecar line, in upper case and without its group."""
    return entry.partition(":")[0].partition(";")[0].rpartition(".")[2].upper()
