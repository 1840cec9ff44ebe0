"""The bench's command line: ``python -m bench --help``."""

from __future__ import annotations

import signal
import sys
import tempfile
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from bench import office as offices
from bench import ours, peers, report
from bench import run as running
from bench.client import AnswerError
from bench.office_seed import Size
from bench.results import Results
from bench.rows import ROWS

HERE = Path(__file__).resolve().parent
POSTGRESQL = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
KNOWN = (ours.NAME, peers.RADICALE, peers.XANDIKOS)
PEERS_FILE = "peers.json"
"""In the kept folder: the last run of all servers, to compare a later run of ours alone with."""
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
console = Console(highlight=False)


@app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    n: Annotated[str, typer.Option(help="How many contacts and events, with commas between the sizes.")] = "1000,10000",
    only: Annotated[str, typer.Option(help="Servers, with commas: ours, radicale, xandikos.")] = "",
    rows: Annotated[str, typer.Option(help="Only requests whose name contains this.")] = "",
    minutes: Annotated[float, typer.Option(help="About how long; 0: 10 minutes, 2 for a single server.")] = 0,
    most: Annotated[int, typer.Option(help="The most repetitions of a request.")] = 50,
    polls: Annotated[bool, typer.Option(help="Measure idle polls of many clients too.")] = True,
    url: Annotated[str, typer.Option(help="SQLAlchemy URL for ours, which works in schemas flowfact_bench_….")] = "",
    postgresql: Annotated[bool, typer.Option(help=f"Ours on {POSTGRESQL}.")] = False,
    keep: Annotated[Path | None, typer.Option(help="Folder for the stores, to be used again by later runs.")] = None,
    json: Annotated[Path | None, typer.Option(help="Where the results go; else into bench/results.")] = None,
    write_docs: Annotated[bool, typer.Option(help="Put the tables and the plot into docs/performance.md.")] = False,
) -> None:
    """Measure the gateway beside stock Radicale and Xandikos."""
    if context.invoked_subcommand:
        return
    chosen = tuple(row for row in ROWS if rows.lower() in row.name.lower())
    sizes = tuple(sorted(int(size) for size in n.split(",")))
    address = url or (POSTGRESQL if postgresql else "")
    servers = _servers(only)
    minutes = minutes or (2 if len(servers) == 1 else 10)
    plan = running.Plan(sizes, servers, chosen, minutes, address, most, polls and not rows)
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        results = Results(address.partition(":")[0] or "sqlite")
        try:
            running.run(plan, folder, console, results)
        except KeyboardInterrupt:
            console.print("Stopped; this is what was found so far.")
        peers_file = folder / PEERS_FILE
        if plan.servers == (ours.NAME,) and peers_file.is_file():
            results.borrow(peers_file)
        elif len(plan.servers) == len(KNOWN) and not rows and results.polls:
            results.write(peers_file)
    file = json or HERE / "results" / f"{datetime.now():%Y-%m-%d-%H%M%S}.json"
    results.write(file)
    report.show(results, console)
    console.print(f"Results: {file}")
    if write_docs:
        report.write_docs(results, HERE.parent / "docs")


@app.command()
def office(
    contacts: Annotated[int, typer.Option(help="How many contacts the office has; the first user syncs all.")] = 20000,
    activities: Annotated[int, typer.Option(help="How many appointments and tasks.")] = 20000,
    users: Annotated[int, typer.Option(help="How many users, with two devices each.")] = 50,
    changes: Annotated[int, typer.Option(help="How many records the office changes within 15 minutes.")] = 100,
    rounds: Annotated[int, typer.Option(help="How many polls of all devices are measured; each takes 32 s.")] = 2,
    url: Annotated[str, typer.Option(help="SQLAlchemy URL, to work in the schema flowfact_bench_office.")] = "",
    postgresql: Annotated[bool, typer.Option(help=f"On {POSTGRESQL}.")] = False,
    keep: Annotated[Path | None, typer.Option(help="Folder for the store, to be used again by later runs.")] = None,
    json: Annotated[Path | None, typer.Option(help="Where the results go; else into bench/results.")] = None,
    write_docs: Annotated[bool, typer.Option(help="Put what was found into docs/performance.md.")] = False,
) -> None:
    """Measure a whole office: what polling devices cost, and how memory rises when a device syncs first."""
    address = url or (POSTGRESQL if postgresql else "")
    plan = offices.OfficePlan(Size(contacts, activities, users), changes, rounds, address)
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        results = offices.run(plan, folder, console)
    file = json or HERE / "results" / f"{datetime.now():%Y-%m-%d-%H%M%S}-office.json"
    results.write(file)
    results.show(console)
    console.print(f"Results: {file}")
    if write_docs:
        report.write_office_docs(results, HERE.parent / "docs")


def _servers(only: str) -> tuple[str, ...]:
    """Return the servers to measure. Those that are not installed are left out unless they are named."""
    if only:
        chosen = tuple(only.split(","))
        if unknown := set(chosen) - set(KNOWN):
            raise typer.BadParameter(f"unknown: {', '.join(unknown)}; there are {', '.join(KNOWN)}")
        return chosen
    if not peers.installed(peers.XANDIKOS):
        console.print("Xandikos is not installed and left out; python3 run.py bench installs it.")
        return KNOWN[:2]
    return KNOWN


def main() -> None:
    """Run the command line; a stop signal stops the servers too."""

    def stop(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        app()
    except AnswerError as error:
        console.print(str(error), style="red", markup=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
