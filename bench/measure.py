"""Runs the rows: all servers in turn within each repetition, in shuffled order, until the row's time is used up.

Servers of all sizes take their turns together, so that a machine that is slower for a while is so for all of them.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Mapping, Sequence

from bench.client import AnswerError
from bench.peers import XANDIKOS
from bench.results import Timing, summary
from bench.rows import Go, Row
from bench.visit import Visit

MOST = 50
_FEW = 3
_LEAST_SECONDS = 1.0  # for each server, also when slow rows before used up the time
Key = tuple[str, int]
"""A server by its name, and how many items it has."""


def measure(row: Row, visits: Mapping[Key, Visit], seconds: float, most: int = MOST) -> list[Timing]:
    """Measure one row at all servers within about so many seconds, most of them for those with most items.

    Raises AnswerError naming row and server.
    """
    whole = sum(items for _, items in visits)
    order = [
        _Run(key, row, visit, max(seconds * key[1] / whole, _LEAST_SECONDS), most) for key, visit in visits.items()
    ]
    gc.collect()
    gc.disable()
    try:
        for run in order:
            run.prepare()
        while active := [run for run in order if run.wants_more()]:
            random.shuffle(active)
            for run in active:
                run.repeat()
    finally:
        gc.enable()
    return [summary(row.name, run.items, run.name, run.samples) for run in order]


class _Run:
    """One row at one server. Its time counts all that it does, also what is not measured."""

    def __init__(self, key: Key, row: Row, visit: Visit, share: float, most: int) -> None:
        (self.name, self.items), self._row, self._visit, self._share, self._most = key, row, visit, share, most
        self.samples: list[float] = []
        self._used = 0.0
        self._go: Go = lambda: None

    def prepare(self) -> None:
        """Prepare and warm up; only what a single request costs is charged to the row."""
        self._clocked(self._ready)
        for _ in range(self._row.warm_xandikos if self.name == XANDIKOS else self._row.warm):
            self._used = 0.0
            self._clocked(self._go)
        self._visit.take()

    def _ready(self) -> None:
        self._go = self._row.prepare(self._visit)

    def wants_more(self) -> bool:
        """Return whether to repeat: three times at least, unless that takes far too long; once in any case."""
        done = len(self.samples)
        if done >= self._most:
            return False
        return done == 0 or self._used < self._share * (2 if done < _FEW else 1)

    def repeat(self) -> None:
        self._clocked(self._go)
        self.samples.append(self._visit.take())

    def _clocked(self, what: Callable[[], None]) -> None:
        before = time.perf_counter()
        try:
            what()
        except AnswerError as error:
            raise AnswerError(f"{self._row.name} at {self.name} with {self.items}: {error}") from error
        self._used += time.perf_counter() - before


def count(row: Row, visit: Visit) -> int:
    """Return the count of a row when nothing else happens: the lowest of three repetitions, of one for a long row."""
    go = row.prepare(visit)
    if row.warm:
        go()
    readings: list[float] = []
    for _ in range(3 if row.warm else 1):
        visit.take()
        go()
        readings.append(visit.take())
    return int(min(readings))


def budget(left: float, weights: Sequence[float]) -> float:
    """Return the seconds for the first of the rows that remain, by their weights."""
    return max(0.0, left * weights[0] / sum(weights))
