"""caldav-server-tester: what it finds is what ``server_tester_expected.json`` says and docs/compatibility.md explains.

A feature counts as below "full" if the tester lists it as deviating from the standard, as in its text report.
"Unknown" is what the tester could not look at.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients import tools
from tests.conftest import Agency, Server

_HERE = Path(__file__).parent
_EXPECTED = _HERE / "server_tester_expected.json"
_DOCUMENT = _HERE.parents[1] / "docs" / "compatibility.md"
MOST_BELOW_FULL = 3


@pytest.fixture
def report(agency: Agency, server: Server) -> dict[str, dict[str, str]]:
    """Run the tester; return the levels that are not full: those that count, and the others."""
    tools.require_package("caldav_server_tester")
    server.start()
    command = [sys.executable, "-m", "tests.clients.server_tester", server.base]
    done = subprocess.run(  # noqa: S603
        command, cwd=_HERE.parents[1], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    levels = {name: one["support"] for name, one in found["features"].items() if "support" in one}
    below = {name: level for name, level in levels.items() if level not in ("full", "unknown")}
    return {
        "below full": {name: level for name, level in below.items() if name in found["deviating"]},
        "below full, as the standard has it": {
            name: level for name, level in below.items() if name not in found["deviating"]
        },
        "unknown": {name: level for name, level in levels.items() if level == "unknown"},
    }


def test_report_is_as_expected_and_explained(report: dict[str, dict[str, str]]) -> None:
    assert report == json.loads(_EXPECTED.read_text(encoding="utf-8"))
    assert len(report["below full"]) <= MOST_BELOW_FULL
    assert "broken" not in {level for part in report.values() for level in part.values()}
    document = _DOCUMENT.read_text(encoding="utf-8")
    assert [name for part in report.values() for name in part if f"`{name}`" not in document] == []
