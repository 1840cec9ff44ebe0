"""The office of the second scenario: who has which contacts and activities.

Every contact belongs to one user and every activity to two. A tenth of the contacts is the team's, which everybody
syncs, and the first user syncs all contacts there are. A third of the activities are tasks.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from sqlalchemy import Table as SqlTable

from bench import ours, seed
from bench.client import Connection
from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.database.engines import WRITES, engine_for

Act = Callable[[Connection], None]
_TEAM, _ALL = "team", "all"
_BATCH = 2000


@dataclass(frozen=True, slots=True)
class Size:
    """How big the office is."""

    contacts: int
    activities: int
    users: int


def logins(count: int) -> tuple[str, ...]:
    """Return the logins; the first has all contacts."""
    return (seed.LOGIN, *(f"user{number:02d}" for number in range(1, count)))


def address_dsn(number: int, count: int) -> str:
    """Return the DSN of some address: neighbouring numbers are far apart, and of different users."""
    return f"AD-{number * 7919 % count:06d}"


def activity_dsn(number: int, count: int) -> str:
    """Return the DSN of some activity."""
    return f"AKT-{number * 7919 % count:06d}"


def prepare(home: Path, where: ours.Database, size: Size, console: Console) -> bool:
    """Make the office unless it is there; return whether it was made."""
    mark = home / "complete"
    if mark.is_file() and mark.read_text(encoding="utf-8") == where.url:
        return False
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    engine = engine_for(where.url, where.schema)
    tables = seed.new_office(engine, where.schema)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("office: seeding", total=size.contacts + size.activities)
        with engine.connect().execution_options(**WRITES) as connection, connection.begin():
            seed.write(connection, _people(tables, size))
            for rows in _batches(tables, size):
                seed.write(connection, iter(rows))
                progress.advance(task, sum(1 for table, _ in rows if table in (tables.address, tables.activity)))
    engine.dispose()
    ours.configure(home, where, logins(size.users))
    mark.write_text(where.url, encoding="utf-8")
    return True


def _people(tables: Tables, size: Size) -> Iterator[tuple[SqlTable | None, seed.Row]]:
    yield from seed.kind_rows(tables)
    for name in (_TEAM, _ALL):
        row: seed.Row = {"DSN": seed.own(name), "NAME": name, "KUERZEL": name, "PFAD": name, "AKTIV": True}
        yield tables.merkmal, {**row, "BEN_DSN": None}
    for login in logins(size.users):
        yield from seed.user_rows(tables, login)
        for name in (_TEAM, _ALL) if login == seed.LOGIN else (_TEAM,):
            row = {"BEN_DSN": f"BEN-{login}", "MKM_DSN": seed.own(name), "BEREICH": "OUTLOOK"}
            yield tables.user_merkmal, row


def _batches(tables: Tables, size: Size) -> Iterator[list[tuple[SqlTable | None, seed.Row]]]:
    random_source, people = random.Random(2007), logins(size.users)  # noqa: S311 - no secret is made
    waiting: list[tuple[SqlTable | None, seed.Row]] = []
    for number in range(size.contacts):
        tags = (people[number % len(people)], _ALL, *((_TEAM,) if number % 10 == 0 else ()))
        waiting += seed.address_rows(tables, number, random_source, tags)
        if number % _BATCH == 0:
            yield waiting
            waiting = []
    for number in range(size.activities):
        here = tuple(dict.fromkeys(people[(number * step) % len(people)] for step in (1, 3)))
        for table, row in seed.event_rows(tables, number, size.activities, here):
            is_task = table is tables.activity and number % 3 == 0
            if table is not tables.activity_address or number < size.contacts:
                waiting.append((table, {**row, "ART_DSN": "ART-A"} if is_task else row))
        if number % _BATCH == 0:
            yield waiting
            waiting = []
    yield waiting
