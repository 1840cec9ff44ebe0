"""Repairs payloads before the maps read them: vCard 2.1 is converted to 3.0, what lacks a UID or FN gets one.

What known programs misspell is mended (see ``mending``). Everything else stays as it came, except line ends, which
become CRLF (RFC 5545 §3.1).
"""

from __future__ import annotations

import quopri
import re
import uuid
from collections.abc import Iterable, Iterator
from itertools import islice

from radicale_flowfact.content import mending
from radicale_flowfact.content.contentlines import (
    LISTED,
    MAX_LINES,
    Line,
    PayloadError,
    escape,
    join_lines,
    parse_line,
    printable,
    split_components,
    split_lines,
    split_values,
    unescape,
)

_CARD = re.compile(r"[^\S\n]*BEGIN:VCARD[^\S\n]*$", re.MULTILINE | re.IGNORECASE)
_BEGIN = re.compile(r"^[^\S\n]*BEGIN:(?:VCARD|VEVENT|VTODO|VJOURNAL)[^\S\n]*$", re.MULTILINE | re.IGNORECASE)
_MOST_COMPONENTS = 200  # of a line whose components are escaped anew
_LONGEST_NAME = 1000  # characters of N from which FN is made
_VERSION_2_1 = re.compile(r"^VERSION:\s*2\.1\s*$", re.MULTILINE | re.IGNORECASE)
_QUOTED_PRINTABLE = re.compile(
    r"^[^\n:]*;(?:ENCODING=)?(?:\"QUOTED-PRINTABLE\"|QUOTED-PRINTABLE)[;:]", re.MULTILINE | re.IGNORECASE
)
_FORMATTED_NAME = re.compile(
    r"^(?:[\w-]+\.)?FN(?:;[^\n:]*)?:(?P<value>[ \t]*(?:\n[ \t]|\S))?[^\n]*\n", re.MULTILINE | re.IGNORECASE
)
_VERSION = re.compile(r"^VERSION[;:][^\n]*$", re.MULTILINE | re.IGNORECASE)
_UID = re.compile(r"^(?:[\w-]+\.)?UID[;:][^\r\n]*\S", re.MULTILINE | re.IGNORECASE)
_CODED = re.compile(r";(?:ENCODING=)?\"?(QUOTED-PRINTABLE|BASE64)\"?(?=[;:])", re.IGNORECASE)
# Python has codecs of quadratic time, too, and such of bytes.
_CHARSETS = re.compile(
    r"(?:us-?)?ascii|utf-?8|utf-?16|latin-?1|iso-?8859-\d{1,2}|(?:windows|cp)-?125\d|koi8-r", re.IGNORECASE
)
_ENCODINGS = frozenset({"QUOTED-PRINTABLE", "BASE64", "8BIT", "7BIT"})
_DECODED = frozenset({"ENCODING", "CHARSET"})
_STRUCTURED = frozenset({"N", "ADR", "ORG"})
_TEXTS = frozenset({"FN", "LABEL", "NOTE", "ROLE", "TITLE"})
_STEM = re.compile(r"[\w.@{}-]{1,200}", re.ASCII)


def repair_item(text: str, href: str) -> tuple[str, bool]:
    """Return the text to store, and whether its content differs from what was sent.

    Raises PayloadError for a vCard 2.1, or one with lines as in 2.1, that cannot be read.
    """
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    right = mending.spelt_rightly(plain)
    plain, repaired = right, right != plain
    is_card = _CARD.match(plain) is not None
    if (is_card and _VERSION_2_1.search(plain)) or _QUOTED_PRINTABLE.search(plain):
        plain, repaired = "\n".join(_vcard_3_lines(plain)), True
    if is_card and not any(found["value"] for found in _FORMATTED_NAME.finditer(plain)):
        named = _with_formatted_name(plain)
        plain, repaired = named, repaired or named != plain
    if not _UID.search(text):
        plain, repaired = _with_uid(plain, href), True
    return plain.replace("\n", "\r\n") + "\r\n", repaired


def _with_uid(text: str, href: str) -> str:
    """Return the text with a UID derived from the href, so that the same item always gets the same one."""
    stem = href.rpartition(".")[0] or href
    uid = stem if _STEM.fullmatch(stem) else str(uuid.uuid5(uuid.NAMESPACE_URL, href))
    return _BEGIN.sub(lambda found: f"{found[0]}\nUID:{uid}", text)


def _with_formatted_name(text: str) -> str:
    """Return a card that has no FN with one, which both 3.0 and 4.0 demand; without any name, as it is.

    Raises PayloadError.
    """
    values: dict[str, str] = {}
    for line in split_lines(text):
        if line.value.strip(" ;"):
            values.setdefault(line.name, line.value[:_LONGEST_NAME])
    family, given, _, title, *_ = [*split_components(LISTED.sub(r"\1 ", values.get("N", ""))), *[""] * 4]
    person = " ".join(part.strip() for part in (title, given, family) if part.strip())
    others = (unescape(values.get(name, "")).strip() for name in ("NICKNAME", "EMAIL", "TEL"))
    name = person or split_components(values.get("ORG", ""))[0].strip() or next((text for text in others if text), "")
    if not name:
        return text
    bare = _FORMATTED_NAME.sub("", text)
    place = _VERSION.search(bare) or _CARD.match(bare)
    assert place is not None  # noqa: S101 - the caller found a card
    return f"{bare[: place.end()]}\n{chr(10).join(_folded_lines(f'FN:{escape(name)}'))}{bare[place.end() :]}"


def _vcard_3_lines(text: str) -> Iterator[str]:
    """Yield the folded lines of a vCard 2.1 as vCard 3.0, or those of any text without quoted-printable.

    Raises PayloadError.
    """
    read = [parse_line(line) for line in islice(_logical_lines(split_values(text, "\n")), MAX_LINES + 1)]
    if len(read) > MAX_LINES:
        raise PayloadError(f"it has more than {MAX_LINES} lines")
    names = {line.name: line for line in read}
    is_old = "VERSION" in names and names["VERSION"].value.strip() == "2.1"
    for line in read:
        if not is_old:  # some programs write single lines as in 2.1 below any version
            yield from _folded_lines(_vcard_3_line(line) if "QUOTED-PRINTABLE" in _encoding(line) else line.text)
        elif line.name == "VERSION":
            yield "VERSION:3.0"
            if "FN" not in names and "N" in names:  # FN is required in 3.0 (RFC 2426 §3.1.1), not in 2.1
                family, given, *_ = [*split_components(_value(names["N"])[:_LONGEST_NAME]), "", ""]
                yield from _folded_lines(f"FN:{escape(f'{given} {family}'.strip())}")
        else:
            yield from _folded_lines(_vcard_3_line(line))


def _folded_lines(line: str) -> list[str]:
    """Return the folded lines of one line. ``splitlines`` would also split at U+2028 and its like."""
    return join_lines([line]).removesuffix("\r\n").split("\r\n")


def _logical_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield each property on one line: quoted-printable continues after ``=``, base64 in indented lines."""
    pieces: list[str] = []
    coding: str | None = None
    for line in lines:
        if coding == "QUOTED-PRINTABLE" and pieces[-1].endswith("="):
            pieces[-1] = pieces[-1][:-1]
            pieces += [line] if line else []
        elif pieces and line[:1] in (" ", "\t"):
            pieces.append(line.strip() if coding == "BASE64" else line[1:])
            if coding is None and ":" in line:
                coding = _coding_of("".join(pieces))
        elif line.strip() or not pieces:
            if pieces:
                yield "".join(pieces)
            pieces, coding = [line], _coding_of(line)
    yield "".join(pieces)


def _coding_of(text: str) -> str | None:
    """Return how a property's value is encoded (empty: not), or None while its colon is still to come."""
    head, colon, _ = text.partition(":")
    found = _CODED.search(head + colon)
    return (found[1].upper() if found else "") if colon else None


def _vcard_3_line(line: Line) -> str:
    params = [f"{key}={','.join(values)}" for key, values in line.params if values and key not in _DECODED]
    types = [key for key, values in line.params if not values and key not in _ENCODINGS]
    if types:
        params.append(f"TYPE={','.join(types)}")
    if "BASE64" in _encoding(line):
        params.append("ENCODING=b")
    value = _value(line)
    if line.name in _STRUCTURED and value.count(";") < _MOST_COMPONENTS:
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
    charset = next(iter(line.param("CHARSET")), "utf-8").strip()
    try:
        return printable(raw.decode(charset if _CHARSETS.fullmatch(charset) else "utf-8"))
    except (LookupError, UnicodeError):
        return printable(raw.decode("cp1252", "replace"))
