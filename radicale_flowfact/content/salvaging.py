"""Corrects a text that cannot be parsed by what its program is known to mean (rule 28).

Lines broken without a fold, components that nothing closes, times in ISO 8601, zones without yearly rules.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from radicale_flowfact.content.contentlines import MAX_LINES, PayloadError, join_lines, outside_quotes, unfold
from radicale_flowfact.content.iso_times import with_plain_time
from radicale_flowfact.content.mending import MOST_FOLDED_LINES
from radicale_flowfact.content.timezones import known_zone, require_yearly_rules, vtimezone

_CONTENT = re.compile(r"(?:[\w-]+\.)?[\w-]+[;:]", re.ASCII)
_WORD = re.compile(r"[A-Z]?[a-z]+:")
_FRAME = re.compile(r"(?:BEGIN|END):", re.IGNORECASE)
# What begins a line, whatever was broken before it, and what no broken text goes on with.
_KNOWN = re.compile(
    r"(?:[\w-]+\.)?(?:ACTION|ADR|ATTACH|ATTENDEE|BDAY|CALSCALE|CATEGORIES|CLASS|COMMENT|COMPLETED|CONTACT|CREATED"
    r"|DESCRIPTION|DTEND|DTSTAMP|DTSTART|DUE|DURATION|EMAIL|EXDATE|EXRULE|FN|GEO|IMPP|KIND|LABEL|LAST-MODIFIED|LOCATION"
    r"|N|NICKNAME|NOTE|ORG|ORGANIZER|PERCENT-COMPLETE|PHOTO|PRIORITY|PRODID|RDATE|RECURRENCE-ID|RELATED-TO|REV|ROLE"
    r"|RRULE|SEQUENCE|STATUS|SUMMARY|TEL|TITLE|TRANSP|TRIGGER|TZ|UID|URL|VERSION|X-[A-Z0-9-]+)[;:]",
    re.ASCII,
)
_ALONE = re.compile(
    r"(?:[\w-]+\.)?(?:ACTION|BDAY|CALSCALE|CLASS|COMPLETED|CREATED|DTEND|DTSTAMP|DTSTART|DUE|DURATION|EMAIL|EXDATE"
    r"|EXRULE|GEO|KIND|LAST-MODIFIED|METHOD|PERCENT-COMPLETE|PRIORITY|PRODID|RDATE|RECURRENCE-ID|REV|RRULE|SEQUENCE"
    r"|STATUS|TEL|TRANSP|TRIGGER|TZ|UID|VERSION)[;:]",
    re.ASCII | re.IGNORECASE,
)
_ADDRESS = re.compile(r"(?P<head>(?:[\w-]+\.)?ADR;.*):[^:;]*(?:;[^:;]*){6,}", re.IGNORECASE)
_TIMES = re.compile(r"(?:DTSTART|DTEND|DUE|RECURRENCE-ID|EXDATE|RDATE)(?=;)", re.IGNORECASE)
_TZID = re.compile(r";TZID=([^\";]*)", re.IGNORECASE)
_MOST_JOINED = 20  # pieces of a line that was broken
_LONGEST_HEAD = 2000  # characters of a head that goes on in the next line
_TIME_LINE = re.compile(
    r"(?:DTSTART|DTEND|DUE|RECURRENCE-ID|COMPLETED|CREATED|LAST-MODIFIED|DTSTAMP)[;:]", re.IGNORECASE
)
_NAMED_FRAME = re.compile(r"(?P<which>BEGIN|END):[ \t]*(?P<name>[^\s]{1,100})[ \t]*", re.IGNORECASE)
_ZONE_BEGINS, _ZONE_ENDS = (re.compile(rf"{which}:VTIMEZONE[ \t]*", re.IGNORECASE) for which in ("BEGIN", "END"))
_ENTRY_BEGINS, _ENTRY_ENDS = (
    re.compile(rf"{which}:(?:VEVENT|VTODO|VJOURNAL)[ \t]*", re.IGNORECASE) for which in ("BEGIN", "END")
)
_UID = re.compile(r"UID[;:]", re.IGNORECASE)
_YEAR = re.compile(r"DTSTART[;:](?:[^\n]{0,200}:)?(\d{4})\d{4}", re.IGNORECASE)
_YEARS, _FIRST_YEAR, _LAST_YEAR = 10, 1901, 9900  # an office's own description of a zone is for ten years
# SyncEvolution's zones repeat every twelve months instead of yearly.
_OBSERVANCE = re.compile(r"BEGIN:(?:STANDARD|DAYLIGHT)\n[^\n]+(?:\n(?!END:)[^\n]+)*", re.IGNORECASE)
_TWELVE_MONTHS = re.compile(r"^(RRULE:[^\n]*?)FREQ=MONTHLY;INTERVAL=12\b", re.MULTILINE | re.IGNORECASE)
_MONTH = re.compile(r"^DTSTART[^\n]*?:\d{4}(\d\d)\d\d", re.MULTILINE | re.IGNORECASE)


def readable(text: str) -> str:
    """Return a text (LF line ends) with its known mistakes corrected, folded anew.

    A text with too many lines is returned unchanged.
    """
    if text.count("\n") > MOST_FOLDED_LINES:
        return text
    lines = unfold(text).split("\n")
    if len(lines) > MAX_LINES:
        return text
    whole = (with_plain_time(line) if _TIME_LINE.match(line) else line for line in _whole_lines(lines))
    lines = _nested([_with_quoted_zone(line) for line in whole])
    mended = _OBSERVANCE.sub(_yearly, "\n".join(lines))
    lines = _with_uids(_with_known_zones(mended.split("\n")))
    return join_lines(lines).replace("\r\n", "\n").removesuffix("\n")


def _whole_lines(lines: list[str]) -> Iterator[str]:
    """Yield the content lines, each with the lines behind it that are none, joined by escaped line breaks.

    Such a line was broken without a fold. Nothing goes on with a time, a number or the like. Of a line that never comes
    to its colon, what can be read is taken (``_closed``); if that is nothing, it is left out.
    """
    pieces: list[str] = []  # of one line; the first has the colon, if there is any
    has_colon = False
    for line in (*lines, "END:"):
        if not line.strip():
            continue
        # Behind a line that was broken, "https:" and "Passcode:" go on with it: properties are written in capitals.
        is_content = _CONTENT.match(line) is not None and not (len(pieces) > 1 and _WORD.match(line))
        begins = is_content and (has_colon or not pieces or _KNOWN.match(line) is not None)
        begins = begins or _FRAME.match(line) is not None
        if begins or len(pieces) == _MOST_JOINED:
            if whole := "\\n".join(pieces) if has_colon else _closed("\\n".join(pieces)):
                yield whole
            pieces = [line] if begins else []
            has_colon = begins and outside_quotes(line, ":") >= 0
        elif has_colon:
            pieces += [] if _ALONE.match(pieces[0]) else [line]
        elif pieces and len(pieces[-1]) < _LONGEST_HEAD:
            pieces.append(line)
            if ":" in line and outside_quotes("\\n".join(pieces), ":") >= 0:
                pieces, has_colon = ["\\n".join(pieces)], True


def _closed(line: str) -> str:
    """Return a line whose last double quote is never closed, closed before its value; empty if it has no colon there.

    The value of an ADR has six semicolons, and begins behind the colon before them.
    """
    opened = line.rfind('"')
    if opened < 0 or len(line) > _LONGEST_HEAD or line.count('"') % 2 == 0:
        return ""
    address = _ADDRESS.fullmatch(line)
    colon = address.end("head") if address else line.find(":", opened)
    return "" if colon < opened else f'{line[:colon]}"{line[colon:]}'


def _with_quoted_zone(line: str) -> str:
    """Return a line whose TZID has colons outside of quotes with quotes: what is behind the last colon is its value."""
    head, _, value = line.rpartition(":")
    found = _TZID.search(head) if _TIMES.match(line) and '"' not in head else None
    if not found or ":" not in found[1]:
        return line
    return f'{head[: found.start(1)]}"{found[1]}"{head[found.end() :]}:{value}'


def _nested(lines: list[str]) -> list[str]:
    """Return lines without a BEGIN or END that nothing closes or begins; an alarm that is not closed is closed.

    A text that ends before its first component does is returned as it is: it was cut off.
    """
    kept: list[str | None] = list(lines)
    closed: Counter[int] = Counter()  # how many alarms end before the line of this number
    begun: list[tuple[str, int]] = []
    count: Counter[str] = Counter()
    for number, line in enumerate(lines):
        if not (frame := _NAMED_FRAME.fullmatch(line)):
            continue
        name = frame["name"].upper()
        if frame["which"].upper() == "BEGIN":
            begun.append((name, number))
            count[name] += 1
        elif not count[name]:
            kept[number] = None
        else:
            while begun[-1][0] != name:
                inner, at = begun.pop()
                count[inner] -= 1
                if inner == "VALARM":
                    closed[number] += 1
                else:
                    kept[at] = None
            begun.pop()
            count[name] -= 1
    if begun:
        return lines
    whole = ((["END:VALARM"] * closed[number], line) for number, line in enumerate(kept))
    return [part for ends, line in whole if line is not None for part in (*ends, line)]


def _with_uids(lines: list[str]) -> list[str]:
    """Return lines with the UID of the other entries in each entry that has none (RFC 4791 §4.1: they share one)."""
    uid = next((line for line in lines if _UID.match(line)), "")
    made: list[str] = []
    has_uid = True
    for line in lines:
        if _ENTRY_BEGINS.fullmatch(line):
            has_uid = not uid
        elif _UID.match(line):
            has_uid = True
        elif not has_uid and _ENTRY_ENDS.fullmatch(line):
            made.append(uid)
            has_uid = True
        made.append(line)
    return made


def _with_known_zones(lines: list[str]) -> list[str]:
    """Return lines with the office's description of each zone whose name is known, but whose rule is none of a zone."""
    years = [int(found[1]) for line in lines if (found := _YEAR.match(line))]
    made: list[str] = []
    described: list[str] | None = None
    for line in lines:
        if _ZONE_BEGINS.fullmatch(line):
            described = []
        if described is None:
            made.append(line)
            continue
        described.append(line)
        if _ZONE_ENDS.fullmatch(line):
            made += _plain_zone(described, max(years, default=2000))
            described = None
    return made + (described or [])


def _plain_zone(described: list[str], year: int) -> list[str]:
    try:
        require_yearly_rules(["\n".join(described)])
    except PayloadError:
        name = next((line.partition(":")[2].strip() for line in described if line.upper().startswith("TZID")), "")
        zone = known_zone(name)
        if zone is not None:
            year = min(max(year, _FIRST_YEAR), _LAST_YEAR)
            return vtimezone(zone, datetime(year - 1, 1, 1), datetime(year + _YEARS, 1, 1), name)
    return described


def _yearly(observance: re.Match[str]) -> str:
    month = _MONTH.search(observance[0])
    by_month = f";BYMONTH={int(month[1])}" if month and "BYMONTH" not in observance[0].upper() else ""
    return _TWELVE_MONTHS.sub(rf"\g<1>FREQ=YEARLY{by_month}", observance[0])
