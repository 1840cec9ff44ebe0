"""One database transaction of the gateway, with everything that the functions of this room need in it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.settings import Settings


class Name(StrEnum):
    """The three collections of each login."""

    ADDRESSES = "addresses"
    APPOINTMENTS = "appointments"
    TASKS = "tasks"


class Memory:
    """What was computed of what, the newest of it; thread-safe."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[Hashable, object] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> object:
        """Return what was kept for a key, or None."""
        with self._lock:
            return self._known.get(key)

    def keep(self, key: Hashable, value: object) -> None:
        """Keep a value; the oldest goes when there are too many."""
        with self._lock:
            self._known[key] = value
            if len(self._known) > self._most:
                self._known.popitem(last=False)


@dataclass
class Stats:
    """What a process did since it started; the tests count with it."""

    rendered: int = 0
    refreshed: int = 0
    hot: int = 0
    """Requests answered from the tables alone."""
    renderings: Memory = field(default_factory=lambda: Memory(4096), repr=False)
    """The newest renderings: a record that many users have is rendered once."""


@dataclass(frozen=True, slots=True)
class Session:
    """A transaction. ``now`` is the office's wall-clock time, ``utc`` the same moment in UTC, both without zone."""

    connection: Connection
    tables: Tables
    settings: Settings
    stats: Stats
    now: datetime
    utc: datetime
