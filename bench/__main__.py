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

from bench import ours, peers, report
from bench import run as running
from bench.client import AnswerError
from bench.rows import ROWS

HERE = Path(__file__).resolve().parent
POSTGRESQL = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
console = Console(highlight=False)


@app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    n: Annotated[str, typer.Option(help="How many contacts and events, with commas between the sizes.")] = "1000,10000",
    only: Annotated[str, typer.Option(help="Servers, with commas: ours, radicale, xandikos.")] = "",
    rows: Annotated[str, typer.Option(help="Only requests whose name contains this.")] = "",
    minutes: Annotated[float, typer.Option(help="About how long the run may take.")] = 10.0,
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
    plan = running.Plan(sizes, _servers(only), chosen, minutes, address, most, polls and not rows)
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        results = running.run(plan, folder, console)
    file = json or HERE / "results" / f"{datetime.now():%Y-%m-%d-%H%M%S}.json"
    results.write(file)
    report.show(results, console)
    console.print(f"Results: {file}")
    if write_docs:
        report.write_docs(results, HERE.parent / "docs")


def _servers(only: str) -> tuple[str, ...]:
    """Return the servers to measure. Those that are not installed are left out unless they are named."""
    known = (ours.NAME, peers.RADICALE, peers.XANDIKOS)
    if only:
        chosen = tuple(only.split(","))
        if unknown := set(chosen) - set(known):
            raise typer.BadParameter(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
        return chosen
    if not peers.installed(peers.XANDIKOS):
        console.print("Xandikos is not installed and left out; python3 run.py bench installs it.")
        return known[:2]
    return known


def main() -> None:
    """Run the command line; a stop signal stops the servers too."""

    def stop(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        app()
    except KeyboardInterrupt:
        console.print("Stopped.")
        sys.exit(130)
    except AnswerError as error:
        console.print(str(error), style="red", markup=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
