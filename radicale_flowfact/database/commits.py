"""Returns a mark that changes with each commit to a database, where it can be read at next to no cost.

Only SQLite has one: ``PRAGMA data_version`` of a connection that stays open. A server must be asked for the data.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path

from sqlalchemy import Engine

Mark = tuple[int, int, int]


class Commits:
    """Watches one database for commits; thread-safe."""

    def __init__(self, engine: Engine) -> None:
        file = engine.url.database if engine.dialect.name == "sqlite" else None
        self._file = Path(file) if file and file != ":memory:" else None
        self._lock = threading.Lock()
        self._open: tuple[tuple[int, int], sqlite3.Connection] | None = None

    def mark(self) -> Mark | None:
        """Return a value that stays the same while nobody commits; None if the database has no such value."""
        if self._file is None:
            return None
        with self._lock, contextlib.suppress(OSError, sqlite3.Error):
            status = self._file.stat()
            which = (status.st_dev, status.st_ino)  # a file that replaced it is another database
            if self._open is None or self._open[0] != which:
                self.close()
                self._open = (which, sqlite3.connect(self._file, check_same_thread=False, timeout=0))
            ((version,),) = self._open[1].execute("PRAGMA data_version")
            return *which, version
        return None

    def close(self) -> None:
        """Close the connection."""
        if self._open is not None:
            self._open[1].close()
            self._open = None
