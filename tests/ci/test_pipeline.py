"""Steps run side by side, and what does not pass is told whole and fails."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / ".ci"))

import checks  # noqa: E402
import pipeline  # noqa: E402
from pipeline import Step  # noqa: E402


def python(script: str) -> list[str]:
    """Return the command that runs a script."""
    return [sys.executable, "-c", script]


def outcomes(steps: list[Step], folder: Path, side_by_side: int = 2) -> dict[str, str]:
    """Run steps in an empty folder; return how each ended."""
    return {one.name: one.outcome for one in pipeline.run(steps, folder, folder / "logs", side_by_side)}


def test_two_steps_run_at_the_same_time(tmp_path: Path) -> None:
    """Each waits for what the other writes, so one after the other they would never end."""
    wait = "import pathlib, time; pathlib.Path({0!r}).touch()\nwhile not pathlib.Path({1!r}).exists(): time.sleep(0.05)"
    steps = [
        Step("a", python(wait.format("a", "b")), most_seconds=60),
        Step("b", python(wait.format("b", "a")), most_seconds=60),
    ]
    assert outcomes(steps, tmp_path) == {"a": "passed", "b": "passed"}


def test_no_more_steps_run_than_there_are_processors(tmp_path: Path) -> None:
    alone = "import pathlib, time; p = pathlib.Path('x'); p.mkdir(); time.sleep(0.3); p.rmdir()"
    steps = [Step(name, python(alone)) for name in "abc"]
    assert set(outcomes(steps, tmp_path, 1).values()) == {"passed"}


def test_a_failed_step_is_told_whole_and_the_others_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps = [
        Step("bad", python("print(*range(50), sep='\\n'); raise SystemExit(3)")),
        Step("good", python("print(*range(100, 150), sep='\\n')")),
        Step("after bad", python(""), needs=("bad",)),
        Step("after that", python(""), needs=("after bad",)),
        Step("after good", python(""), needs=("good",)),
    ]
    assert outcomes(steps, tmp_path, 1) == {
        "bad": "FAILED", "good": "passed", "after bad": "LEFT OUT", "after that": "LEFT OUT", "after good": "passed",
    }  # fmt: skip
    told = capsys.readouterr().out.splitlines()
    assert {str(number) for number in range(50)} <= set(told)
    assert "149" in told
    assert "120" not in told
    assert (tmp_path / "logs" / "good.log").read_text(encoding="utf-8").count("\n") == 50


def test_a_step_that_never_ends_is_stopped_with_what_it_started(tmp_path: Path) -> None:
    child = "import pathlib, time; time.sleep(4); pathlib.Path('late').touch()"
    script = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}]).wait()"
    assert outcomes([Step("endless", python(script), most_seconds=1)], tmp_path) == {"endless": "STOPPED"}
    time.sleep(4)
    assert not (tmp_path / "late").exists()


def test_a_step_has_its_own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKEN_OUT", "x")
    script = "import os; raise SystemExit(os.environ.get('PUT_IN') != 'y' or 'TAKEN_OUT' in os.environ)"
    step = Step("own", python(script), environment={"PUT_IN": "y", "TAKEN_OUT": None})
    assert outcomes([step], tmp_path) == {"own": "passed"}


def test_the_table_tells_what_each_took_in_the_order_of_beginning() -> None:
    results = [
        pipeline.Result("short", "passed", 0.2, 1, "fine"),
        pipeline.Result("left", "LEFT OUT"),
        pipeline.Result("long", "FAILED", 0.1, 61.4, "1 failed, 2 passed in 60.00s"),
    ]
    assert pipeline.table(results).splitlines() == [
        "step   begun   took  outcome",
        "long      0 s   61 s  FAILED    1 failed, 2 passed in 60.00s",
        "short     0 s    1 s  passed    fine",
        "left                  LEFT OUT",
    ]


def test_the_halves_share_neither_coverage_nor_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWFACT_TEST_URL", "mssql+pyodbc://x")
    sqlite, server = checks.suites()
    assert sqlite.environment["FLOWFACT_TEST_URL"] is None
    assert server.environment["FLOWFACT_TEST_URL"] == "mssql+pyodbc://x"
    assert sqlite.environment["COVERAGE_FILE"] != server.environment["COVERAGE_FILE"]
    assert sqlite.command[:3] == server.command[:3] == ["python3", "run.py", "test"]


def test_the_order_of_steps_holds_nothing_up_forever() -> None:
    steps = checks.steps()
    names = [step.name for step in steps]
    assert len(set(names)) == len(names)
    assert {needed for step in steps for needed in step.needs} <= set(names)


def test_the_pipeline_needs_nothing_but_python() -> None:
    """It must say what failed even where setting up went wrong."""
    command = [sys.executable, "-I", "-S", "-c", "import sys; sys.path.append('.ci'); import pipeline, checks"]
    assert subprocess.run(command, cwd=ROOT, check=False, timeout=60).returncode == 0  # noqa: S603
