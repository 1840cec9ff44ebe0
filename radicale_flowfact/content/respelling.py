r"""Recognises values that a program only respelled: it parsed what it was served, and wrote it again (rule 44).

No spelling is read rightly by all programs: one ends the value at an unescaped semicolon, another sends an escaped one
back with a backslash more. So each value that was served is written as each known program writes it. A value that comes
back in such a spelling is taken for the one that was served. ``docs/compatibility.md`` has a table of the programs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from radicale_flowfact.content.contentlines import join_lines, split_lines

_MOST_RESPELT = 200_000  # characters of values with a backslash in one text; what is longer is compared as it came
_COMPONENTS = frozenset({"N", "ADR", "ORG"})
_SEPARATOR = re.compile(r"(?<!\\);")
_TEXT_ESCAPE = re.compile(r"\\(?:([\\,nN])|)")
_ESCAPE = re.compile(r"\\[\\,;nN]")
_GLUED = re.compile(r"\\[\\,;nN]|\\|;")
_ESCAPED_AT_ALL = re.compile(r"[\\,;]")
_COMMA = re.compile(r"\\, ?|\\.", re.DOTALL)
_CAPITAL_LINE_END = re.compile(r"\\\\N|\\.", re.DOTALL)
_LINE_END = re.compile(r"\\[nN]|\\.", re.DOTALL)
_BEFORE_BLANK = re.compile(r"(?<!\\);(?= )")  # no department begins with a blank
# A separator before whose backslash one or two more were set.
_TWICE_ESCAPED = {sign: re.compile(rf"(?<!\\)\\\\\\?{sign}") for sign in ";,"}


def as_served(served: str, sent: str) -> str:
    """Return what a device sent, with each value that its program only respelled as it was served."""
    if "\\" not in served:
        return sent
    before: dict[tuple[str, str], str] = {}
    escaped: set[tuple[str, str]] = set()  # names of lines, and a separator that is escaped in one of them
    doubtful: set[tuple[str, str]] = set()  # those that follow a backslash of the text itself
    room = _MOST_RESPELT
    lines = split_lines(served)
    for line in lines:
        if "\\" not in line.value or line.name.startswith("X-") or len(line.value) > room:
            continue
        room -= len(line.value)
        before |= {(line.name, spelling): line.value for spelling in _spellings(line.name, line.value)}
        escaped |= {(line.name, sign) for sign in ";," if f"\\{sign}" in line.value}
        doubtful |= {(line.name, sign) for sign in ";," if f"\\\\{sign}" in line.value}
    for line in lines:
        before.pop((line.name, line.value), None)  # it came back as it was
    # What the user edited is no spelling of what was served, but its separators are spelt in the same way.
    doubtless = escaped - doubtful
    texts: list[str] = []
    is_changed = False
    for line in split_lines(sent):
        value = before.get((line.name, line.value), line.value)
        if value == line.value:
            for sign in (sign for sign in ";," if (line.name, sign) in doubtless and "\\\\" in value):
                value = _TWICE_ESCAPED[sign].sub(rf"\\{sign}", value)
            if line.name == "ORG" and ("ORG", ";") in doubtless:
                value = _BEFORE_BLANK.sub(r"\\;", value)
        is_changed = is_changed or value != line.value
        texts.append(line.text if value == line.value else f"{line.text[: len(line.text) - len(line.value)]}{value}")
    return join_lines(texts) if is_changed else sent


def _spellings(name: str, value: str) -> Iterator[str]:
    """Yield the other spellings of a value that known programs write."""
    for program in _PROGRAMS:
        spelling = program(name, value)
        if spelling != value:
            yield spelling


def _ical_js(name: str, value: str) -> str:
    r"""Return a value of a card as ical.js 2 (Thunderbird) writes it.

    A text's ``\;`` is left escaped and escaped again; a single ORG's is undone and not escaped; a component that ends
    in a backslash is taken for one with the next.
    """
    if name == "TEL":
        return _ESCAPED_AT_ALL.sub(_escaped, value.replace("\\", ""))
    if name not in _COMPONENTS:
        return _TEXT_ESCAPE.sub(lambda found: found[0] if found[1] else "\\\\", value)
    if _SEPARATOR.search(value):
        parts = _SEPARATOR.split(value)
        return ";".join(_GLUED.sub(lambda found: found[0] if found[0][1:] else f"\\{found[0]}", part) for part in parts)
    return value.replace("\\\\", "\0").replace("\\;", ";").replace("\0", "\\\\")


def _old_ical_js(name: str, value: str) -> str:
    """Return a value of a card as ical.js before 2 writes it: of a single ORG the first escape alone is undone."""
    first = _ESCAPE.search(value) if name == "ORG" and not _SEPARATOR.search(value) else None
    return value if first is None else value[: first.end()] + _ESCAPED_AT_ALL.sub(_escaped, value[first.end() :])


def _davx5(name: str, value: str) -> str:
    """Return an address as DAVx5 writes it: lines of a component become a list."""
    if name != "ADR":
        return value
    return _LINE_END.sub(lambda found: "," if found[0] in ("\\n", "\\N") else found[0], value)


def _bare_commas(name: str, value: str) -> str:
    """Return a name or an address as programs write it that know no lists: its commas are not escaped."""
    if name not in ("N", "ADR"):
        return value
    return _COMMA.sub(lambda found: found[0][1:] if found[0].startswith("\\,") else found[0], value)


def _street_lines(name: str, value: str) -> str:
    """Return an address whose parts between commas became lines."""
    if name != "ADR":
        return value
    return _COMMA.sub(lambda found: "\\n" if found[0].startswith("\\,") else found[0], value)


def _icalendar(name: str, value: str) -> str:
    """Return a text as icalendar (khal) writes it: a backslash and an N behind it are a line end to it."""
    if name in _COMPONENTS:
        return value
    return _CAPITAL_LINE_END.sub(lambda found: "\\n" if len(found[0]) > 2 else found[0], value)


def _escaped(sign: re.Match[str]) -> str:
    return f"\\{sign[0]}"


_PROGRAMS: tuple[Callable[[str, str], str], ...] = (
    *(_ical_js, _old_ical_js, _davx5, _bare_commas, _street_lines, _icalendar),
)
