"""The gateway's transactions: short ones that read, and one that a thread holds from a write's lock to its answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine

from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.database import WRITES, snapshot_options
from radicale_flowfact.dav.session import Session, Stats
from radicale_flowfact.settings import Settings


class Transactions:
    """Opens sessions on one database; thread-safe. ``clock`` gives the moment of each, with zone."""

    def __init__(
        self, engine: Engine, tables: Tables, settings: Settings, stats: Stats, clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._tables = tables
        self._settings = settings
        self._stats = stats
        self._clock = clock
        self._open = threading.local()

    @property
    def held(self) -> Session | None:
        """The write that this thread holds."""
        held: Session | None = getattr(self._open, "session", None)
        return held

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a short transaction that reads, or join the thread's held write."""
        if (held := self.held) is not None:
            yield held
            return
        with self._engine.connect() as connection, connection.begin():
            yield self._session(connection)

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Open a transaction that reads one state of the database from its begin to its end, where it can."""
        options = snapshot_options(self._engine)
        with self._engine.connect().execution_options(**options) as connection, connection.begin():
            yield self._session(connection)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open a transaction that writes, or a part of the thread's held write that can fail by itself."""
        if (held := self.held) is not None:
            with held.connection.begin_nested():
                yield held
            return
        with self._engine.connect().execution_options(**WRITES) as connection, connection.begin():
            yield self._session(connection)

    @contextmanager
    def holding(self) -> Iterator[Session]:
        """Open a transaction that writes, which the thread's other calls join until it ends."""
        with self.writing() as session:
            self._open.session = session
            try:
                yield session
            finally:
                self._open.session = None

    def _session(self, connection: Connection) -> Session:
        moment = self._clock()
        local, utc = moment.astimezone(self._settings.zone), moment.astimezone(UTC)
        return Session(
            connection,
            self._tables,
            self._settings,
            self._stats,
            now=local.replace(tzinfo=None),
            utc=utc.replace(tzinfo=None),
        )
