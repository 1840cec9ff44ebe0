"""One run: seed, start all, measure row by row, stop; within the minutes that are given."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench import measure, ours, polls, statements, stores
from bench.client import AnswerError
from bench.peers import RADICALE
from bench.results import Memory, Polls, Results
from bench.rows import Row
from bench.servers import Server
from bench.visit import Visit

_CLIENTS = (1, 8, 32)
_POLL_SECONDS = 4.0
_REFRESHES = 2  # a second; drawing must not disturb what is timed


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does. ``url`` is empty for SQLite; ``most`` is the most repetitions of a row."""

    sizes: tuple[int, ...]
    servers: tuple[str, ...]
    rows: tuple[Row, ...]
    minutes: float
    url: str
    most: int
    polls: bool


def run(plan: Plan, folder: Path, console: Console, results: Results) -> None:
    """Carry out a plan, with the stores in a folder; stores that exist are used again."""
    end = time.monotonic() + plan.minutes * 60
    made = {size: stores.prepare(folder, size, plan.servers, plan.url, console) for size in plan.sizes}
    with ExitStack() as stack:
        running = {
            (name, size): stack.enter_context(_running(made[size], name))
            for size in plan.sizes
            for name in plan.servers
        }
        started = {key: server.megabytes() for key, server in running.items()}
        seconds = (end - time.monotonic()) * 0.8 - _polls_take(plan)  # the rest is for counting statements
        _time_rows(plan, running, max(seconds, 1), results, console)
        for (name, size), server in running.items():
            before, after = started[name, size], server.megabytes()
            if before is not None and after is not None:
                results.memory.append(Memory(size, name, before, after))
        if plan.polls:
            _poll({name: running[name, max(plan.sizes)] for name in plan.servers}, max(plan.sizes), results, console)
    if ours.NAME in plan.servers:
        for size in plan.sizes:
            with console.status(f"{size:,} items: counting SQL statements"):
                results.statements += statements.count(made[size].ours, plan.rows, size)


def _polls_take(plan: Plan) -> float:
    return _POLL_SECONDS * len(_CLIENTS) * len(plan.servers) if plan.polls else 0.0


@contextmanager
def _running(made: stores.Stores, name: str) -> Iterator[Server]:
    server = made.serve(name)
    try:
        yield server
    finally:
        server.stop()


def _time_rows(
    plan: Plan, running: Mapping[measure.Key, Server], seconds: float, results: Results, console: Console
) -> None:
    end = time.monotonic() + seconds
    visits = {key: Visit(server.connection(), server.place) for key, server in running.items()}
    with _progress(console) as progress:
        task = progress.add_task("", total=len(plan.rows))
        for (name, size), visit in visits.items():
            progress.update(task, description=f"{size:,} items: first listing of {name}")
            with _named(name):
                visit.arrive()
        for number, row in enumerate(plan.rows):
            progress.update(task, description=row.name, completed=number)
            weights = [1.0 if one.warm else 2.0 for one in plan.rows[number:]]
            share = measure.budget(end - time.monotonic(), weights)
            results.timings += measure.measure(row, visits, share, plan.most)


@contextmanager
def _named(server: str) -> Iterator[None]:
    """Add the server's name to an error."""
    try:
        yield
    except AnswerError as error:
        raise AnswerError(f"{server}: {error}") from error


def _poll(running: dict[str, Server], size: int, results: Results, console: Console) -> None:
    """Stock Radicale comes last: it goes on computing long after the clients have left."""
    for name in sorted(running, key=lambda name: name == RADICALE):
        for clients in _CLIENTS:
            told = f"{size:,} items: idle polls of {clients} clients at {name}"
            with console.status(told, refresh_per_second=_REFRESHES):
                rate = polls.polls_per_second(running[name], clients, _POLL_SECONDS)
            results.polls.append(Polls(size, name, clients, rate))
        running[name].stop()


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, refresh_per_second=_REFRESHES)
