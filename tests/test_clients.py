"""The command that runs all tests with real clients says what passed, and what is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(folder: Path, body: str, *arguments: str) -> tuple[int, str]:
    """Run the command on a folder with one file of tests; return its status and what it prints."""
    (folder / "test_thunderclient.py").write_text(body, encoding="utf-8")
    given = [*arguments, "-p", "no:cacheprovider"]
    script = (
        f"import pathlib; from tests.clients.__main__ import main; exit(main({given}, pathlib.Path({str(folder)!r})))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    return done.returncode, done.stdout


def test_what_is_missing_is_said_and_fails_nothing(tmp_path: Path) -> None:
    body = "import pytest\n\ndef test_one():\n    pytest.skip('it is not installed: sudo apt install it')\n"
    status, told = run(tmp_path, body)
    assert status == 0
    assert "thunderclient: 1 missing; green in 0 of 1 runs" in told
    assert "missing: thunderclient: it is not installed: sudo apt install it" in told


def test_each_run_is_counted_and_a_failure_in_any_fails(tmp_path: Path) -> None:
    body = "from pathlib import Path\n\ndef test_one():\n    mark = Path(__file__).with_name('mark')\n"
    body += "    assert not mark.exists()\n    mark.touch()\n\ndef test_two():\n    pass\n"
    status, told = run(tmp_path, body, "--times", "2")
    assert status == 1
    assert "run 2 of 2: 1 failed, 1 passed" in told
    assert "thunderclient: 3 passed, 1 failed; green in 1 of 2 runs" in told


def test_no_test_at_all_fails(tmp_path: Path) -> None:
    assert run(tmp_path, "")[0] == 1
