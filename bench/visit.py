"""Holds what a device knows of a server's collections, and measures its requests."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from bench import bodies
from bench.client import Answer, Client
from bench.servers import Place

DEPTH_0, DEPTH_1 = {"Depth": "0"}, {"Depth": "1"}
CARD, EVENT = {"Content-Type": "text/vcard; charset=utf-8"}, {"Content-Type": "text/calendar; charset=utf-8"}
NEW = "bench-new-"
"""Prefix of the names of the contacts that the bench itself puts and deletes."""


@dataclass
class Visit:
    """One user's device at one server. ``reading`` reads the meter: a clock, or a count of statements."""

    client: Client
    place: Place
    reading: Callable[[], float] = time.perf_counter
    spent: float = 0.0
    addresses: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    _turn: Iterator[int] = field(default_factory=itertools.count)

    def arrive(self) -> None:
        """List both collections; clear away what an interrupted run left."""
        for entry in self._list(self.place.addresses):
            if entry.name.startswith(NEW):
                self.client.request("DELETE", entry.path)
        self.addresses = tuple(entry.path for entry in self._list(self.place.addresses))
        self.events = tuple(entry.path for entry in self._list(self.place.events))

    def _list(self, collection: str) -> list[bodies.Entry]:
        answer = self.client.request("PROPFIND", collection, bodies.ETAGS, DEPTH_1)
        bodies.check(answer)
        return [entry for entry in bodies.entries(answer) if entry.name]

    def timed(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Send a request and measure it."""
        before = self.reading()
        answer = self.client.request(method, path, body, headers)
        self.spent += self.reading() - before
        return answer

    def take(self) -> float:
        """Return what was measured since the last call."""
        spent, self.spent = self.spent, 0.0
        return spent

    def turn(self) -> int:
        """Return the next number, for choosing another item each time."""
        return next(self._turn)

    def token(self, collection: str) -> str:
        """Return a collection's sync token."""
        return bodies.token_of(self.client.request("PROPFIND", collection, bodies.POLL, DEPTH_0))
