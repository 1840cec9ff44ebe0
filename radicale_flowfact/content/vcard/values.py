"""Converts values that vCard 3.0 and 4.0 write in different ways: dates, offsets, places, texts in parameters.

Each function returns None for a value that has no form in the other version.
"""

from __future__ import annotations

import re

from radicale_flowfact.content.contentlines import unescape

NO_YEAR = "1604"
"""The year that Apple writes where a birthday has none, with the parameter X-APPLE-OMIT-YEAR."""
_TIME = r"(?P<hour>[01]\d|2[0-3]):?(?P<minute>[0-5]\d):?(?P<second>[0-5]\d|60)(?:\.0+)?"
_ZONE = r"(?P<zone>Z|[+-]\d\d(?::?[0-5]\d)?)?"
_DATE = re.compile(
    rf"(?P<year>\d{{4}}|-)-?(?P<month>0[1-9]|1[0-2])-?(?P<day>0[1-9]|[12]\d|3[01])(?:[Tt]{_TIME}{_ZONE})?\Z", re.ASCII
)
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hour>\d\d)(?::?(?P<minute>[0-5]\d))?\Z", re.ASCII)
_NUMBER = r"[+-]?\d{1,3}(?:\.\d{0,30})?"
_GEO_URI = re.compile(rf"geo:({_NUMBER}),({_NUMBER})\Z", re.ASCII | re.IGNORECASE)
_GEO = re.compile(rf"({_NUMBER});({_NUMBER})\Z", re.ASCII)
_CARET = re.compile(r"\^([\^n'])")
_LONGEST = 100  # characters of a date, an offset or a place


def date_to_3(value: str) -> tuple[str, bool] | None:
    """Return a date, or date with time, in RFC 2426's extended form, and whether its year is only a stand-in."""
    found = _read(value)
    if found is None:
        return None
    has_no_year = found["year"] == "-"
    year = NO_YEAR if has_no_year else found["year"]
    day = f"{year}-{found['month']}-{found['day']}"
    if found["hour"] is None:
        return day, has_no_year
    return f"{day}T{found['hour']}:{found['minute']}:{found['second']}{_offset(found['zone'], ':')}", has_no_year


def date_to_4(value: str, omitted_year: str | None = None) -> str | None:
    """Return a date, or date with time, in the basic form of RFC 6350 §4.3, without a year that stands for none."""
    found = _read(value)
    if found is None:
        return None
    has_no_year = found["year"] in ("-", omitted_year)
    day = f"{'--' if has_no_year else found['year']}{found['month']}{found['day']}"
    if found["hour"] is None:
        return day
    return f"{day}T{found['hour']}{found['minute']}{found['second']}{_offset(found['zone'], '')}"


def _read(value: str) -> re.Match[str] | None:
    return _DATE.match(value.strip()) if len(value) <= _LONGEST else None


def _offset(zone: str | None, colon: str) -> str:
    if not zone or zone == "Z":
        return zone or ""
    return f"{zone[:3]}{colon}{zone[-2:] if len(zone) > 3 else '00'}"


def offset_to_3(value: str) -> str | None:
    """Return a UTC offset as ``-05:00``."""
    return _offset_with(value, ":")


def offset_to_4(value: str) -> str | None:
    """Return a UTC offset as ``-0500``."""
    return _offset_with(value, "")


def _offset_with(value: str, colon: str) -> str | None:
    found = _OFFSET.match(value.strip()) if len(value) <= _LONGEST else None
    return f"{found['sign']}{found['hour']}{colon}{found['minute'] or '00'}" if found else None


def place_to_3(value: str) -> str | None:
    """Return a ``geo:`` URI of latitude and longitude alone as ``latitude;longitude``."""
    found = _GEO_URI.match(unescape(value).strip()) if len(value) <= _LONGEST else None
    return f"{found[1]};{found[2]}" if found else None


def place_to_4(value: str) -> str | None:
    """Return ``latitude;longitude`` as a ``geo:`` URI (RFC 5870); some programs escape the semicolon."""
    found = _GEO.match(unescape(value).strip()) if len(value) <= _LONGEST else None
    return f"geo:{found[1]},{found[2]}" if found else None


def text_of_param(value: str) -> str:
    r"""Return the text that a parameter holds: RFC 6868's carets and RFC 6350's ``\n`` undone."""
    plain = _CARET.sub(lambda found: {"^": "^", "n": "\n", "'": '"'}[found[1]], value)
    return unescape(plain)


def param_of_text(text: str) -> str:
    r"""Return a text as the value of a parameter, without the quotes around it; line breaks as ``\n``."""
    lines = text.replace("\\", "\\\\").replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")
    return lines.replace("^", "^^").replace('"', "^'")
