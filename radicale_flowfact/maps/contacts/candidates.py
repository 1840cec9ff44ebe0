"""Chooses which of several EMAIL, TEL, ADR, ORG or NOTE lines is the mapped one (rules 9 and 26)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Sequence

from radicale_flowfact.content.contentlines import Line, split_components, unescape
from radicale_flowfact.content.words import clean
from radicale_flowfact.maps.contacts import phones

NEVER_MAPPED = 9
_LONGEST_EMAIL = 1000  # characters
_DECORATED = re.compile(
    r"""mailto:\s*(?P<plain>[^\s<>"?]+)(?:\?.*)?|[^<>]*<\s*(?:mailto:)?(?P<inside>[^\s<>"]+@[^\s<>"]+)\s*>""",
    re.IGNORECASE,
)
MOST_LINES = 500  # of one name; of more, the others stay with the device as they are
_MOST_COMPONENTS = 200  # of N, ORG or ADR, which has seven; a line with more stays with the device
_COMPARED = frozenset({"ADR", "EMAIL", "NOTE", "ORG", "TEL"})
_STRUCTURED = frozenset({"ADR", "N", "ORG"})
_MOST_PARTS = 9  # components that are compared: ADR has seven, ORG any number
_NO_LABEL = frozenset({"PREF", "INTERNET", "VOICE", "FAX"})
_PLAIN_ADDRESS_TYPES = frozenset({"PREF", "INTL", "DOM", "POSTAL", "PARCEL"})


def considered(name: str, lines: Sequence[Line]) -> list[Line]:
    """Return the lines of one name that may be mapped; the others stay with the device whatever they say."""
    few = [line for line in lines if name not in _STRUCTURED or line.value.count(";") < _MOST_COMPONENTS]
    return few[:MOST_LINES] if name in _COMPARED else few


def address_rank(line: Line) -> int:
    """Return the rank of an ADR: WORK first, then one without a label; another one is never mapped."""
    if "WORK" in line.types:
        return 0
    labelled = line.group or "HOME" in line.types or line.types - _PLAIN_ADDRESS_TYPES
    return NEVER_MAPPED if labelled else 1


def fax_rank(line: Line) -> int:
    """Return the rank of a TEL as the fax number: WORK first; a private one or no fax is never mapped."""
    if "FAX" not in line.types or "HOME" in line.types:
        return NEVER_MAPPED
    return 0 if "WORK" in line.types else 1


def email_rank(line: Line) -> int:
    """Return the rank of an EMAIL: WORK, PREF, without either, HOME."""
    types = line.types
    if "WORK" in types:
        return 0
    if "HOME" in types:
        return 3
    return 1 if "PREF" in types else 2


def email_of(line: Line) -> str:
    """Return the address of an EMAIL line alone: without a name around it, as mails have it, and ``mailto:``."""
    text = clean(unescape(line.value))
    found = _DECORATED.fullmatch(text) if len(text) <= _LONGEST_EMAIL else None
    return text if found is None else found["plain"] or found["inside"]


def compared_value(line: Line, components: Sequence[int]) -> tuple[str, ...]:
    """Return these components of a line's value, normalised for comparison."""
    if line.name == "TEL":
        return (phones.comparable_number(phones.number_of(line)),)
    if line.name == "EMAIL":
        return (email_of(line),)
    if line.name == "NOTE":
        return (clean(unescape(line.value)),)
    parts = [clean(part) for part in split_components(line.value)]
    return tuple(parts[index] if index < len(parts) else "" for index in components)


def without_device_lines(lines: Sequence[Line], own: Sequence[Line]) -> list[Line]:
    """Return the lines without those of the device's sidecar ``own``: of the same text, else value, else label."""
    left, waiting = list(lines), list(own)
    for key_of in (_text, _value, _label):
        if not left or not waiting:
            break  # as is most often so
        left, waiting = _without_pairs(left, waiting, key_of)
    return left


def _without_pairs(
    lines: Sequence[Line], own: Sequence[Line], key_of: Callable[[Line], Hashable | None]
) -> tuple[list[Line], list[Line]]:
    """Return what is left of both when each of ``own`` took the first of ``lines`` that has the same key (None: no)."""
    keys, wanted = [key_of(line) for line in lines], [key_of(line) for line in own]
    pairs = Counter(keys) & Counter(wanted)
    pairs.pop(None, None)
    return _unpaired(lines, keys, Counter(pairs)), _unpaired(own, wanted, pairs)


def _unpaired(lines: Sequence[Line], keys: Sequence[Hashable], pairs: Counter[Hashable]) -> list[Line]:
    """Return the lines without the first ones of each key, as many as there are pairs of it."""
    left: list[Line] = []
    for line, key in zip(lines, keys, strict=True):
        if pairs[key] > 0:
            pairs[key] -= 1
        else:
            left.append(line)
    return left


def _text(line: Line) -> str:
    return line.text


def _value(line: Line) -> tuple[str, ...]:
    return compared_value(line, range(_MOST_PARTS))


def _label(line: Line) -> frozenset[str] | None:
    label = line.types - _NO_LABEL
    return label if label - {"WORK"} else None
