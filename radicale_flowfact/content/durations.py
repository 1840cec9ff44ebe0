"""Parses DURATION values (RFC 5545 §3.3.6)."""

from __future__ import annotations

import re
from datetime import timedelta

from radicale_flowfact.content.contentlines import PayloadError

_DURATION = re.compile(
    r"(?P<sign>[+-]?)P(?:(?P<weeks>\d+)W)?(?:T?(?P<days>\d+)D)?"
    r"T?(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?",
    re.IGNORECASE,
)
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

    Some programs leave out the T (calcurse: ``-P300S``), write one too many (Nextcloud: ``-PT1D``), or say nothing
    after it where no time is meant (macOS: ``PT``).
    """
    found = _DURATION.fullmatch(text.strip())
    if not found:
        raise PayloadError(f"not a duration: {text[:40]!r}")
    if any(len(value or "") > _MOST_DIGITS for value in found.groups()):
        raise PayloadError(f"a duration is too long: {text[:40]!r}")
    units = {name: int(value) for name, value in found.groupdict().items() if name != "sign" and value}
    try:
        days = timedelta(days=units.pop("days", 0), weeks=units.pop("weeks", 0))
        rest = timedelta(**units)
    except OverflowError as error:
        raise PayloadError(f"a duration is too long: {text[:40]!r}") from error
    return (-days, -rest) if found["sign"] == "-" else (days, rest)
