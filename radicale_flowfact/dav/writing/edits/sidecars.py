"""The sidecar after an edit: what a device added to its own lines and removed from them (rule 25)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import reduce
from operator import and_

from radicale_flowfact.actions import CrmAction


@dataclass(frozen=True, slots=True)
class Edit:
    """What a PUT changes in FlowFact, and the sidecar that the item has afterwards."""

    actions: tuple[CrmAction, ...]
    sidecar: tuple[str, ...]


def merge_sidecar(
    both: Iterable[tuple[Iterable[str], Iterable[str]]], kept: Iterable[str], once: Collection[str] = ()
) -> tuple[str, ...]:
    """Merge what the device added to its sidecar, and removed from it, into the one that is kept (rule 25).

    ``both``: each sidecar that the device may have had, with the one that it sent. Only lines that are new beside each
    of them were added; only lines that each of them has, and that were not sent, were removed. A line of a name in
    ``once`` replaces another one that was kept since the device's version.
    """
    counted = [(Counter(base), Counter(sent)) for base, sent in both]
    after = counted[-1][1]
    added = _common(sent - base for base, sent in counted)
    taken = _common(base - sent for base, sent in counted)
    merged = []
    for line in kept:
        if taken[line] > 0:
            taken[line] -= 1
        else:
            merged.append(line)
    present = Counter(merged)
    new = [line for line, count in added.items() for _ in range(min(count, after[line] - present[line]))]
    # A SEQUENCE must not fall (RFC 5545 §3.8.7.4).
    highest = max((_number(line) for line in merged), default=-1)
    new = [line for line in new if name_of(line) != "SEQUENCE" or _number(line) > highest]
    replaced = {name_of(line) for line in new} & set(once)
    return (*(line for line in merged if name_of(line) not in replaced), *new)


def _common(counts: Iterable[Counter[str]]) -> Counter[str]:
    """Return the lines that all of them contain."""
    return reduce(and_, counts)


def _number(line: str) -> int:
    """Return the number of a SEQUENCE; -1 for any other line."""
    value = line.rpartition(":")[2].strip()
    return int(value) if name_of(line) == "SEQUENCE" and re.fullmatch("[0-9]{1,9}", value) else -1


def name_of(line: str) -> str:
    """Return the name of a line, in upper case and without its group."""
    return line.partition(":")[0].partition(";")[0].rpartition(".")[2].upper()
