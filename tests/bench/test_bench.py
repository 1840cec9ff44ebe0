"""The bench runs, verifies what the gateway answers, and writes what it found."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from defusedxml import ElementTree

from bench import plot, report, targets
from bench.results import Results, summary
from bench.rows import ROWS

ROOT = Path(__file__).parents[2]
_POLLS = {"PROPFIND 0 ctag + sync-token", "sync-collection, no change"}


def test_a_small_run_measures_and_counts_every_row(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    options = ["--n", "20", "--only", "ours", "--most", "1", "--minutes", "0.05", "--no-polls", "--keep", str(tmp_path)]
    command = [sys.executable, "-m", "bench", *options, "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(file.read_text(encoding="utf-8"))
    rows = [row.name for row in ROWS]
    assert [timing["row"] for timing in found["timings"]] == rows
    assert all(timing["median_ms"] > 0 and timing["repetitions"] == 1 for timing in found["timings"])
    assert [row["row"] for row in found["statements"]] == rows
    counts = {row["row"]: row["count"] for row in found["statements"]}
    # SQLite tells that nothing was committed, so a poll may need none; everything else asks for something.
    assert {row for row, count in counts.items() if not count} <= _POLLS
    assert "PROPFIND 1, all ETags" in done.stdout


def _made_up() -> Results:
    results = Results("sqlite")
    for row in ROWS:
        for items in targets.SIZES:
            for server, seconds in (("ours", 0.001), ("radicale", 0.1), ("xandikos", 0.01 * items / 1000)):
                results.timings.append(summary(row.name, items, server, [seconds, seconds, seconds * 2]))
    return results


def test_ratios_growth_and_the_scaled_best_peer() -> None:
    results = _made_up()
    assert targets.ratio(results, "GET one", 1000, "radicale") == 0.01
    assert targets.growth(results, "GET one") == 1
    speed = 10 / 0.57
    assert targets.scaled(results, "PROPFIND 1, all ETags", 1000) == 6.5 * speed
    assert targets.scaled(results, "PROPFIND 1, all ETags", 20) is None
    assert set(targets.BEST) == {row.name for row in ROWS}


def test_a_run_of_ours_alone_is_compared_with_the_peers_measured_before(tmp_path: Path) -> None:
    file = tmp_path / "peers.json"
    _made_up().write(file)
    results = Results("sqlite", timings=[summary("DELETE", 1000, "ours", [0.002])])
    results.borrow(file)
    assert targets.ratio(results, "DELETE", 1000, "radicale") == 0.02
    assert targets.scaled(results, "DELETE", 1000) == 2.4 * 10 / 0.57
    assert results.median("PUT new", 1000, "radicale") is None
    assert results.borrowed


def test_the_docs_get_tables_and_plot_between_the_marks(tmp_path: Path) -> None:
    file = tmp_path / "performance.md"
    file.write_text("before\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nafter\n", encoding="utf-8")
    results = _made_up()
    report.write_docs(results, tmp_path)
    report.write_docs(results, tmp_path)
    text = file.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert max(len(line) for line in text.splitlines() if not line.startswith("|")) < 120
    assert text.count("| GET one | 10,000 |") == 1
    assert ElementTree.fromstring((tmp_path / "performance.svg").read_text(encoding="utf-8")).tag.endswith("svg")
    assert plot.draw(results).count("<circle") == 3 + 3 * 2 * len(ROWS)
