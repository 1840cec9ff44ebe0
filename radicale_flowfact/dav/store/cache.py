"""Holds the most recently used of computed values, bounded in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

_LARGEST_SHARE = 64  # an entry larger than this part of the whole would push out too many others


class BoundedCache:
    """Values by key; the least recently used is dropped first. Thread-safe.

    ``max_bytes`` bounds the sum of the sizes given to ``keep``; a value above a 64th of it is not kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[Hashable, tuple[int, object]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> object:
        """Return the value of a key, or None."""
        with self._lock:
            found = self._entries.get(key)
            if found is None:
                return None
            self._entries.move_to_end(key)
            return found[1]

    def keep(self, key: Hashable, value: object, size: int) -> None:
        """Keep a value; ``size``: bytes of value and key."""
        if size * _LARGEST_SHARE > self._max_bytes:
            return
        with self._lock:
            self._bytes += size - self._entries.pop(key, (0, None))[0]
            self._entries[key] = (size, value)
            while self._bytes > self._max_bytes:
                _, (dropped, _) = self._entries.popitem(last=False)
                self._bytes -= dropped

    @property
    def size(self) -> int:
        """How many bytes are held."""
        return self._bytes
