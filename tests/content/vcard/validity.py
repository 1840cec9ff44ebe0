"""What makes each line of a card one of vCard 3.0 (RFC 2426) or 4.0 (RFC 6350): written down apart from the converter.

Values of free text are not looked at, nor what both versions allow.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterator

from radicale_flowfact.content.contentlines import Line, split_lines

_BOTH = {
    *("BEGIN", "END", "VERSION", "SOURCE", "FN", "N", "NICKNAME", "PHOTO", "BDAY", "ADR", "TEL", "EMAIL"),
    *("TZ", "GEO", "TITLE", "ROLE", "LOGO", "ORG", "CATEGORIES", "NOTE", "PRODID", "REV", "SOUND", "UID"),
    *("URL", "KEY", "IMPP", "FBURL", "CALURI", "CALADRURI"),
}
_NAMES = {
    "3.0": _BOTH | {"NAME", "PROFILE", "LABEL", "MAILER", "AGENT", "SORT-STRING", "CLASS", "CAPURI"},
    "4.0": _BOTH | {"KIND", "XML", "ANNIVERSARY", "GENDER", "LANG", "MEMBER", "RELATED", "CLIENTPIDMAP"},
}
_PARAMS = {
    "3.0": {"TYPE", "VALUE", "LANGUAGE", "ENCODING", "CONTEXT", "CHARSET"},
    "4.0": {
        *("TYPE", "VALUE", "LANGUAGE", "PREF", "ALTID", "PID", "MEDIATYPE", "CALSCALE", "SORT-AS", "GEO"),
        *("TZ", "LABEL"),
    },
}
_KEPT = ("X-VCARD3-", "X-VCARD4-")  # lines of the other version, which come back as they were
_MEDIA = ("PHOTO", "LOGO", "SOUND", "KEY")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+\Z")
_DATE_3 = re.compile(r"\d{4}-?\d\d-?\d\d(T\d\d:?\d\d:?\d\d(Z|[+-]\d\d:?\d\d)?)?\Z")
_DATE_4 = re.compile(r"(\d{8}|\d{4}(-\d\d)?|--\d{2}(\d\d)?|---\d\d)?(T\d\d(\d\d(\d\d)?)?(Z|[+-]\d\d(\d\d)?)?)?\Z")
_ONCE = ("N", "BDAY", "ANNIVERSARY", "GENDER", "KIND", "PRODID", "REV", "UID", "VERSION")


def faults(text: str, version: str) -> list[str]:
    """Return the lines that are none of this version, each with what is wrong about it."""
    lines = split_lines(text)
    found = [f"{what}: {line.text}" for line in lines for what in _of_line(line, version)]
    counts = Counter(line.name for line in lines)
    required = {"3.0": ("VERSION", "N", "FN"), "4.0": ("VERSION", "FN")}[version]
    found += [f"{name} is missing" for name in required if not counts[name]]
    found += [f"{name} is there {counts[name]} times" for name in _ONCE if counts[name] > 1 and version == "4.0"]
    if version == "4.0" and lines[1].name != "VERSION":
        found.append("VERSION does not come first")
    return found


def _of_line(line: Line, version: str) -> Iterator[str]:
    if line.name not in _NAMES[version] and not line.name.startswith("X-"):
        yield "its name"
    for name, values in line.params:
        if name not in _PARAMS[version] and not name.startswith("X-"):
            yield f"its parameter {name}"
        if not values:
            yield "a parameter without value"
    if line.name == "VERSION" and line.value != version:
        yield "its version"
    if line.name.startswith(_KEPT):
        return
    yield from (_of_3(line) if version == "3.0" else _of_4(line))


def _of_3(line: Line) -> Iterator[str]:
    kind = "".join(line.param("VALUE")).lower()
    if '"' in "".join(part for part in line.text[: -len(line.value) or None].split(";") if part.upper()[:5] == "TYPE="):
        yield "a quoted TYPE"
    if line.name in _MEDIA and line.value and kind != "text":
        if [one.lower() for one in line.param("ENCODING")] == ["b"]:
            if not _is_base64(line.value):
                yield "no base64"
        elif kind != "uri" or not _URI.match(line.value) or line.value.startswith("data:"):
            yield "neither inside nor a URI"
    if line.name == "BDAY" and line.value and kind != "text" and not _DATE_3.match(line.value):
        yield "no date"
    if line.name == "TZ" and kind != "text" and not re.fullmatch(r"[+-]\d\d:?\d\d", line.value):
        yield "no offset"
    if line.name == "GEO" and not re.fullmatch(r"[+-]?[\d.]+;[+-]?[\d.]+", line.value):
        yield "no place"
    if line.name == "EMAIL" and not line.types & {"INTERNET", "X400"}:
        yield "no kind of e-mail"
    if line.name == "TEL" and line.value.startswith("tel:"):
        yield "a URI"


def _of_4(line: Line) -> Iterator[str]:
    kind = "".join(line.param("VALUE")).lower()
    if "PREF" in line.types:
        yield "TYPE=PREF"
    if line.name == "EMAIL" and "INTERNET" in line.types:
        yield "TYPE=INTERNET"
    if line.name in _MEDIA and line.value and kind != "text" and not _URI.match(line.value):
        yield "no URI"
    if line.name in ("BDAY", "ANNIVERSARY") and kind != "text" and not _DATE_4.match(line.value):
        yield "no date"
    if line.name == "TZ" and kind == "utc-offset" and not re.fullmatch(r"[+-]\d{4}", line.value):
        yield "no offset"
    if line.name == "GEO" and not line.value.startswith("geo:"):
        yield "no URI"
    if line.name == "KIND" and not re.fullmatch(r"[\w-]+", line.value):
        yield "no kind"


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
