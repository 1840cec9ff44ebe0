"""When this process last compared a collection with FlowFact, whether that is due again, and its row as last read."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from radicale_flowfact.commits import Commits, Mark
from radicale_flowfact.dav.collections import Collection
from radicale_flowfact.dav.session import Name


@dataclass(frozen=True, slots=True)
class Look:
    """One look: when it began, and what must be the same for it to hold still (None: it cannot be told)."""

    began: float
    state: tuple[Mark, datetime] | None


class Looks:
    """The last looks. ``clock`` tells the moment by which the window of the past moves (rule 4)."""

    def __init__(self, every_seconds: float, commits: Commits, clock: Callable[[], datetime]) -> None:
        self._every = every_seconds
        self._commits = commits
        self._clock = clock
        self._last: dict[tuple[str, Name], Look] = {}
        self._found: dict[tuple[str, Name], tuple[Mark, Collection]] = {}

    def found(self, login: str, name: Name, find: Callable[[], Collection | None]) -> Collection | None:
        """Return what ``find`` finds in a transaction of its own, or what it found if nothing was committed since."""
        mark = self._commits.mark()
        known = self._found.get((login, name))
        if known is not None and known[0] == mark:
            return known[1]
        collection = find()
        if mark is not None and collection is not None:
            self._found[(login, name)] = (mark, collection)
        return collection

    def begin(self) -> Look:
        """Begin a look; ``done`` is to be called once its result is kept."""
        mark = self._commits.mark()
        minute = self._clock().replace(second=0, microsecond=0)
        return Look(time.monotonic(), None if mark is None else (mark, minute))

    def done(self, login: str, name: Name, look: Look) -> None:
        """Remember a look that a collection's present state comes from."""
        self._last[(login, name)] = look

    def is_due(self, login: str, name: Name) -> bool:
        """Return whether the last look is too old, unless nothing was committed since and the minute is the same."""
        last = self._last.get((login, name))
        if last is None:
            return True
        if time.monotonic() - last.began < self._every:
            return False
        now = self.begin()
        if last.state is None or now.state != last.state:
            return True
        self._last[(login, name)] = now
        return False

    def forget(self) -> None:
        """Forget all looks."""
        self._last.clear()
        self._found.clear()
