"""Counts and cuts texts as SQL Server does: in UTF-16 units, of which a character beyond U+FFFF takes two."""

from __future__ import annotations

import unicodedata

_JOINER = "\u200d"  # joins several emoji to one grapheme
_LONGEST_SIGN = 64  # characters of a grapheme


def utf16_units(text: str) -> int:
    """Return the length of a text in an ``nvarchar`` column."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut_to_units(text: str, most: int) -> str:
    """Return the beginning of a text, at most ``most`` units; no character is cut in two."""
    return text[:most].encode("utf-16-le", "surrogatepass")[: 2 * most].decode("utf-16-le", "ignore")


def cut_text(text: str, most: int) -> str:
    """Return the beginning of a text, at most ``most`` units; no grapheme is cut in two, as people see it.

    Letters with marks, emoji of several characters and flags are such graphemes. Spaces at the end are dropped.
    """
    if len(text) <= most and utf16_units(text) <= most:
        return text
    end = len(cut_to_units(text, most))
    start = end
    while start > max(0, end - _LONGEST_SIGN) and _goes_on(text, start):
        start -= 1
    return text[: end if _goes_on(text, start) else start].rstrip()


def _goes_on(text: str, at: int) -> bool:
    """Return whether the character at this place belongs to the grapheme before it."""
    if not 0 < at < len(text):
        return False
    before, here = text[at - 1], text[at]
    if unicodedata.category(here).startswith("M") or here == _JOINER or before == _JOINER:
        return True
    if "\U0001f3fb" <= here <= "\U0001f3ff" or "\U000e0020" <= here <= "\U000e007f":  # colour of skin, parts of a flag
        return True
    if not _is_flag_letter(here) or not _is_flag_letter(before):
        return False
    letters = next(
        (count for count in range(1, _LONGEST_SIGN) if not _is_flag_letter(text[at - count - 1 : at - count])), 0
    )
    return letters % 2 == 1


def _is_flag_letter(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
