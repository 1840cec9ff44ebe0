"""Prints the results of a run, and writes them into docs/performance.md between its marks."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill

from rich.console import Console
from rich.table import Table as View

from bench import plot, targets
from bench.office_results import OfficeResults
from bench.peers import RADICALE, XANDIKOS
from bench.results import Results, Timing
from bench.rows import ROWS

WIDTH = 118  # of a line of docs/performance.md

_SERVERS = ("ours", RADICALE, XANDIKOS)
_DASH = "–"
_QUIET = 0.7  # load average above which other programs disturb


def show(results: Results, console: Console) -> None:
    """Print all tables."""
    header, *lines = timing_lines(results)
    view = View(*header, title=_title(results))
    for line in lines:
        view.add_row(*line)
    view.columns[0].no_wrap = True
    wide = console if console.is_terminal else Console(file=console.file, width=200)
    wide.print(view)
    for header, *lines in filter(None, (poll_lines(results), memory_lines(results))):
        view = View(*header)
        for line in lines:
            view.add_row(*line)
        console.print(view)
    if float(results.machine.get("load before", 0)) > _QUIET:
        console.print(f"Other programs ran: load {results.machine['load before']} before. Do not rely on the figures.")
    for items in targets.SIZES:
        factor = targets.speed(results, items)
        if factor is not None:
            console.print(f"Best peer's figures at {items:,} items are scaled by {factor:.2f} (Xandikos' GET).")


def _title(results: Results) -> str:
    borrowed = f"; peers as measured {results.borrowed}" if results.borrowed else ""
    return f"median (95th percentile) in ms; ours on {results.database}{borrowed}"


def timing_lines(results: Results) -> list[list[str]]:
    """Return the table of the rows: a header, then a line for each row and size."""
    head = ["request", "items", *_SERVERS, "ours/Radicale", "ours/Xandikos", "best peer, scaled", "growth", "SQL"]
    found = [head]
    by_key = {(one.row, one.items, one.server): one for one in results.timings}
    counts = {(one.row, one.items): str(one.count) for one in results.statements}
    sizes = sorted({one.items for one in results.timings})
    for row in ROWS:
        for items in sizes:
            cells = [by_key.get((row.name, items, server)) for server in _SERVERS]
            if not any(cells) or (results.borrowed and cells[0] is None):
                continue
            ratios = [_ratio(targets.ratio(results, row.name, items, peer)) for peer in (RADICALE, XANDIKOS)]
            grown = targets.growth(results, row.name) if items == targets.SIZES[-1] else None
            line = [row.name, f"{items:,}", *map(_cell, cells), *ratios, _best(results, row.name, items)]
            found.append([*line, _bar(grown, row.growth), counts.get((row.name, items), _DASH)])
    return found


def _cell(timing: Timing | None) -> str:
    return _DASH if timing is None else f"{_ms(timing.median_ms)} ({_ms(timing.p95_ms)})"


def _ms(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _ratio(value: float | None) -> str:
    return _DASH if value is None else f"{value:.2g}{'' if value < 1 else ' ✗'}"


def _bar(value: float | None, bar: float) -> str:
    return _DASH if value is None else f"{value:.2g}{'' if value <= bar else ' ✗'}"


def _best(results: Results, row: str, items: int) -> str:
    """Return the best peer's scaled figure and whether ours is below it."""
    scaled, mine = targets.scaled(results, row, items), results.median(row, items, "ours")
    if scaled is None or mine is None:
        return _DASH
    return f"{_ms(scaled)} {targets.BEST[row].name}{'' if mine <= scaled else ' ✗'}"


def poll_lines(results: Results) -> list[list[str]]:
    """Return the table of the idle polls."""
    if not results.polls:
        return []
    found = [["idle polls a second", "items", *_SERVERS, "best peer, scaled"]]
    values = {(one.items, one.clients, one.server): one.per_second for one in results.polls}
    for items, clients in sorted({key[:2] for key in values}):
        cells = [values.get((items, clients, server)) for server in _SERVERS]
        factor, best = targets.speed(results, items), targets.BEST_POLLS.get(clients)
        scaled = None if factor is None or best is None else best / factor
        mark = " ✗" if scaled is not None and (cells[0] or 0) < scaled else ""
        told = _DASH if scaled is None else f"{scaled:.0f}{mark}"
        shown = [_DASH if cell is None else f"{cell:.1f}" for cell in cells]
        found.append([f"{clients} clients", f"{items:,}", *shown, told])
    return found


def memory_lines(results: Results) -> list[list[str]]:
    """Return the table of the memory."""
    if not results.memory:
        return []
    found = [["resident memory, MB", "items", "when started", "after all requests"]]
    return found + [
        [one.server, f"{one.items:,}", f"{one.started_mb:.0f}", f"{one.after_mb:.0f}"] for one in results.memory
    ]


def write_docs(results: Results, folder: Path) -> None:
    """Put tables and plot into docs/performance.md and docs/performance.svg."""
    (folder / "performance.svg").write_text(plot.draw(results), encoding="utf-8")
    found = (timing_lines(results), poll_lines(results), memory_lines(results))
    tables = "\n".join(_markdown(lines) for lines in found)
    head = f"Measured {results.when[:10]}, ours on {results.database}; {_told(results.machine)}."
    replace_section(
        folder / "performance.md", "bench", f"{fill(head, WIDTH)}\n\n![medians](performance.svg)\n\n{tables}"
    )


def write_office_docs(results: OfficeResults, folder: Path) -> None:
    """Put what the office needs into docs/performance.md."""
    lines = "".join(fill(line, WIDTH, initial_indent="* ", subsequent_indent="  ") + "\n" for line in results.lines())
    head = f"Measured {results.when[:10]}; {_told(results.machine)}."
    replace_section(folder / "performance.md", "office", f"{fill(head, WIDTH)}\n\n{lines}")


def replace_section(file: Path, name: str, content: str) -> None:
    """Replace what stands between a section's marks; the text around them stays. Raises ValueError without them."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    text = file.read_text(encoding="utf-8")
    if begin not in text or end not in text:
        raise ValueError(f"{file} lacks {begin} … {end}")
    before, _, rest = text.partition(begin)
    file.write_text(f"{before}{begin}\n{content}\n{end}{rest.partition(end)[2]}", encoding="utf-8")


def _told(machine: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in machine.items())


def _markdown(lines: list[list[str]]) -> str:
    if not lines:
        return ""
    head, *rest = lines
    marks = ["---", *("---:" for _ in head[1:])]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, marks, *rest))
