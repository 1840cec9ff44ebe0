"""Compares and joins texts by their words, in bounded memory: a text of ten megabytes has millions of words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest

_AT_ONCE = 1 << 16  # characters
_BLANK = re.compile(r"\s")
_TRAILING = re.compile(r"(?<![^\S\n])[^\S\n]++(?=\n)")
# Direction marks, zero-width blanks, word joiners and a byte order mark; not the joiners that make one sign of two.
_UNSEEN = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_ASCII_ENDS = tuple(f"{blank}\n" for blank in " \t\v\f\x1c\x1d\x1e\x1f")


def clean(text: str) -> str:
    """Return a text normalised for comparison: LF line ends, no blanks at the ends of lines and of the text."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\n" in text and not (text.isascii() and all(end not in text for end in _ASCII_ENDS)):
        text = _TRAILING.sub("", text)
    return text.strip()


def one_line(text: str) -> str:
    """Return a text on one line, with single blanks between the words."""
    return " ".join(_pieces(text))


def seen(text: str) -> str:
    """Return a text without the signs that nobody sees: copying and some programs add them (rule 44)."""
    return text if text.isascii() else _UNSEEN.sub("", text)


def same_words(one: str, other: str) -> bool:
    """Return whether two texts have the same words, however they are broken and blanks are set."""
    if len(one) <= _AT_ONCE and len(other) <= _AT_ONCE:
        return one.split() == other.split()
    return one == other or all(a == b for a, b in zip_longest(_blocks(one), _blocks(other)))


def _pieces(text: str) -> Iterator[str]:
    """Yield the words of a text, many at a time, with single blanks between them."""
    start = 0
    while start < len(text):
        found = _BLANK.search(text, start + _AT_ONCE)
        end = found.start() if found else len(text)
        if piece := " ".join(text[start:end].split()):
            yield piece
        start = end


def _blocks(text: str) -> Iterator[str]:
    """Yield the words as blocks of one size, so that equal words make equal blocks."""
    waiting = ""
    for piece in _pieces(text):
        waiting += f"{piece} "
        whole = len(waiting) - len(waiting) % _AT_ONCE
        yield from (waiting[start : start + _AT_ONCE] for start in range(0, whole, _AT_ONCE))
        waiting = waiting[whole:]
    yield waiting
