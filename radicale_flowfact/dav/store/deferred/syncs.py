"""Holds when devices synced until it is written, at most once a minute for each device and collection.

The time that is written is up to a minute before the last sync, never after it. Each process writes its own.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from radicale_flowfact.dav.store.deferred.timer import DeferredWrite
from radicale_flowfact.dav.store.devices import Device
from radicale_flowfact.dav.store.session import Name

_logger = logging.getLogger("radicale")
_AGAIN_AFTER = 60.0  # seconds
_MOST = 10_000  # remembered devices
Write = Callable[[Device, tuple[Name, ...]], None]


class Syncs:
    """The notes that are not written yet; thread-safe. ``write`` writes one device's, in a transaction of its own."""

    def __init__(self, write: Write, clock: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._clock = clock
        self._due: dict[tuple[Device, tuple[Name, ...]], float] = {}
        self._waiting: dict[Device, set[Name]] = {}
        self._lock = threading.Lock()
        self._later = DeferredWrite(self.flush)

    def note(self, device: Device, names: tuple[Name, ...]) -> None:
        """Note that a device was told now what is new in these collections."""
        now, key = self._clock(), (device, names)
        if now < self._due.get(key, 0.0):
            return
        with self._lock:
            if len(self._due) >= _MOST:
                self._due.clear()
            self._due[key] = now + _AGAIN_AFTER
            self._waiting.setdefault(device, set()).update(names)
        self._later.ask()

    def flush(self) -> None:
        """Write all notes; what cannot be written is logged and dropped, since the next sync repeats it."""
        with self._lock:
            found, self._waiting = self._waiting, {}
        for device, names in sorted(found.items()):
            try:
                self._write(device, tuple(sorted(names)))
            except Exception as error:
                _logger.warning("That %r synced is not remembered: %s", device.login, error)
