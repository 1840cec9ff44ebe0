"""Holds one database transaction of the gateway, with everything that the functions of ``dav`` need in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.dav.store.cache import BoundedCache
from radicale_flowfact.settings import Settings

_RENDERINGS_BYTES = 12_000_000


class Name(StrEnum):
    """The three collections of each login."""

    ADDRESSES = "addresses"
    APPOINTMENTS = "appointments"
    TASKS = "tasks"


@dataclass
class Stats:
    """What a process did since its start, and what it remembers between transactions; tests read the counts."""

    rendered: int = 0
    refreshed: int = 0
    bases: dict[int, str] = field(default_factory=dict, repr=False)
    """What collections, by their ids, were seen to be made with, where it was these settings; see ``refresh``."""
    contested: set[int] = field(default_factory=set, repr=False)
    """The collections that another gateway makes with other settings."""
    hot: int = 0
    """Requests answered from the tables alone."""
    renderings: BoundedCache = field(default_factory=lambda: BoundedCache(_RENDERINGS_BYTES), repr=False)
    """The newest renderings: a record that many users have is rendered once."""


@dataclass(frozen=True, slots=True)
class Session:
    """One transaction. ``now``: the office's local time; ``utc``: the same moment in UTC; both without zone."""

    connection: Connection
    tables: Tables
    settings: Settings
    stats: Stats
    now: datetime
    utc: datetime
