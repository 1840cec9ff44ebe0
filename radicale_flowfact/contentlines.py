"""Content lines, the common skin of vCard (RFC 6350 §3.3) and iCalendar (RFC 5545 §3.1).

The maps must give back what they do not understand exactly as it came, so a line keeps its own text and
is taken apart only for reading. Parsers that build objects lose what they do not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

_FOLD = re.compile(r"\r?\n[ \t]")
_BREAK = re.compile(r"\r\n|\n|\r")
_NAME = re.compile(r"(?:(?P<group>[\w-]+)\.)?(?P<name>[\w-]+)", re.ASCII)
_HEAD = re.compile(r'(?:[^":]++|"[^"]*+")*+(?=:)')  # all before the first colon outside double quotes
_PARTS = {separator: re.compile(rf'{separator}((?:[^"{separator}]++|"[^"]*+"?+)*+)') for separator in ";,"}
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PIECE = re.compile(r"\\.|[^\\]|\\", re.DOTALL)
# Control characters but tab and line ends, lone surrogates, and two that are none.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_MOST_LINES = 50_000  # a series with a thousand exceptions has fewer; a photo is one
_MOST_PARAMETERS = 500
_NO_COLON = "a line has no colon after its name"
_FOLD_AT = 75  # octets, RFC 5545 §3.1
_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})
_SHORT = 100  # characters of what comes before the colon: the usual ones are few, and worth remembering
Parameters = tuple[tuple[str, tuple[str, ...]], ...]


class PayloadError(ValueError):
    """What a device sent cannot be read; the message says where and why, in words for a log or an answer."""


@dataclass(frozen=True, slots=True)
class Line:
    """One unfolded content line. ``name``, ``group`` and parameter names are upper case; ``value`` is raw.

    Two lines are equal when their texts are.
    """

    text: str
    name: str = field(compare=False)
    value: str = field(compare=False)
    group: str = field(default="", compare=False)
    params: Parameters = field(default=(), compare=False)

    def param(self, name: str) -> tuple[str, ...]:
        """All values of the parameter ``name`` (upper case), over all its occurrences, in order."""
        return tuple(value for key, values in self.params if key == name for value in values)

    @property
    def types(self) -> frozenset[str]:
        """The TYPE values in upper case: one list, quoted (vCard 4.0) or not, repeated, or bare (vCard 2.1)."""
        return _types(self.params) if self.params else frozenset()


@lru_cache(maxsize=512)
def _types(params: Parameters) -> frozenset[str]:
    listed = (part.strip() for key, values in params if key == "TYPE" for value in values for part in value.split(","))
    bare = (key for key, values in params if not values)
    return frozenset(value.upper() for value in (*listed, *bare))


def split_lines(text: str) -> list[Line]:
    """Unfold ``text`` and take its lines apart; blank lines are dropped.

    Raises PayloadError for a line without a name or a colon, and for more lines than anybody means.
    """
    return list(_split(text))


@lru_cache(maxsize=4)  # a write reads what was sent three times: what it is, what it changes, what it is found by
def _split(text: str) -> tuple[Line, ...]:
    unfolded = _FOLD.sub("", text.removeprefix("\ufeff"))
    lines = _BREAK.split(unfolded)
    if len(lines) > _MOST_LINES:
        raise PayloadError(f"it has {len(lines)} lines, and {_MOST_LINES} are the most")
    return tuple(parse_line(line) for line in lines if line.strip())


def parse_line(text: str) -> Line:
    """Take one unfolded line apart. Raises PayloadError."""
    head = _HEAD.match(text)
    try:
        if head is None:
            _read_name(text)
            raise PayloadError(_NO_COLON)
        name, group, params = (_remembered if head.end() <= _SHORT else _read_head)(head[0])
    except PayloadError as error:
        raise PayloadError(f"{error}: {text[:60]!r}") from None
    return Line(text, name, text[head.end() + 1 :], group, params)


def _read_head(head: str) -> tuple[str, str, Parameters]:
    """Return name, group and parameters of a line, from what comes before its value. Raises PayloadError."""
    start = _read_name(head)
    params: list[tuple[str, tuple[str, ...]]] = []
    position = start.end()
    while (part := _PARTS[";"].match(head, position)) is not None:
        position = part.end()
        name, equals, raw = part[1].partition("=")
        values = tuple(_unquote(value[1]) for value in _PARTS[","].finditer(f",{raw}")) if equals else ()
        params.append((name.strip().upper(), values))
        if len(params) > _MOST_PARAMETERS:
            raise PayloadError(f"a line has more than {_MOST_PARAMETERS} parameters")
    if position != len(head):
        raise PayloadError(_NO_COLON)
    return start["name"].upper(), (start["group"] or "").upper(), tuple(params)


_remembered = lru_cache(maxsize=512)(_read_head)


def _read_name(text: str) -> re.Match[str]:
    start = _NAME.match(text)
    if not start:
        raise PayloadError("a line has no property name")
    return start


def _unquote(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def join_lines(lines: Iterable[str]) -> str:
    """Fold unfolded lines at 75 octets, never inside a character, and end each with CRLF."""
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _folded(line: str) -> str:
    if len(line) <= _FOLD_AT and (line.isascii() or len(line.encode("utf-8", "surrogatepass")) <= _FOLD_AT):
        return line
    pieces: list[str] = []
    piece, size = "", 0
    for char in line:
        width = len(char.encode("utf-8", "surrogatepass"))
        if size + width > _FOLD_AT:
            pieces.append(piece)
            piece, size = "", 1  # the blank that starts a continuation counts
        piece += char
        size += width
    return "\r\n ".join([*pieces, piece])


def is_control(char: str) -> bool:
    """Return whether a character has no place in a text value (rule 28): XML and databases cannot carry it either."""
    return _CONTROL.match(char) is not None


def printable(text: str) -> str:
    """Return a text without the characters that have no place in one."""
    return _CONTROL.sub("", text)


def require_printable(name: str, text: str) -> None:
    """Raise PayloadError, naming the field, if the text has a character that has no place in one."""
    if found := _CONTROL.search(text):
        raise PayloadError(f"the {name.replace('_', ' ')} contains the control character U+{ord(found[0]):04X}")


def escape(text: str) -> str:
    r"""Escape a text value (RFC 6350 §3.4, RFC 5545 §3.3.11); any line end becomes ``\\n``."""
    return _BREAK.sub("\n", text).translate(_ESCAPES)


def unescape(value: str) -> str:
    """Reverse ``escape``; an unknown escape keeps its character."""
    if "\\" not in value:
        return value
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


def split_components(value: str, separator: str = ";") -> list[str]:
    """Split a structured value at unescaped separators and unescape its components (RFC 6350 §3.3)."""
    if "\\" not in value:
        return value.split(separator)
    parts = [""]
    for piece in _PIECE.findall(value):
        if piece == separator:
            parts.append("")
        else:
            parts[-1] += piece
    return [unescape(part) for part in parts]
