"""What ``run.py`` makes of its arguments, and which tests ``--quick`` runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import run

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ([], ["-q", "-n", "auto"]),
        (["--quick"], ["-q", "-n", "auto", "--quick"]),
        (["tests/dav", "tests/test_house.py"], ["-q", "-n", "auto", "tests/dav", "tests/test_house.py"]),
        (["-x", "-k", "rule_05"], ["-q", "-n", "auto", "-x", "-k", "rule_05"]),
        (["tests/dav", "-n", "0"], ["-q", "tests/dav", "-n", "0"]),
        (["-n3"], ["-q", "-n3"]),
        (["--numprocesses=3"], ["-q", "--numprocesses=3"]),
        (["-p", "no:xdist"], ["-q", "-p", "no:xdist"]),
        (["-q"], ["-n", "auto", "-q"]),
        (["-vv", "--quick"], ["-n", "auto", "-vv", "--quick"]),
        (["--verbosity=2"], ["-n", "auto", "--verbosity=2"]),
        (["-q", "-n", "3"], ["-q", "-n", "3"]),
    ],
)
def test_pytest_gets_the_usual_options_unless_told_otherwise(arguments: list[str], given: list[str]) -> None:
    assert run.command_for("test", arguments) == ["-m", "pytest", *given]


def test_arguments_go_to_demo_and_bench() -> None:
    assert run.command_for("demo", ["--host", "::"]) == ["-m", "radicale_flowfact", "demo", "--host", "::"]
    assert run.command_for("bench", ["--help"]) == ["-m", "bench", "--help"]
    assert run.command_for("clients", ["--times", "2"]) == ["-m", "tests.clients", "--times", "2"]
    assert run.command_for("soak", ["--minutes", "1"]) == ["-m", "bench.soak", "--minutes", "1"]
    assert run.command_for("setup", []) == []


@pytest.mark.parametrize(("arguments", "status"), [([], 2), (["tset"], 2), (["--help"], 0), (["-h"], 0)])
def test_what_is_no_command_sets_nothing_up(
    arguments: list[str], status: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "VENV", Path("/nowhere"))
    assert run.main(arguments) == status
    told = capsys.readouterr()
    assert "test --quick" in (told.err if status else told.out)


def pytest_says(*arguments: str) -> tuple[int, str]:
    """Run pytest in a process of its own; return its exit status and what it printed."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
    return done.returncode, done.stdout


def test_a_quick_run_has_no_test_with_database_fuzz_or_processes() -> None:
    chosen = ["tests/test_vcard_map.py", "tests/rules/test_scope.py", "tests/fuzz", "tests/test_run.py"]
    chosen += ["tests/commands/test_init.py", "tests/server/test_slow_clients.py"]  # through a function of another file
    status, told = pytest_says("--quick", "--collect-only", "-q", *chosen)
    assert status == 0
    files = {line.partition("::")[0] for line in told.splitlines() if "::" in line}
    assert files == {"tests/test_vcard_map.py"}
    assert "deselected" in told


_SLIPPED_THROUGH = """\
import socket
from os import system

def test_listens():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))

def test_starts_a_process():
    try:
        system("true")
    except Exception:
        pass

def test_reads_a_file():
    with open(__file__) as file:
        assert file.readline()
"""


def test_what_slips_through_a_quick_run_fails(tmp_path: Path) -> None:
    (tmp_path / "test_slipped.py").write_text(_SLIPPED_THROUGH, encoding="utf-8")
    arguments = ["-p", "tests.conftest", "-c", "pyproject.toml", "-q", str(tmp_path / "test_slipped.py")]
    assert pytest_says(*arguments)[1].rstrip().splitlines()[-1].startswith("3 passed")
    status, told = pytest_says("--quick", *arguments)
    assert status == 1
    assert told.rstrip().splitlines()[-1].startswith("2 failed, 1 passed")
    assert "socket.bind in a quick run" in told
    assert "os.system in a quick run" in told
