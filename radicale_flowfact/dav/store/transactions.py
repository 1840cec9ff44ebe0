"""Opens transactions: short ones for reading, and one that a thread holds from a write's lock to its answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine

from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.database.engines import WRITES, snapshot_options
from radicale_flowfact.dav.store.session import Session, Stats
from radicale_flowfact.settings import Settings


class Transactions:
    """Opens sessions on one database; thread-safe. ``clock`` returns the present moment, with zone."""

    def __init__(
        self, engine: Engine, tables: Tables, settings: Settings, stats: Stats, clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._tables = tables
        self._settings = settings
        self._stats = stats
        self._clock = clock
        self._open = threading.local()

    def use(self, tables: Tables) -> None:
        """Give FlowFact's tables to all sessions that are opened from now on."""
        self._tables = tables

    @property
    def held(self) -> Session | None:
        """The session of the write that this thread holds, or None."""
        held: Session | None = getattr(self._open, "session", None)
        return held

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a short transaction for reading, or join the thread's held write."""
        if (held := self.held) is not None:
            yield held
            return
        with self._engine.connect() as connection, connection.begin():
            yield self._session(connection)

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Open a transaction that sees one state of the database; SQL Server sees each statement's own state."""
        options = snapshot_options(self._engine)
        with self._engine.connect().execution_options(**options) as connection, connection.begin():
            yield self._session(connection)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open a transaction for writing; within the thread's held write, a savepoint of it.

        Committed when the context ends, rolled back if that raises.
        """
        if (held := self.held) is not None:
            with held.connection.begin_nested():
                yield held
            return
        with self._engine.connect().execution_options(**WRITES) as connection, connection.begin():
            yield self._session(connection)

    @contextmanager
    def holding(self) -> Iterator[Session]:
        """Open a transaction for writing, which the thread's other calls join until it ends."""
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
