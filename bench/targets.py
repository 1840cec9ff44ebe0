"""Holds what other servers needed for the same requests, measured once on a 2-core machine, and when a row passes.

Medians in milliseconds with 1,000 and 10,000 contacts and events; the best of sabre/dav (nginx, php-fpm, SQLite),
Cyrus 3.6, SOGo, Xandikos and Radicale. Only ratios travel between machines, so they are scaled by Xandikos' GET.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.peers import RADICALE, XANDIKOS
from bench.results import Results

SIZES = (1_000, 10_000)
GET = "GET one"
XANDIKOS_GET_MS = {1_000: 0.57, 10_000: 0.75}


@dataclass(frozen=True, slots=True)
class BestPeer:
    """The fastest known server for a row."""

    name: str
    small_ms: float
    large_ms: float

    def ms(self, items: int) -> float | None:
        """Return its median with so many items."""
        return {SIZES[0]: self.small_ms, SIZES[1]: self.large_ms}.get(items)


BEST = {
    "PROPFIND 0 ctag + sync-token": BestPeer("Xandikos", 0.86, 0.99),
    "PROPFIND 1, all ETags": BestPeer("Cyrus", 6.5, 55),
    "sync-collection, first": BestPeer("Cyrus", 7.0, 60),
    "sync-collection, no change": BestPeer("sabre, Cyrus", 1.33, 1.43),
    "sync-collection, 10 changes": BestPeer("Cyrus, sabre", 1.62, 2.2),
    "addressbook-multiget 100": BestPeer("Cyrus", 6.7, 8.3),
    "calendar-multiget 100": BestPeer("sabre", 5.5, 8.5),
    "calendar-query, one week": BestPeer("sabre", 7.8, 12.2),
    "addressbook-query, FN contains": BestPeer("Cyrus", 3.5, 20.6),
    GET: BestPeer("Xandikos, Radicale", 0.57, 0.69),
    "PUT change": BestPeer("Cyrus, sabre", 3.7, 5.0),
    "PUT new": BestPeer("Cyrus, sabre", 3.8, 4.4),
    "DELETE": BestPeer("Cyrus, SOGo", 2.4, 3.2),
    "first sync, contacts": BestPeer("Cyrus", 97, 1127),
    "first sync, events": BestPeer("sabre", 105, 1215),
}
BEST_POLLS = {1: 567, 8: 806, 32: 815}
"""Idle polls a second by the number of clients, with 10,000 items: Xandikos and sabre."""


def speed(results: Results, items: int) -> float | None:
    """Return how many times as long this machine needs as the one of the figures; None where that is unknown."""
    median = results.median(GET, items, XANDIKOS)
    known = XANDIKOS_GET_MS.get(items)
    return None if median is None or known is None else median / known


def scaled(results: Results, row: str, items: int) -> float | None:
    """Return the best peer's median as this machine would give it, in milliseconds."""
    factor, best = speed(results, items), BEST.get(row)
    figure = best.ms(items) if best is not None else None
    return None if factor is None or figure is None else figure * factor


def ratio(results: Results, row: str, items: int, server: str) -> float | None:
    """Return our median divided by another server's: below 1 is faster."""
    mine, other = results.median(row, items, "ours"), results.median(row, items, server)
    return None if mine is None or not other else mine / other


def growth(results: Results, row: str) -> float | None:
    """Return how many times as long ours takes with ten times as many items."""
    small, large = (results.median(row, items, "ours") for items in SIZES)
    return None if not small or large is None else large / small


PEERS = (RADICALE, XANDIKOS)
