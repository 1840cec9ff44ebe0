"""Mends what a device sent before the maps read it: vCard 2.1 becomes 3.0, an item without a UID gets one.

Everything else stays as it came, byte for byte but for line ends, which are made CRLF (RFC 5545 §3.1).
"""

from __future__ import annotations

import quopri
import re
import uuid
from collections.abc import Iterator

from radicale_flowfact.contentlines import (
    Line,
    escape,
    join_lines,
    parse_line,
    split_components,
    unescape,
)

_BREAK = re.compile(r"\r\n|\n|\r")
_OLD = re.compile(r"^VERSION:\s*2\.1\s*$", re.MULTILINE | re.IGNORECASE)
_UID = re.compile(r"^(?:[\w-]+\.)?UID[;:][^\r\n]*\S", re.MULTILINE | re.IGNORECASE)
_QUOTED = re.compile(r"[^:]*;(?:ENCODING=)?QUOTED-PRINTABLE[;:]", re.IGNORECASE)
_BINARY = re.compile(r"[^:]*;(?:ENCODING=)?BASE64[;:]", re.IGNORECASE)
_ENCODINGS = frozenset({"QUOTED-PRINTABLE", "BASE64", "8BIT", "7BIT"})
_DECODED = frozenset({"ENCODING", "CHARSET"})
_STRUCTURED = frozenset({"N", "ADR", "ORG"})
_TEXTS = frozenset({"FN", "LABEL", "NOTE", "ROLE", "TITLE"})
_STEM = re.compile(r"[\w.@{}-]{1,200}", re.ASCII)


def mend(text: str, href: str) -> tuple[str, bool]:
    """Return the text to store, and whether it says something else than what was sent.

    Raises PayloadError for a vCard 2.1 that cannot be read.
    """
    lines = _BREAK.split(text.removeprefix("\ufeff").strip("\r\n"))
    mended = False
    if _OLD.search(text) and lines[0].strip().upper() == "BEGIN:VCARD":
        lines, mended = list(_modern(lines)), True
    if not _UID.search(text):
        lines, mended = _with_uid(lines, href), True
    return "\r\n".join([*lines, ""]), mended


def _with_uid(lines: list[str], href: str) -> list[str]:
    """Return the lines with a UID made from the item's name, the same one whenever it is sent."""
    stem = href.rpartition(".")[0] or href
    uid = stem if _STEM.fullmatch(stem) else str(uuid.uuid5(uuid.NAMESPACE_URL, href))
    found: list[str] = []
    for line in lines:
        found.append(line)
        if line.strip().upper() in ("BEGIN:VCARD", "BEGIN:VEVENT", "BEGIN:VTODO", "BEGIN:VJOURNAL"):
            found.append(f"UID:{uid}")
    return found


def _modern(lines: list[str]) -> Iterator[str]:
    """Yield the folded lines of a vCard 2.1 as vCard 3.0."""
    read = [parse_line(text) for text in _joined(lines)]
    names = {line.name: line for line in read}
    for line in read:
        if line.name == "VERSION":
            yield "VERSION:3.0"
            if "FN" not in names and "N" in names:  # 3.0 must have it, 2.1 need not
                family, given, *_ = [*split_components(_value(names["N"])), "", ""]
                yield from _physical(f"FN:{escape(f'{given} {family}'.strip())}")
        else:
            yield from _physical(_modern_line(line))


def _physical(line: str) -> list[str]:
    """Return a line folded; not by ``splitlines``, which takes typographic separators for line ends."""
    return join_lines([line]).removesuffix("\r\n").split("\r\n")


def _joined(lines: list[str]) -> Iterator[str]:
    """Yield each property on one line: quoted-printable ends an unfinished one with ``=``, base64 with a blank one."""
    waiting = iter(lines)
    current = next(waiting)
    for line in waiting:
        if _QUOTED.match(current) and current.endswith("="):
            current = current[:-1] + line
        elif line[:1] in (" ", "\t"):
            current += line.strip() if _BINARY.match(current) else line[1:]
        elif line.strip():
            yield current
            current = line
    yield current


def _modern_line(line: Line) -> str:
    params = [f"{key}={','.join(values)}" for key, values in line.params if values and key not in _DECODED]
    types = [key for key, values in line.params if not values and key not in _ENCODINGS]
    if types:
        params.append(f"TYPE={','.join(types)}")
    if "BASE64" in _encoding(line):
        params.append("ENCODING=b")
    value = _value(line)
    if line.name in _STRUCTURED:
        value = ";".join(escape(part) for part in split_components(value))
    elif line.name in _TEXTS or value != line.value:
        value = escape(unescape(value))
    group_and_name = re.split("[;:]", line.text, maxsplit=1)[0]
    return ";".join([group_and_name, *params]) + ":" + value


def _encoding(line: Line) -> set[str]:
    return {value.upper() for key, values in line.params for value in (values or (key,))} & _ENCODINGS


def _value(line: Line) -> str:
    if "QUOTED-PRINTABLE" not in _encoding(line):
        return line.value
    raw = quopri.decodestring(line.value.encode())
    try:
        return raw.decode(next(iter(line.param("CHARSET")), "utf-8"))
    except (LookupError, UnicodeDecodeError):
        return raw.decode("cp1252", "replace")
