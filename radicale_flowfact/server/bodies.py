"""Holds bodies of requests until they are complete: small ones in memory, large ones in temporary files."""

from __future__ import annotations

import io
import tempfile
import threading
from collections import Counter
from typing import IO

from radicale_flowfact.server.limits import Limits

_SHARE = 4  # one address may hold this part of all bodies


class TooMuchError(Exception):
    """A body has no room among the bytes that all bodies, or those of one address, may have."""


class Bodies:
    """Counts the bytes of all bodies of one worker, and those of each address. Thread-safe."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.in_memory = 0
        self.held: Counter[str] = Counter()
        self.total = 0
        self._lock = threading.Lock()

    def take(self, address: str, size: int) -> None:
        """Count bytes that arrived. Raises TooMuchError; ``address`` is empty behind a trusted proxy."""
        with self._lock:
            if self.total + size > self.limits.bodies:
                raise TooMuchError
            if address and self.held[address] + size > self.limits.bodies // _SHARE:
                raise TooMuchError
            self.total += size
            self.held[address] += size

    def keep_in_memory(self, size: int) -> bool:
        """Count bytes that are held in memory, fewer if negative; return whether there is room for them."""
        with self._lock:
            self.in_memory += size
            return self.in_memory <= self.limits.bodies_in_memory

    def give_back(self, address: str, size: int) -> None:
        """Count bytes of a body that is no longer held."""
        with self._lock:
            self.total -= size
            self.held[address] -= size
            if not self.held[address]:
                del self.held[address]


class Body:
    """Holds one body while it arrives. ``close`` must be called in the end."""

    __slots__ = ("_address", "_all", "_file", "_in_memory", "size")

    def __init__(self, bodies: Bodies, address: str) -> None:
        self._all = bodies
        self._address = address
        self._file: IO[bytes] | None = None
        self._in_memory = 0
        self.size = 0

    def write(self, chunk: bytes) -> None:
        """Append bytes. Raises TooMuchError, and OSError where the disk is full."""
        self._all.take(self._address, len(chunk))
        self.size += len(chunk)
        if self._file is None:
            self._file = io.BytesIO()
        if isinstance(self._file, io.BytesIO):
            self._in_memory += len(chunk)
            has_room = self._all.keep_in_memory(len(chunk))
            if not has_room or self.size > self._all.limits.body_in_memory:
                self._move_to_disk(self._file)
        self._file.write(chunk)

    def _move_to_disk(self, memory: io.BytesIO) -> None:
        file = _temporary_file()
        file.write(memory.getbuffer())
        self._file = file
        self._all.keep_in_memory(-self._in_memory)
        self._in_memory = 0

    def reader(self) -> IO[bytes]:
        """Return the whole body, to be read from its beginning."""
        if self._file is None:
            return io.BytesIO()
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        """Release the bytes and the file."""
        if self.size:
            self._all.give_back(self._address, self.size)
            self._all.keep_in_memory(-self._in_memory)
        self.size = self._in_memory = 0
        if self._file is not None:
            self._file.close()
            self._file = None


def _temporary_file() -> IO[bytes]:
    return tempfile.TemporaryFile(prefix="radicale-flowfact-")
