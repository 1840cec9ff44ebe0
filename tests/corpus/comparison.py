"""When two payloads mean the same: the comparison of what a device sent with what another one gets back.

Order, folding, line ends, the case of names and types, and the form of a time do not count. These are left out:

- what the gateway makes anew (DTSTAMP, LAST-MODIFIED, PRODID, REV, VERSION, CALSCALE, METHOD, VTIMEZONE),
- the first name of a TYPE list of a phone (rule 10 maps numbers to slots, and the types follow from these),
- the kind in front of SUMMARY (rule 16), and what is empty.
"""

from __future__ import annotations

from collections import Counter
from zoneinfo import ZoneInfo

from radicale_flowfact.content.contentlines import Line, PayloadError, split_components, split_lines, unescape
from radicale_flowfact.content.timezones import as_datetime, read_time

MADE_ANEW = frozenset({"DTSTAMP", "LAST-MODIFIED", "PRODID", "REV", "VERSION", "CALSCALE", "METHOD"})
_TIMES = frozenset({"DTSTART", "DTEND", "DUE", "COMPLETED", "CREATED", "ACKNOWLEDGED", "RECURRENCE-ID"})
_NOTHING = {("PERCENT-COMPLETE", "0"), ("PRIORITY", "0"), ("SEQUENCE", "0"), ("STATUS", "NEEDS-ACTION")}
_STRUCTURED = frozenset({"N", "ADR", "ORG"})
_LOOSE = frozenset({"TEL", "FN"})


def meaning(text: str, zone: ZoneInfo) -> Counter[tuple[str, str, str]]:
    """Return what a payload says, as (component, property with parameters, value)."""
    lines = split_lines(text)
    zones = _zones(lines)
    found: Counter[tuple[str, str, str]] = Counter()
    path: list[str] = []
    for line in lines:
        if line.name == "BEGIN":
            path.append(line.value.upper())
        elif line.name == "END":
            path.pop()
        elif "VTIMEZONE" not in path and line.name not in MADE_ANEW:
            value = _value(line, zone, zones)
            if value and (line.name, value) not in _NOTHING:
                found[("/".join(path[1:]), _head(line), value)] += 1
    return found


def names_of(lines: Counter[tuple[str, str, str]]) -> set[str]:
    """Return the names of the properties, with the component they are in."""
    return {f"{path}/{head.partition(';')[0]}".lstrip("/") for path, head, _ in lines}


def _head(line: Line) -> str:
    if line.name in _LOOSE or line.name in _TIMES:
        return line.name
    group = f"{line.group}." if line.group else ""
    others = sorted(f"{key}={','.join(values)}" for key, values in line.params if key not in _OF_FORM and values)
    return ";".join([f"{group}{line.name}", *sorted(line.types - _SAID), *others])


_OF_FORM = frozenset({"TYPE", "ENCODING", "CHARSET", "VALUE", "TZID", "LANGUAGE", "X-VOBJ-ORIGINAL-TZID"})
_SAID = frozenset({"INTERNET", "PREF", "QUOTED-PRINTABLE", "BASE64", "POSTAL", "VOICE"})


def _value(line: Line, zone: ZoneInfo, zones: dict[str, str]) -> str:
    if line.name in _TIMES or (line.name == "TRIGGER" and "P" not in line.value.upper()):
        try:
            return as_datetime(read_time(line, zone, zones)).isoformat()
        except PayloadError:
            return line.value
    if line.name == "TEL":
        return "".join(char for char in line.value.removeprefix("tel:") if char.isalnum())
    if line.name in _STRUCTURED:
        return ";".join(" ".join(part.split()) for part in split_components(line.value)).rstrip(";")
    return " ".join(unescape(line.value).split())


def _zones(lines: list[Line]) -> dict[str, str]:
    found: dict[str, str] = {}
    inside: list[str] = []
    for line in lines:
        if line.name == "BEGIN" and line.value.strip().upper() == "VTIMEZONE":
            inside = []
        inside.append(line.text)
        if line.name == "END" and line.value.strip().upper() == "VTIMEZONE":
            name = next(text.partition(":")[2] for text in inside if text.upper().startswith("TZID"))
            found[unescape(name).strip()] = "\n".join(inside)
    return found
