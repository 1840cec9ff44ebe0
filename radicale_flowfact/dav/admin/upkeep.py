"""Runs the upkeep once a day in a server that runs for months.

A request starts it, so that a process that was forked needs no waiting thread. Each process runs it: what another one
deleted is no longer there.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable

_logger = logging.getLogger("radicale")
_DAY = 86_400.0
_SPREAD = 3600.0  # so that the processes of a server do not start all at once


class Daily:
    """Runs ``work`` a day after its creation, and again each day; thread-safe."""

    def __init__(self, work: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._work = work
        self._clock = clock
        self._due = self._tomorrow()
        self._lock = threading.Lock()

    def run_if_due(self) -> None:
        """Start the work in a thread if a day (and up to an hour, at random) has passed."""
        if self._clock() < self._due or not self._lock.acquire(blocking=False):
            return
        self._due = self._tomorrow()
        threading.Thread(target=self._run, name="upkeep", daemon=True).start()

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:
            _logger.warning("The daily upkeep failed and is tried again tomorrow: %s", error)
        finally:
            self._lock.release()

    def _tomorrow(self) -> float:
        return self._clock() + _DAY + random.uniform(0, _SPREAD)  # noqa: S311 - nothing secret
