"""Measures a whole office: all devices poll while records change, and a new device syncs for the first time.

Polls come every 15 minutes in real life. Here all users' first devices poll, then all second ones, and so on, each
pass so long after the one before that neither the gateway's last look at FlowFact (refresh_seconds) nor a checked
password is remembered any more: a poll costs what it costs in real life, only the waiting is cut short.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from sqlalchemy import update

from bench import bodies, machine, office_seed, ours, seed
from bench.client import Connection, basic
from bench.office_results import OfficeResults, Rise
from bench.rows import BUNCH
from bench.servers import PASSWORD, Server
from bench.visit import DEPTH_0, DEPTH_1
from radicale_flowfact.crm.names import NameMap
from radicale_flowfact.crm.tables import build_tables
from radicale_flowfact.database.engines import WRITES, engine_for

_COLLECTIONS = ("addresses", "appointments", "tasks")
_APART_SECONDS = 16.0  # Radicale remembers a checked password for 15
_QUERY_ALL = bodies.everything_query()


@dataclass(frozen=True, slots=True)
class OfficePlan:
    """How big the office is, how many of its records change within 15 minutes, how many rounds are measured."""

    size: office_seed.Size
    changes: int
    rounds: int
    url: str


@dataclass
class _Device:
    """A phone: it polls its collections and fetches what changed."""

    login: str
    connection: Connection
    tokens: dict[str, str] = field(default_factory=dict)
    fetched: int = 0

    def poll(self) -> None:
        for name in _COLLECTIONS:
            path = f"/{self.login}/{name}/"
            answer = self.connection.request("PROPFIND", path, bodies.POLL, DEPTH_0)
            bodies.check(answer, responses=1)
            token, known = bodies.token_of(answer), self.tokens.get(name)
            if known is not None and known != token:
                token = self._fetch(path, name, known)
            self.tokens[name] = token

    def _fetch(self, path: str, name: str, known: str) -> str:
        listing = self.connection.request("REPORT", path, bodies.sync_collection(known))
        bodies.check(listing)
        paths = [entry.path for entry in bodies.entries(listing)]
        kind, data = bodies.ADDRESSES if name == "addresses" else bodies.EVENTS
        for start in range(0, len(paths), BUNCH):
            bunch = paths[start : start + BUNCH]
            answer = self.connection.request("REPORT", path, bodies.multiget(kind, data, bunch), DEPTH_0)
            bodies.check(answer, responses=len(bunch), texts=len(bunch))
        self.fetched += len(paths)
        return bodies.token_of(listing)


def run(plan: OfficePlan, folder: Path, console: Console) -> OfficeResults:
    """Measure an office; its store in the folder is made or used again."""
    home = folder.resolve() / f"office-{plan.size.contacts}-{plan.size.activities}-{plan.size.users}"
    where = ours.database(plan.url, home, "office")
    results = OfficeResults(plan.url.partition(":")[0] or "sqlite", plan.size.contacts, plan.size.users * 2)
    made = office_seed.prepare(home, where, plan.size, console)
    if made:
        results.rises.append(_rise(home, "the very first look at all contacts", _first_look, console))
    for what, act in (
        ("first sync: sync-collection, then multigets", _first_sync),
        ("PROPFIND 1, all ETags", _list),
        ("one addressbook-query for everything", _everything),
    ):
        results.rises.append(_rise(home, what, act, console))
    _rounds(plan, home, where, results, console)
    return results


def _rounds(plan: OfficePlan, home: Path, where: ours.Database, results: OfficeResults, console: Console) -> None:
    """Let all devices poll: once for their first sync, then in measured rounds."""
    server = ours.serve(home)
    try:
        logins = office_seed.logins(plan.size.users)
        devices = [_Device(login, Connection(server.port, basic(login, PASSWORD))) for login in (*logins, *logins)]
        for number, device in enumerate(devices):
            with console.status(f"office: device {number + 1} of {len(devices)} arrives"):
                device.poll()
        results.idle_mb = server.megabytes()
        time.sleep(_APART_SECONDS)
        halves = (devices[: len(logins)], devices[len(logins) :])
        for number in range(plan.rounds * 2):
            with console.status(f"office: pass {number + 1} of {plan.rounds * 2}"):
                _change(plan, where, number)
                results.cpu_seconds.append(_pass(server, halves[number % 2]))
        results.fetched = sum(device.fetched for device in devices)
        results.after_mb = server.megabytes()
    finally:
        server.stop()


def _pass(server: Server, devices: Iterable[_Device]) -> float:
    """Let these devices poll one after the other, then wait; return the processor time of all of it."""
    start, used = time.monotonic(), machine.cpu_seconds(server.process.pid) or 0.0
    for device in devices:
        device.poll()
    time.sleep(max(0.0, start + _APART_SECONDS - time.monotonic()))
    return (machine.cpu_seconds(server.process.pid) or 0.0) - used


def _change(plan: OfficePlan, where: ours.Database, number: int) -> None:
    """Change half of what changes within 15 minutes, as FlowFact's desktop does: the Touch moves too."""
    tables = build_tables(NameMap.from_overrides(seed.names_in(where.schema)))
    engine = engine_for(where.url, where.schema)
    touch = seed.TOUCH + timedelta(seconds=int(time.time()) % 10**8)
    half = max(1, plan.changes // 4)
    with engine.connect().execution_options(**WRITES) as connection, connection.begin():
        for step in range(half):
            address = office_seed.address_dsn(number * half + step, plan.size.contacts)
            activity = office_seed.activity_dsn(number * half + step, plan.size.activities)
            for table, dsn, column in ((tables.address, address, "STRASSE"), (tables.activity, activity, "BETREFF")):
                changed = {table.c[column]: f"Neu {touch:%j%H%M%S} {step}", table.c.TOUCH: touch}
                connection.execute(update(table).where(table.c.DSN == dsn).values(changed))


def _rise(home: Path, what: str, act: office_seed.Act, console: Console) -> Rise:
    """Restart the gateway, poll once, run a large operation; return the memory before it and at most during it."""
    server = ours.serve(home)
    try:
        with console.status(f"office: {what}"):
            connection = server.connection()
            connection.request("PROPFIND", f"/{seed.LOGIN}/", bodies.POLL, DEPTH_0)
            with machine.PeakMemory(server.process.pid) as peak:
                start = time.perf_counter()
                act(connection)
                seconds = time.perf_counter() - start
        return Rise(what, peak.before, peak.highest, seconds)
    finally:
        server.stop()


def _first_look(connection: Connection) -> None:
    bodies.check(connection.request("PROPFIND", f"/{seed.LOGIN}/addresses/", bodies.POLL, DEPTH_0), responses=1)


def _first_sync(connection: Connection) -> None:
    path = f"/{seed.LOGIN}/addresses/"
    listing = connection.request("REPORT", path, bodies.sync_collection())
    bodies.check(listing, etags=1)
    paths = [entry.path for entry in bodies.entries(listing)]
    for start in range(0, len(paths), BUNCH):
        bunch = paths[start : start + BUNCH]
        answer = connection.request("REPORT", path, bodies.multiget(*bodies.ADDRESSES, bunch), DEPTH_0)
        bodies.check(answer, responses=len(bunch), texts=len(bunch))


def _list(connection: Connection) -> None:
    path = f"/{seed.LOGIN}/addresses/"
    bodies.check(connection.request("PROPFIND", path, bodies.ETAGS, DEPTH_1), etags=1)


def _everything(connection: Connection) -> None:
    path = f"/{seed.LOGIN}/addresses/"
    bodies.check(connection.request("REPORT", path, _QUERY_ALL, DEPTH_1), etags=1, texts=1)
