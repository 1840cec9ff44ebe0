"""Holds the versions that devices fetched until they are written: a GET does not wait for a COMMIT.

They are written a second later. A process that is killed loses that second; a PUT without If-Match is then compared
with what is known from before (rule 43).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping

from radicale_flowfact.dav.store import devices
from radicale_flowfact.dav.store.deferred.timer import DeferredWrite
from radicale_flowfact.dav.store.devices import ENOUGH, Device, Fetch, Versions
from radicale_flowfact.dav.store.session import Session

_logger = logging.getLogger("radicale")
_MOST = 100_000  # notes of a device, above which the request writes them itself
_LONGEST_WAIT = 60.0  # seconds
Fetched = tuple[int, str, int]
"""Id, ETag and number of an item whose text a device fetched."""


class Fetches:
    """The notes that are not written yet; thread-safe. ``write`` opens a transaction and calls ``write_now`` in it."""

    def __init__(self, write: Callable[[Device], None]) -> None:
        self._write = write
        self._waiting: dict[Device, dict[tuple[int, str], Fetch]] = {}
        self._lock, self._flushing = threading.Lock(), threading.Lock()
        self._later = DeferredWrite(self.flush)

    def add(self, device: Device, fetched: Iterable[Fetched], *, times: int = 1) -> None:
        """Note that a device has these versions now; ``times`` is 0 for what a PUT made."""
        with self._lock:
            waiting = self._waiting.setdefault(device, {})
            for item_id, etag, number in fetched:
                before = waiting.get((item_id, etag))
                if before is None:
                    waiting[item_id, etag] = Fetch(number, times)
                elif before.number != number or before.times < ENOUGH:
                    waiting[item_id, etag] = before.merged(Fetch(number, times))
            is_full = len(waiting) >= _MOST
        if is_full:
            self.flush(0)  # the thread may hold a transaction for which another one waits that writes
        else:
            self._later.ask()

    def write_now(self, session: Session, device: Device) -> None:
        """Write the notes of a device, in the transaction of ``write``."""
        waiting = self._of(device)
        if waiting:
            devices.remember(session, device, waiting)

    def versions(self, device: Device, item_id: int) -> Mapping[str, Fetch]:
        """Return the versions of an item that a device fetched or made, by ETag, among the notes."""
        return {etag: fetch for (one, etag), fetch in self._of(device).items() if one == item_id}

    def flush(self, wait: float = _LONGEST_WAIT) -> None:
        """Write all notes; what cannot be written is logged and dropped, since the next fetch repeats it.

        ``wait``: at most so many seconds for another thread that writes, as what is written twice counts twice.
        """
        if self._flushing.acquire(timeout=wait):
            try:
                self._flush()
            finally:
                self._flushing.release()

    def _flush(self) -> None:
        with self._lock:
            found = list(self._waiting)
        for device in found:
            before = self._of(device)
            try:
                if before:
                    self._write(device)
            except Exception as error:
                _logger.warning("What %r fetched is not remembered: %s", device.login, error)
            self._settle(device, before)

    def _of(self, device: Device) -> Versions:
        with self._lock:
            return dict(self._waiting.get(device, {}))

    def _settle(self, device: Device, written: Versions) -> None:
        """Remove the written notes, but not what the device fetched meanwhile."""
        with self._lock:
            waiting = self._waiting.get(device, {})
            for key, fetch in written.items():
                now = waiting.get(key)
                if now == fetch:
                    del waiting[key]
                elif now is not None and now.number == fetch.number:
                    waiting[key] = Fetch(now.number, now.times - fetch.times)
            if not waiting:
                self._waiting.pop(device, None)
