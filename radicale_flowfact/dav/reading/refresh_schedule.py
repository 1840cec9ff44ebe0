"""Holds when this process last compared each collection with FlowFact, and says whether that is due again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from radicale_flowfact.database.commits import Commits, Mark
from radicale_flowfact.dav.store.session import Name


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison with FlowFact: when it began, in monotonic seconds, and the state that it saw.

    ``state``: the database's commit mark, and the minute (the window of rule 4 moves with it). None: the database
    cannot name its state.
    """

    began: float
    state: tuple[Mark, datetime] | None


class RefreshSchedule:
    """The last comparison of each collection. ``every_seconds`` is ``refresh_seconds``; ``clock`` returns UTC."""

    def __init__(self, every_seconds: float, commits: Commits, clock: Callable[[], datetime]) -> None:
        self._every = every_seconds
        self._commits = commits
        self._clock = clock
        self._last: dict[tuple[str, Name], Comparison] = {}

    def begin(self) -> Comparison:
        """Return a comparison that begins now; call ``done`` once its result is committed."""
        mark = self._commits.mark()
        minute = self._clock().replace(second=0, microsecond=0)
        return Comparison(time.monotonic(), None if mark is None else (mark, minute))

    def done(self, login: str, name: Name, comparison: Comparison) -> None:
        """Remember the comparison that a collection's present state results from."""
        self._last[(login, name)] = comparison

    def is_due(self, login: str, name: Name) -> bool:
        """Return whether the last comparison is too old and something may have changed since.

        Where the database's state is the same as then, the comparison counts as made anew.
        """
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

    def clear(self) -> None:
        """Drop all comparisons."""
        self._last.clear()
