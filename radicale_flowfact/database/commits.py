"""Tells for next to nothing whether anything at all was committed to a database, where that can be asked.

Only SQLite can: ``PRAGMA data_version`` of a connection that is kept open. On a server the look itself is the way.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path

from sqlalchemy import Engine

Mark = tuple[int, int, int]


class Commits:
    """Watches one database; thread-safe."""

    def __init__(self, engine: Engine) -> None:
        file = engine.url.database if engine.dialect.name == "sqlite" else None
        self._file = Path(file) if file and file != ":memory:" else None
        self._lock = threading.Lock()
        self._open: tuple[tuple[int, int], sqlite3.Connection] | None = None

    def mark(self) -> Mark | None:
        """Return what stays the same as long as nothing was committed, by whomever; None if that cannot be told."""
        if self._file is None:
            return None
        with self._lock, contextlib.suppress(OSError, sqlite3.Error):
            status = self._file.stat()
            which = (status.st_dev, status.st_ino)  # a file put in its place is another database
            if self._open is None or self._open[0] != which:
                self.close()
                self._open = (which, sqlite3.connect(self._file, check_same_thread=False, timeout=0))
            ((version,),) = self._open[1].execute("PRAGMA data_version")
            return *which, version
        return None

    def close(self) -> None:
        """Let go of the file."""
        if self._open is not None:
            self._open[1].close()
            self._open = None
