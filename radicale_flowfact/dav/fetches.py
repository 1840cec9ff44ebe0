"""Which versions devices fetched, until it is written: a GET does not wait for a COMMIT.

They are written a second later. What a killed process had not written yet is lost; a PUT without If-Match in that
second is then compared with the newest version (rule 26).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from radicale_flowfact.dav import devices
from radicale_flowfact.dav.later import Later
from radicale_flowfact.dav.session import Session

_logger = logging.getLogger("radicale")
_MOST = 100_000  # so many versions are written at once, by the request that brought the last of them
Device = tuple[str, str]
"""Login and User-Agent."""


class Fetches:
    """What is still to be written; thread-safe. ``write`` opens a transaction and calls ``write_now`` in it."""

    def __init__(self, write: Callable[[Device], None]) -> None:
        self._write = write
        self._waiting: dict[Device, dict[int, str]] = {}
        self._lock = threading.Lock()
        self._later = Later(self.flush)

    def add(self, device: Device, versions: Mapping[int, str]) -> None:
        """Remember that a device has these versions now (item id to ETag)."""
        with self._lock:
            waiting = self._waiting.setdefault(device, {})
            waiting.update(versions)
            is_full = len(waiting) >= _MOST
        if is_full:
            self.flush()
        else:
            self._later.ask()

    def write_now(self, session: Session, device: Device) -> None:
        """Write what a device fetched, in the transaction of ``write``."""
        waiting = self._of(device)
        if waiting:
            devices.remember(session, *device, waiting)

    def forget(self, device: Device, item_id: int) -> None:
        """Drop what a device fetched of an item, since something newer of it is written."""
        with self._lock:
            self._waiting.get(device, {}).pop(item_id, None)

    def etag(self, device: Device, item_id: int) -> str | None:
        """Return what a device fetched last of an item, as far as that still waits."""
        return self._of(device).get(item_id)

    def flush(self) -> None:
        """Write everything; what cannot be written is logged and dropped, since the next fetch tells it anew."""
        with self._lock:
            found = list(self._waiting)
        for device in found:
            before = self._of(device)
            try:
                if before:
                    self._write(device)
            except Exception as error:
                _logger.warning("What %r fetched is not remembered: %s", device[0], error)
            self._settle(device, before)

    def _of(self, device: Device) -> dict[int, str]:
        with self._lock:
            return dict(self._waiting.get(device, {}))

    def _settle(self, device: Device, written: Mapping[int, str]) -> None:
        """Stop waiting for what is written, unless the device fetched something newer meanwhile."""
        with self._lock:
            waiting = self._waiting.get(device, {})
            for item_id, etag in written.items():
                if waiting.get(item_id) == etag:
                    del waiting[item_id]
            if not waiting:
                self._waiting.pop(device, None)
