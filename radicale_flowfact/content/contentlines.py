"""Content lines, the syntax that vCard (RFC 6350 §3.3) and iCalendar (RFC 5545 §3.1) share.

The maps must return lines that they do not map exactly as they came, so a line keeps its text beside its parsed parts.
Parsers that build objects lose what they do not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice

_FOLD = re.compile(r"\r?\n[ \t]")
_BREAK = re.compile(r"\r\n|\n|\r")
_NAME = re.compile(r"(?:(?P<group>[\w-]+)\.)?(?P<name>[\w-]+)", re.ASCII)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_STAND_IN = "\x00"  # for an escaped backslash while the other escapes are replaced
_KEPT = "\x01"  # for an escaped separator while the others separate
_LONGEST_TYPES = 2000  # characters of a TYPE that are looked at
_SEPARATORS = {separator: re.compile(rf"\\.|{separator}", re.DOTALL) for separator in ";,"}
_BLANKS = re.compile(r"[\r\n \t]*+")
LISTED = re.compile(r"(?<!\\)((?:\\\\)*),+(?!\s)")
"""Parts the values of a list inside of a component (RFC 6350 §6.2.2); a comma with a blank behind it is text."""
# Control characters except tab and line ends, lone surrogates, and the noncharacters U+FFFE and U+FFFF.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
MAX_LINES = 20_000  # a series with a thousand overrides has fewer; a photo is one line
_MAX_PARAMETERS = 500
_MAX_VALUES = 500  # of a parameter; the rest is not looked at
_NO_COLON = "a line has no colon after its name"
_FOLD_AT = 75  # octets, RFC 5545 §3.1
_UNFOLDED_AT_ONCE = 1 << 16  # characters; ``re.sub`` holds a text for each piece between two folds
_CACHED_TEXT = 100_000  # characters of a text whose lines are cached
_CACHED_LENGTH = 100  # characters before the colon: short heads are few and repeat, so they are cached
Parameters = tuple[tuple[str, tuple[str, ...]], ...]


class PayloadError(ValueError):
    """A payload that cannot be read; the message says where and why, for a log or an answer."""


@dataclass(frozen=True, slots=True)
class Line:
    """Holds one unfolded content line. ``name``, ``group`` and parameter names are upper case; ``value`` is raw.

    Two lines are equal when their texts are.
    """

    text: str
    name: str = field(compare=False)
    value: str = field(compare=False)
    group: str = field(default="", compare=False)
    params: Parameters = field(default=(), compare=False)

    def param(self, name: str) -> tuple[str, ...]:
        """Return all values of the parameter ``name`` (upper case), over all its occurrences, in order."""
        return tuple(value for key, values in self.params if key == name for value in values)

    @property
    def types(self) -> frozenset[str]:
        """The TYPE values in upper case, from one list (in vCard 4.0 quoted), several TYPEs, or bare (vCard 2.1)."""
        if not self.params:
            return frozenset()
        is_short = len(self.text) - len(self.value) <= _CACHED_LENGTH
        return (_types_cached if is_short else _types)(self.params)


def _types(params: Parameters) -> frozenset[str]:
    listed = (
        part.strip()
        for key, values in params
        if key == "TYPE"
        for value in values
        for part in value[:_LONGEST_TYPES].split(",")
    )
    bare = (key for key, values in params if not values)
    return frozenset(value.upper() for value in (*listed, *bare))


_types_cached = lru_cache(maxsize=512)(_types)


def split_lines(text: str) -> list[Line]:
    """Unfold a text and parse its lines; blank lines are dropped.

    Raises PayloadError for a line without a name or a colon, and for more than ``MAX_LINES`` lines.
    """
    return list((_split_cached if len(text) <= _CACHED_TEXT else _split)(text))


def _split(text: str) -> tuple[Line, ...]:
    unfolded = unfold(text.removeprefix("\ufeff"))
    count = 1 + unfolded.count("\n") + unfolded.count("\r") - unfolded.count("\r\n")
    if count > MAX_LINES:
        raise PayloadError(f"it has {count} lines, and {MAX_LINES} are the most")
    return tuple(parse_line(line) for line in _BREAK.split(unfolded) if line.strip())


_split_cached = lru_cache(maxsize=4)(_split)  # a PUT parses its body three times: to validate, compare and index it


def unfold(text: str) -> str:
    """Return a text without its folds; piece by piece, so that one of nothing but folds needs no more memory."""
    pieces: list[str] = []
    start = 0
    while start < len(text):
        end = start + _UNFOLDED_AT_ONCE
        if end < len(text):
            blanks = _BLANKS.match(text, end)  # never inside of a fold
            end = blanks.end() if blanks else end
        pieces.append(_FOLD.sub("", text[start:end]))
        start = end
    return "".join(pieces)


def parse_line(text: str) -> Line:
    """Parse one unfolded line. Raises PayloadError."""
    end = outside_quotes(text, ":")
    try:
        if end < 0:
            _read_name(text)
            raise PayloadError(_NO_COLON)
        name, group, params = (_read_head_cached if end <= _CACHED_LENGTH else _read_head)(text[:end])
    except PayloadError as error:
        raise PayloadError(f"{error}: {text[:60]!r}") from None
    return Line(text, name, text[end + 1 :], group, params)


def outside_quotes(text: str, sign: str, start: int = 0) -> int:
    """Return where a sign comes next outside double quotes; -1: nowhere, or behind quotes that do not end.

    Regular expressions for this need possessive groups, which Python before 3.11.5 matches wrongly.
    """
    found = text.find(sign, start)
    quote = text.find('"', start, found)
    while 0 <= quote < found:
        closing = text.find('"', quote + 1)
        if closing < 0:
            return -1
        if found < closing:
            found = text.find(sign, closing + 1)
        quote = text.find('"', closing + 1, found)
    return found


def parts_outside_quotes(text: str, separator: str) -> Iterator[str]:
    """Yield the parts of a text between the separators outside double quotes."""
    start = 0
    while (end := outside_quotes(text, separator, start)) >= 0:
        yield text[start:end]
        start = end + 1
    yield text[start:]


def _read_head(head: str) -> tuple[str, str, Parameters]:
    """Return name, group and parameters of a line, from what comes before its value. Raises PayloadError."""
    start = _read_name(head)
    params: list[tuple[str, tuple[str, ...]]] = []
    rest = head[start.end() :]
    if rest and rest[0] != ";":
        raise PayloadError(_NO_COLON)
    for part in parts_outside_quotes(rest[1:], ";") if rest else ():
        name, equals, raw = part.partition("=")
        listed = islice(parts_outside_quotes(raw, ","), _MAX_VALUES) if equals else ()
        values = tuple(_unquote(value) for value in listed)
        params.append((name.strip().upper(), values))
        if len(params) > _MAX_PARAMETERS:
            raise PayloadError(f"a line has more than {_MAX_PARAMETERS} parameters")
    return start["name"].upper(), (start["group"] or "").upper(), tuple(params)


_read_head_cached = lru_cache(maxsize=512)(_read_head)


def _read_name(text: str) -> re.Match[str]:
    start = _NAME.match(text)
    if not start:
        raise PayloadError("a line has no property name")
    return start


def _unquote(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def join_lines(lines: Iterable[str]) -> str:
    """Fold lines at 75 octets, never inside a character, and end each with CRLF (RFC 5545 §3.1)."""
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _folded(line: str) -> str:
    if len(line) <= _FOLD_AT and (line.isascii() or len(line.encode("utf-8", "surrogatepass")) <= _FOLD_AT):
        return line
    octets = line.encode("utf-8", "surrogatepass")
    pieces: list[bytes] = []
    start, room = 0, _FOLD_AT
    while len(octets) - start > room:
        end = start + room
        while octets[end] & 0xC0 == 0x80:  # inside of a character
            end -= 1
        pieces.append(octets[start:end])
        start, room = end, _FOLD_AT - 1  # the blank that starts a continuation counts
    return b"\r\n ".join([*pieces, octets[start:]]).decode("utf-8", "surrogatepass")


def is_control(char: str) -> bool:
    """Return whether a character is not allowed in a text value (rule 28): XML and databases cannot hold it either."""
    return _CONTROL.match(char) is not None


def printable(text: str) -> str:
    """Return a text without control characters (rule 28)."""
    return _CONTROL.sub("", text)


def require_printable(name: str, text: str) -> None:
    """Raise PayloadError, naming the field, if the text has a control character (rule 28)."""
    if found := _CONTROL.search(text):
        raise PayloadError(f"the {name.replace('_', ' ')} contains the control character U+{ord(found[0]):04X}")


def escape(text: str) -> str:
    r"""Escape a text value (RFC 6350 §3.4, RFC 5545 §3.3.11); any line end becomes ``\\n``."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def unescape(value: str) -> str:
    """Reverse ``escape``; an unknown escape keeps its character."""
    if "\\" not in value:
        return value
    if _STAND_IN in value:  # a control character, which no payload has
        return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)
    paired = value.replace("\\\\", _STAND_IN)
    lone = "\\" if paired.endswith("\\") else ""  # it escapes nothing
    if "\\r\\n" in paired:  # some programs escape both halves of a line end
        paired = paired.replace("\\r\\n", "\\n")
    plain = paired.replace("\\n", "\n").replace("\\N", "\n").replace("\\", "")
    return plain.replace(_STAND_IN, "\\") + lone


def split_values(value: str, separator: str = ",") -> Iterator[str]:
    """Yield the values of a list without escapes, such as EXDATE, one at a time: there may be a million."""
    start = 0
    while (end := value.find(separator, start)) >= 0:
        yield value[start:end]
        start = end + 1
    yield value[start:]


def split_components(value: str, separator: str = ";") -> list[str]:
    """Split a structured value at unescaped separators and unescape its components (RFC 6350 §3.3)."""
    if "\\" not in value:
        return value.split(separator)
    if _STAND_IN in value or _KEPT in value:  # control characters, which no payload has
        ends = [found.start() for found in _SEPARATORS[separator].finditer(value) if found[0] == separator]
        starts = [0, *(end + 1 for end in ends)]
        return [unescape(value[start:end]) for start, end in zip(starts, [*ends, None], strict=True)]
    paired = value.replace("\\\\", _STAND_IN).replace(f"\\{separator}", _KEPT)
    parts = paired.split(separator)
    return [unescape(part.replace(_KEPT, separator).replace(_STAND_IN, "\\\\")) for part in parts]
