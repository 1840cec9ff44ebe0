"""One database transaction of the gateway, with everything that the functions of this room need in it."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass
class Stats:
    """What a process did since it started; the tests count with it."""

    rendered: int = 0
    refreshed: int = 0
    hot: int = 0
    """Requests answered from the tables alone."""


@dataclass(frozen=True, slots=True)
class Session:
    """A transaction. ``now`` is the office's wall-clock time, ``utc`` the same moment in UTC, both without zone."""

    connection: Connection
    tables: Tables
    settings: Settings
    stats: Stats
    now: datetime
    utc: datetime
