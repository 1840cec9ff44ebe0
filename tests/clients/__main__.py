"""Runs the tests with real clients: ``python3 run.py clients``, with ``--times 20`` twenty times in a row.

Says of each client how many of its tests passed in how many runs, and of one that is not installed, how to get it.
All else goes to pytest: ``-k thunderbird``, ``-x`` …
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

HERE = Path(__file__).parent


def main(arguments: list[str], folder: Path = HERE) -> int:
    """Run the tests in a folder, and return 1 if one failed in any run."""
    parser = argparse.ArgumentParser(prog="python3 run.py clients", description=__doc__)
    parser.add_argument("--times", type=int, default=1, help="runs in a row (default: %(default)s)")
    given, others = parser.parse_known_args(arguments)
    outcomes: Counter[tuple[str, str]] = Counter()
    green: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    for number in range(1, given.times + 1):
        found = list(_run(folder, others))
        for client, outcome, reason in found:
            outcomes[client, outcome] += 1
            if outcome == "missing":
                reasons[client] = reason
        green.update(_green(found))
        if given.times > 1:
            print(f"run {number} of {given.times}: {_summed(outcome for _, outcome, _ in found)}", flush=True)
    for client in sorted({client for client, _ in outcomes}):
        counts = {kind: outcomes[client, kind] for kind in ("passed", "failed", "missing")}
        said = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
        print(f"{client}: {said}; green in {green[client]} of {given.times} runs")
    for client, reason in sorted(reasons.items()):
        print(f"missing: {client}: {reason}")
    if not outcomes:
        print("no test ran", file=sys.stderr)
    return 1 if not outcomes or any(outcome == "failed" for _, outcome in outcomes) else 0


def _run(folder: Path, arguments: list[str]) -> Iterator[tuple[str, str, str]]:
    """Run pytest once; yield client, outcome and reason of each test."""
    with tempfile.TemporaryDirectory() as made:
        report = Path(made) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", str(folder), f"--junitxml={report}", *arguments]
        subprocess.run(command, check=False)  # noqa: S603 - our own interpreter and arguments
        yield from _cases(ET.parse(report).getroot()) if report.exists() else ()  # noqa: S314 - pytest wrote it


def _cases(root: ET.Element) -> Iterator[tuple[str, str, str]]:
    for case in root.iter("testcase"):
        name = case.get("classname") or case.get("name") or ""
        modules = [part for part in name.split(".") if part.startswith("test_")]  # a folder may be called so, too
        client = modules[-1].removeprefix("test_") if modules else name
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            yield client, "failed", ""
        elif skipped is not None:
            yield client, "missing", (skipped.get("message") or "").rpartition("Skipped: ")[2].rstrip("')")
        else:
            yield client, "passed", ""


def _green(found: Iterable[tuple[str, str, str]]) -> set[str]:
    """Return the clients that were there and none of whose tests failed."""
    outcomes: dict[str, set[str]] = {}
    for client, outcome, _ in found:
        outcomes.setdefault(client, set()).add(outcome)
    return {client for client, kinds in outcomes.items() if "passed" in kinds and "failed" not in kinds}


def _summed(outcomes: Iterable[str]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(Counter(outcomes).items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
