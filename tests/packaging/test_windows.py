"""The Windows script, the service's description and the guides speak of the same files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WINDOWS = ROOT / "packaging" / "windows"
SCRIPT = (WINDOWS / "install.ps1").read_text(encoding="utf-8")


def test_the_service_runs_what_the_script_installs() -> None:
    description = (WINDOWS / "radicale-flowfact.xml").read_text(encoding="utf-8")
    used = {path.lower() for path in re.findall(r"%BASE%\\([\w.\\-]+)", description)}
    assert used == {r"venv\scripts\python.exe", r"config\radicale.ini", "logs"}
    made = {path.lower() for path in re.findall(r'Join-Path \$To "([^"]+)"', SCRIPT)}
    assert {r"venv\scripts\python.exe", "config", "logs"} <= made


def test_nothing_that_an_admin_filled_in_is_written_over() -> None:
    for line in re.findall(r"^ *(?:Copy-Item|Invoke-Checked \$python .*\"init\").*$", SCRIPT, re.MULTILINE):
        before = SCRIPT[: SCRIPT.index(line)].rstrip().splitlines()[-1]
        assert re.search(r"if \(.*-not \(Test-Path", before), line


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_guide_names_the_script_and_its_parameters(language: str) -> None:
    guide = (ROOT / "docs" / language / "install-windows.md").read_text(encoding="utf-8")
    (arguments,) = re.findall(r"packaging\\windows\\install\.ps1(.*)", guide)
    parameters = set(re.findall(r"\[string\] \$(\w+)", SCRIPT))
    assert set(re.findall(r" -(\w+)", arguments)) <= parameters


def test_the_script_is_ascii_as_old_powershells_read_it() -> None:
    assert SCRIPT.isascii()
