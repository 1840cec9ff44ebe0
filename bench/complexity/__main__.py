"""Prints the table of complexity: ``python -m bench.complexity [--json] [--size N] [part of a name]``.

A row is a reader or writer with a family of inputs; what grows more than the input by ``TOLERANCE`` is marked.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.complexity import counting
from bench.complexity.families import CARDS, EVENTS, Family

COUNTED = (
    *("radicale_flowfact.content", "radicale_flowfact.maps", "radicale_flowfact.queries"),
    *("radicale_flowfact.ical_map", "radicale_flowfact.vcard_map", "radicale_flowfact.dav.writing"),
    *("radicale_flowfact.dav.store.search", "radicale_flowfact.http.partial_data"),
)
TOLERANCE = 2.3
"""How much more may be done for twice the input."""
SIZE = 100
_SMALL = 2000  # operations for which a constant part outweighs the rest


@dataclass(frozen=True, slots=True)
class Row:
    """Holds what one reader did with an input and with one of twice its size."""

    family: str
    reader: str
    once: int
    twice: int

    @property
    def growth(self) -> float:
        """How much more was done."""
        return self.twice / max(self.once, 1)

    @property
    def is_bad(self) -> bool:
        """Whether it grows faster than its input."""
        return self.growth > TOLERANCE and self.twice > _SMALL


def rows(size: int, part: str = "", only: str = "") -> list[Row]:
    """Return the rows whose family or reader contains ``part``."""
    from bench.complexity import readers

    cards = _rows(CARDS, readers.OF_CARDS, size, part.lower()) if only != "events" else []
    events = _rows(EVENTS, readers.OF_EVENTS, size, part.lower()) if only != "cards" else []
    return cards + events


def _rows(
    families: Mapping[str, Family], readers: Mapping[str, Callable[[str], Callable[[], None]]], size: int, part: str
) -> list[Row]:
    found: list[Row] = []
    for family, make in families.items():
        for reader, prepare in readers.items():
            if part in family.lower() or part in reader.lower():
                once, twice = (_operations(prepare, make(number)) for number in (size, size * 2))
                found.append(Row(family, reader, once, twice))
    return found


def _operations(prepare: Callable[[str], Callable[[], None]], text: str) -> int:
    run = prepare(text)
    counting.clear_caches(COUNTED)
    counting.reset()
    run()
    return counting.total()


def main() -> int:
    """Print the table; return 1 if a row grows too much."""
    parser = argparse.ArgumentParser(prog="python -m bench.complexity", description=__doc__)
    parser.add_argument("part", nargs="?", default="", help="only families and readers whose name contains this")
    parser.add_argument("--size", type=int, default=SIZE, help="how many lines or values the smaller input has")
    parser.add_argument("--only", choices=["cards", "events"], default="", help="contacts, or calendar objects")
    parser.add_argument("--json", action="store_true", help="print the rows for a program")
    arguments = parser.parse_args()
    found = rows(arguments.size, arguments.part, arguments.only)
    if arguments.json:
        print(json.dumps([[row.family, row.reader, row.once, row.twice, row.is_bad] for row in found]))
    else:
        print(f"{'input':28}{'reader':22}{arguments.size:>14,}{arguments.size * 2:>14,}  growth")
        for row in found:
            mark = "  ✗" if row.is_bad else ""
            print(f"{row.family:28}{row.reader:22}{row.once:>14,}{row.twice:>14,}  {row.growth:.2f}{mark}")
    return int(any(row.is_bad for row in found))


if __name__ == "__main__":
    counting.count_in(COUNTED)
    sys.exit(main())
