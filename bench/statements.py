"""Counts the SQL statements that the gateway needs for each row, in this process and apart from the timed runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.engine import Engine

from bench import measure, ours, seed
from bench.results import Statements
from bench.rows import Row
from bench.servers import PASSWORD
from bench.visit import Visit
from bench.wsgi import WsgiClient
from radicale_flowfact.database.engines import dispose_engines
from radicale_flowfact.http.app import FlowfactApplication
from radicale_flowfact.server.configuration import load_configuration
from radicale_flowfact.storage import forget_gateways

_NOT_COUNTED = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA")


class _Counter:
    """How many statements that read or write rows were sent. Those of one executemany are one."""

    def __init__(self) -> None:
        self.sent = 0

    def __call__(self) -> float:
        return float(self.sent)

    def note(self, _connection: object, _cursor: object, statement: str, *_more: object) -> None:
        self.sent += not statement.lstrip().upper().startswith(_NOT_COUNTED)


@contextmanager
def _counting() -> Iterator[_Counter]:
    counter = _Counter()
    event.listen(Engine, "before_cursor_execute", counter.note)
    try:
        yield counter
    finally:
        event.remove(Engine, "before_cursor_execute", counter.note)


def count(folder: Path, rows: tuple[Row, ...], items: int) -> Iterator[Statements]:
    """Yield the number of statements of each row, at the office in a folder."""
    with _counting() as counter:
        application = FlowfactApplication(load_configuration(ours.config(folder, 1)))
        visit = Visit(WsgiClient(application, seed.LOGIN, PASSWORD), ours.place(seed.LOGIN), counter)
        visit.arrive()
        try:
            for row in rows:
                yield Statements(row.name, items, measure.count(row, visit))
        finally:
            forget_gateways()
            dispose_engines()
