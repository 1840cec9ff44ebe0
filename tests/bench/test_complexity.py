"""Twice the input, twice the operations, for each reader and writer and each of the worst inputs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def table(*arguments: str) -> tuple[int, list[tuple[str, str, int, int, bool]]]:
    """Return the exit code and the rows of a table, counted in a process of its own."""
    command = [sys.executable, "-m", "bench.complexity", "--json", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=500)  # noqa: S603
    assert done.stdout, done.stderr
    return done.returncode, [(row[0], row[1], row[2], row[3], row[4]) for row in json.loads(done.stdout)]


@pytest.mark.parametrize("kind", ["cards", "events"])
def test_twice_the_input_takes_twice_the_operations(kind: str) -> None:
    code, rows = table("--only", kind)
    assert len(rows) > 300
    assert [row for row in rows if row[4]] == []
    assert code == 0


def test_a_reader_that_looks_at_all_for_each_is_found(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "def compared(lines):\n    return [line for line in lines if line in [*lines]]\n\n"
        "def added(lines):\n    text = ''\n    for line in lines:\n        text += line\n    return text\n\n"
        "def popped(lines):\n    lines = list(lines)\n    while lines:\n        lines.pop(0)\n"
    )
    code = (
        "import sys\nfrom bench.complexity import counting\ncounting.count_in(['slow'])\nimport slow\n"
        "for run in (slow.compared, slow.added, slow.popped):\n"
        "    counts = []\n"
        "    for size in (200, 400):\n        counting.reset()\n        run(['a'] * size)\n"
        "        counts.append(counting.total())\n"
        "    print(counts[1] / counts[0] > 3)\n"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{ROOT}:{tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["True"] * 3, done.stderr
