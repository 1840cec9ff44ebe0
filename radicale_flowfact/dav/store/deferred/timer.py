"""Calls a function a second later, once for all notes made meanwhile: no answer waits for a COMMIT."""

from __future__ import annotations

import threading
from collections.abc import Callable

_SECONDS = 1.0


class DeferredWrite:
    """Calls ``write`` a second after the first ``ask`` since the last call; thread-safe.

    What ``write`` needs must be there before ``ask``.
    """

    def __init__(self, write: Callable[[], None]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._is_asked = False

    def ask(self) -> None:
        """Have ``write`` called within a second."""
        with self._lock:
            starts, self._is_asked = not self._is_asked, True
        if starts:
            timer = threading.Timer(_SECONDS, self._run)
            timer.daemon = True
            timer.start()

    def _run(self) -> None:
        with self._lock:
            self._is_asked = False
        self._write()
