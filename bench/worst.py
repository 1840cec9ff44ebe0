"""Sends the worst bodies over HTTP, and measures how long a server on this machine works on each and its memory.

``python -m bench.worst``. Each family of ``bench.complexity`` is sent as large as the limits let it be; what is stored
is then looked for by a query. Exit status 1 if an answer takes longer than two seconds or more than 200 MB.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from bench import bodies, machine, ours, seed
from bench.client import AnswerError, Connection
from bench.complexity.families import CARDS, EVENTS, Family
from bench.servers import Server
from radicale_flowfact.content.contentlines import MAX_LINES

SECONDS = 2.0
MEGABYTES = 200.0
_TRIED: Final = 1000
"""The size by which the length of a family's bodies is judged."""
_OTHER_LINES = 40
console = Console()
app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one request took: wall and processor seconds, and the megabytes by which the server grew meanwhile."""

    what: str
    family: str
    size: int
    status: int
    seconds: float
    cpu: float
    megabytes: float

    @property
    def is_bad(self) -> bool:
        """Return whether it was too much; processor time counts, since other programs share this machine."""
        return min(self.seconds, self.cpu) > SECONDS or self.megabytes > MEGABYTES


def body_of(family: Family, most: int) -> bytes:
    """Return the largest body of a family that is no longer than ``most`` bytes and has no more lines than allowed."""
    tried = family(_TRIED)
    size = most * _TRIED // len(tried.encode())
    lines = max(1, tried.count("\n") - tried.count("\n "))
    if lines > _TRIED // 2:  # the lines grow with it
        size = min(size, (MAX_LINES - _OTHER_LINES) * _TRIED // lines)
    while len(body := family(size).encode()) > most:
        size = size * 9 // 10
    return body


def measure(server: Server, most: int, only: str) -> Iterator[Cost]:
    """Send each family's body, then ask for what it left and for what is like it; yield what each cost."""
    week = bodies.week_query("20300101T000000Z", "20300108T000000Z")
    kinds = {
        "card": (CARDS, server.place.addresses, "text/vcard", bodies.name_query("nobody")),
        "event": (EVENTS, server.place.events, "text/calendar", week),
    }
    for kind, (families, folder, content_type, query) in kinds.items():
        for number, (name, family) in enumerate(families.items()):
            if only not in f"{kind}: {name}":
                continue
            body = body_of(family, most).replace(b"UID:u\r", b"UID:u-%d\r" % number)
            path = f"{folder}worst-{number}"
            with contextlib.closing(server.connection()) as connection:
                put = _cost(server, connection, f"{kind}: {name}", "PUT", path, body, {"Content-Type": content_type})
                yield put
                if put.status < 400:
                    yield _cost(server, connection, f"{kind}: {name}", "GET", path, b"", {})
                    yield _cost(server, connection, f"{kind}: {name}", "REPORT", folder, query, {"Depth": "1"})
                    connection.request("DELETE", path)


def _cost(
    server: Server,
    connection: Connection,
    name: str,
    method: str,
    path: str,
    body: bytes,
    headers: Mapping[str, str],
) -> Cost:
    cpu, started = machine.cpu_seconds(server.process.pid) or 0.0, time.monotonic()
    with machine.PeakMemory(server.process.pid) as memory:
        try:
            status = connection.request(method, path, body, headers).status
        except AnswerError:
            status = 599
    seconds = time.monotonic() - started
    used = (machine.cpu_seconds(server.process.pid) or 0.0) - cpu
    return Cost(method, name, len(body), status, seconds, used, memory.highest - memory.before)


def show(costs: list[Cost]) -> None:
    """Print what the requests cost, the slowest first."""
    table = Table("body", "request", "MB sent", "status", "s", "s of processor", "MB grown")
    for cost in sorted(costs, key=lambda cost: (cost.cpu, cost.seconds), reverse=True):
        numbers = [f"{cost.size / 1e6:.1f}", str(cost.status), f"{cost.seconds:.2f}", f"{cost.cpu:.2f}"]
        style = "red" if cost.is_bad else ""
        table.add_row(cost.family, cost.what, *numbers, f"{cost.megabytes:.0f}", style=style)
    console.print(table)


@app.command()
def command(
    megabytes: Annotated[float, typer.Option(help="How large the bodies are.")] = 9.9,
    only: Annotated[str, typer.Option(help="Only families whose name contains this.")] = "",
    database: Annotated[str, typer.Option(help="SQLAlchemy URL, to work in the schema flowfact_bench_worst.")] = "",
) -> None:
    """Send a server on this machine the worst bodies; exit status 1 if one costs too much."""
    costs: list[Cost] = []
    with tempfile.TemporaryDirectory(prefix="worst-") as made:
        folder = Path(made)
        ours.make_office(folder, ours.database(database, folder, "worst"), 100)
        server = ours.serve(folder)
        try:
            with contextlib.closing(server.connection()) as connection:  # what the first request costs is not meant
                connection.request("PUT", f"/{seed.LOGIN}/addresses/first.vcf", b"none", {})
            for cost in measure(server, int(megabytes * 1e6), only):
                costs.append(cost)
                console.print(f"{cost.family}  {cost.what} {cost.status}  {cost.cpu:.2f} s  {cost.megabytes:.0f} MB")
        finally:
            server.stop()
    show(costs)
    if any(cost.is_bad for cost in costs):
        console.print(f"Too much: over {SECONDS:.0f} s or {MEGABYTES:.0f} MB.", style="red")
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
