"""Converts a card to the version that is asked for. Inside, the gateway has vCard 3.0 only.

A card that a device sends in 4.0 is converted to 3.0 before it is read, and one that a device asks for in 4.0 is
converted on its way out. So what is compared is always of one form.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque

from radicale_flowfact.content.contentlines import Line, PayloadError, join_lines, parse_line, split_lines
from radicale_flowfact.content.vcard import media
from radicale_flowfact.content.vcard.properties import FRAME, KEPT_4, ONLY_4
from radicale_flowfact.content.vcard.to_3 import line_to_3, lines_to_3
from radicale_flowfact.content.vcard.to_4 import line_to_4, lines_to_4

VCARD_3, VCARD_4 = "3.0", "4.0"
VERSIONS = (VCARD_3, VCARD_4)
_VERSION_4 = re.compile(r"^VERSION(?:;[^:\r\n]*)?:[ \t]*4\.", re.MULTILINE | re.IGNORECASE)
# Folds of 75 octets may stand anywhere: it only says whether the lines are to be looked at.
_AS_IN_4 = re.compile(r"data:|PREF\s*=|--\d", re.IGNORECASE)
_LONGEST_START = 20  # characters of a value that tell its kind


def is_4(text: str) -> bool:
    """Return whether a card says that it is vCard 4.0."""
    return _VERSION_4.search(text) is not None


def to_3(text: str) -> str:
    """Return a card of vCard 4.0 as 3.0. Raises PayloadError."""
    return join_lines(lines_to_3(split_lines(text)))


def without_values_of_4(text: str) -> str:
    """Return a card of 3.0 whose photo, birthday and preference some programs write as in 4.0, as 3.0 has them.

    Raises PayloadError.
    """
    if not _AS_IN_4.search(text):
        return text
    lines = split_lines(text)
    found = [line_to_3(line) if _has_value_of_4(line) else [line.text] for line in lines]
    changed = any(ones != [line.text] for line, ones in zip(lines, found, strict=True))
    return join_lines(one for ones in found for one in ones) if changed else text


def to_4(text: str) -> str:
    """Return a card of vCard 3.0 as 4.0. Raises PayloadError."""
    return join_lines(lines_to_4(split_lines(text)))


def in_version(text: str, version: str) -> str:
    """Return a card as it is served in a version; one that cannot be read, or is of that version, as it is."""
    if is_4(text) == (version == VCARD_4):
        return text
    try:
        return to_4(text) if version == VCARD_4 else to_3(text)
    except PayloadError:
        return text


def has_same_lines(one: str, other: str) -> bool:
    """Return whether two cards have the same lines, however they are folded. Raises PayloadError."""
    return [line.text for line in split_lines(one)] == [line.text for line in split_lines(other)]


def spelt_as(text: str, base: str) -> str:
    """Return a card of 3.0 with those lines as ``base`` has them that say the same in another spelling (rule 44).

    They come from a device that has its cards in 4.0: of what it was shown, it sends back what 4.0 makes of it. Raises
    PayloadError.
    """
    sent, had = split_lines(text), split_lines(base)
    counts = Counter(line.text for line in sent), Counter(line.text for line in had)
    added, lost = counts[0] - counts[1], counts[1] - counts[0]
    if not lost or not added:
        return text
    spellings: defaultdict[str, deque[str]] = defaultdict(deque)
    for line in had:
        if lost[line.text] > 0 and line.name not in FRAME:
            lost[line.text] -= 1
            for spelling in _spellings(line):
                spellings[spelling].append(line.text)
    lines: list[str] = []
    for line in sent:
        known = spellings.get(line.text) if added[line.text] > 0 else None
        lines.append(known.popleft() if known else line.text)
        added[line.text] -= 1
    return join_lines(lines) if any(new != line.text for new, line in zip(lines, sent, strict=True)) else text


def _spellings(line: Line) -> set[str]:
    """Return how a device may send back a line of 3.0: in 4.0, and what that is in 3.0."""
    if _is_of_4(line):  # an older gateway stored it as it came; it becomes a line of 3.0
        return set()
    four = line_to_4(line)
    back = [text for one in four for text in line_to_3(parse_line(one))]
    return {one[0] for one in (four, back) if len(one) == 1} - {line.text}


def _is_of_4(line: Line) -> bool:
    if line.name.startswith(KEPT_4):
        return False
    return line.name in ONLY_4 or _has_value_of_4(line)


def _has_value_of_4(line: Line) -> bool:
    start = line.value[:_LONGEST_START].lstrip().lower()
    is_value = (line.name in media.NAMES and start.startswith("data:")) or (line.name == "BDAY" and start[:2] == "--")
    return is_value or bool(line.param("PREF"))
