"""Which sync tokens devices presented and were handed, until it is written: a poll does not wait for a COMMIT."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from radicale_flowfact.dav.store.chains import Move
from radicale_flowfact.dav.store.deferred.timer import DeferredWrite
from radicale_flowfact.dav.store.devices import Device
from radicale_flowfact.dav.store.session import Name

_logger = logging.getLogger("radicale")
_MOST = 10_000  # remembered polls without change, and waiting notes of a device
_LONGEST_WAIT = 60.0  # seconds, for another thread that writes
Noted = tuple[Name, Move]


class Moves:
    """The notes that are not written yet; thread-safe. ``write`` writes one device's, in a transaction of its own."""

    def __init__(self, write: Callable[[Device, Sequence[Noted]], None]) -> None:
        self._write = write
        self._unchanged: set[tuple[Device, Noted]] = set()
        self._waiting: dict[Device, list[Noted]] = {}
        self._lock, self._flushing = threading.Lock(), threading.Lock()
        self._later = DeferredWrite(self.flush)

    def add(self, device: Device, name: Name, move: Move) -> None:
        """Note a sync. One that presented the newest token is noted only once, until this process drops that memory."""
        noted = (name, move)
        with self._lock:
            if move.presented == move.handed:
                if (device, noted) in self._unchanged:
                    return
                if len(self._unchanged) >= _MOST:
                    self._unchanged.clear()
                self._unchanged.add((device, noted))
            self._waiting.setdefault(device, []).append(noted)
        self._later.ask()

    def of(self, device: Device, name: Name) -> list[Move]:
        """Return the notes of a device and collection."""
        with self._lock:
            return [move for one, move in self._waiting.get(device, []) if one is name]

    def flush(self) -> None:
        """Write all notes; what cannot be written is kept for the next time, up to 10,000 for a device."""
        if self._flushing.acquire(timeout=_LONGEST_WAIT):  # nothing may be written twice
            try:
                self._flush()
            finally:
                self._flushing.release()

    def _flush(self) -> None:
        with self._lock:
            found = {device: list(noted) for device, noted in self._waiting.items()}
        for device, noted in sorted(found.items(), key=lambda one: one[0]):
            try:
                self._write(device, noted)
            except Exception as error:
                _logger.warning("Which tokens %r presented is not remembered yet: %s", device.login, error)
                if len(noted) < _MOST:
                    continue
            with self._lock:
                left = self._waiting[device][len(noted) :]
                if left:
                    self._waiting[device] = left
                else:
                    del self._waiting[device]
