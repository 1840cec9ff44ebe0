"""The suite may be pointed at a real SQL Server; what cannot hold there says so, and is skipped there only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_MARKED = "tests/rules/test_safety.py::test_rule_28_a_bad_record_is_served_minimally_and_stops_no_other"
_NOWHERE = "mssql+pyodbc://u:p@127.0.0.1:1/none?driver=none"


def _run(*options: str, url: str = "") -> str:
    """Run a marked test; return what pytest says."""
    left_out = ("PYTEST_", "FLOWFACT_", "COV_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *options, _MARKED],
        cwd=ROOT,
        env={**environment, **({"FLOWFACT_TEST_URL": url} if url else {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return done.stdout + done.stderr


def test_what_cannot_hold_on_sql_server_is_skipped_there_with_its_reason() -> None:
    assert "on SQL Server: a datetime begins in 1753" in _run(url=_NOWHERE)


def test_it_is_skipped_nowhere_else() -> None:
    assert "1 passed" in _run()
