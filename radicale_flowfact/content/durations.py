"""Parses DURATION values (RFC 5545 §3.3.6)."""

from __future__ import annotations

import re
from datetime import timedelta

from radicale_flowfact.content.contentlines import PayloadError

_CLOCK = r"T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?"
_EXACT = re.compile(rf"[+-]?P(?:\d+W|\d+D(?:{_CLOCK})?|{_CLOCK})", re.ASCII)
_DURATION = re.compile(
    r"(?P<sign>[+-]{0,2})(?P<letter>P?)(?:[+-]?0+Y)?(?:[+-]?0+M(?=.*[DT]))?(?:T?(?P<weeks>[+-]?\d+)W)?"
    r"(?:T?(?P<days>[+-]?\d+)D)?T?(?:(?P<hours>[+-]?\d+)H)?(?:(?P<minutes>[+-]?\d+)M)?"
    r"(?:(?P<seconds>[+-]?\d+)(?:[.,]0+)?S)?",
    re.IGNORECASE | re.ASCII,
)
_BLANK = re.compile(r"\s+")
_MINUS = str.maketrans("\u2010\u2011\u2012\u2013\u2212", "-----")
_LONGEST = 100  # characters
_MOST_DIGITS = 12  # more are beyond any calendar, and Python reads no more than some thousand


def parse_duration(text: str) -> timedelta:
    """Parse a DURATION (RFC 5545 §3.3.6). Raises PayloadError."""
    days, rest = split_duration(text)
    try:
        return days + rest
    except OverflowError as error:
        raise PayloadError(f"a duration is too long: {text[:40]!r}") from error


def split_duration(text: str) -> tuple[timedelta, timedelta]:
    """Parse a DURATION into its days, which are nominal, and the rest, which is exact time. Raises PayloadError.

    Some programs leave out the T (calcurse: ``-P300S``) or the P, write a T too many (Nextcloud: ``-PT1D``), say
    nothing after it where no time is meant (macOS: ``PT``), or have the sign before a number (Luxon: ``PT-15M``).
    """
    found = _DURATION.fullmatch(_BLANK.sub("", text[:_LONGEST].translate(_MINUS))) if len(text) <= _LONGEST else None
    given = {} if found is None else found.groupdict()
    sign, letter = given.pop("sign", ""), given.pop("letter", "")
    if not letter and not (sign and any(given.values())):
        raise PayloadError(f"not a duration: {text[:40]!r}")
    if any(len(value or "") > _MOST_DIGITS for value in given.values()):
        raise PayloadError(f"a duration is too long: {text[:40]!r}")
    units = {name: int(value) for name, value in given.items() if value}
    # Before, whatever stands before the numbers: "-PT-15M", "P-0DT0H15M0S".
    if "-" in sign or any(value.startswith("-") and not int(value) for value in given.values() if value):
        units = {name: -abs(value) for name, value in units.items()}
    try:
        days = timedelta(days=units.pop("days", 0), weeks=units.pop("weeks", 0))
        return days, timedelta(**units)
    except OverflowError as error:
        raise PayloadError(f"a duration is too long: {text[:40]!r}") from error


def spelt_duration(text: str) -> str:
    """Return a DURATION as RFC 5545 §3.3.6 writes it; one that is written so, as it is. Raises PayloadError."""
    if _EXACT.fullmatch(text):
        return text
    days, rest = split_duration(text)
    if days < timedelta(0) < rest or rest < timedelta(0) < days:
        days, rest = timedelta(0), days + rest
    is_negative = days < timedelta(0) or rest < timedelta(0)
    day_count, seconds = abs(days).days, round(abs(rest).total_seconds())
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    units = "".join(f"{value}{unit}" for value, unit in ((hours, "H"), (minutes, "M"), (seconds % 60, "S")) if value)
    clock = f"T{units}" if units else ("" if day_count else "T0S")
    return f"{'-' if is_negative else ''}P{f'{day_count}D' if day_count else ''}{clock}"
