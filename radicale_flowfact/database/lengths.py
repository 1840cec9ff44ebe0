"""Counts and cuts texts as their columns do.

SQL Server counts the UTF-16 units of an nvarchar, of which a character beyond U+FFFF takes two, and the bytes of a
varchar. PostgreSQL counts characters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

_JOINER = "\u200d"  # joins several emoji to one grapheme
_LONGEST_SIGN = 64  # characters of a grapheme


def utf16_units(text: str) -> int:
    """Return the length of a text in an ``nvarchar`` column."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut_to_units(text: str, most: int) -> str:
    """Return the beginning of a text, at most ``most`` units; no character is cut in two."""
    return text[:most].encode("utf-16-le", "surrogatepass")[: 2 * most].decode("utf-16-le", "ignore")


@dataclass(frozen=True, slots=True)
class Limit:
    """The length of a text column: ``most`` of its ``unit``, which is ``utf-16``, ``character`` or ``utf-8``."""

    most: int
    unit: str = "utf-16"

    def size(self, text: str) -> int:
        """Return the length of a text in this unit."""
        if self.unit == "character":
            return len(text)
        return len(text.encode("utf-8", "surrogatepass")) if self.unit == "utf-8" else utf16_units(text)

    def cut(self, text: str) -> str:
        """Return the beginning of a text that fits; see ``cut_text``."""
        return _cut(text, self.most, self.size, self._begun)

    def _begun(self, text: str, most: int) -> str:
        if self.unit == "character":
            return text[:most]
        if self.unit == "utf-8":
            return text[:most].encode("utf-8", "surrogatepass")[:most].decode("utf-8", "ignore")
        return cut_to_units(text, most)


def cut_text(text: str, most: int) -> str:
    """Return the beginning of a text, at most ``most`` UTF-16 units; no grapheme is cut in two, as people see it.

    Letters with marks, emoji of several characters and flags are such graphemes. Spaces at the end are dropped.
    """
    return Limit(most).cut(text)


def _cut(text: str, most: int, size: Callable[[str], int], begun: Callable[[str, int], str]) -> str:
    if len(text) <= most and size(text) <= most:
        return text
    end = len(begun(text, most))
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
