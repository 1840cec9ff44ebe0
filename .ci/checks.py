"""Checks what must hold before a change lands: the steps, what they need, and what is said at their end.

``.ci/run`` installs what they need and starts this; the steps run side by side (see pipeline.py). Logs and the data of
coverage are kept in ``build/ci``, for each step apart.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
import tomllib
from pathlib import Path

from pipeline import Result, Step, run, table

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "ci"
PROCESSORS = os.cpu_count() or 2
POSTGRESQL = "postgresql+psycopg://postgres@127.0.0.1:5432/test"


def main() -> int:
    """Run all steps; return 1 if one of them did not pass."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the steps are stopped, too
    shutil.rmtree(OUT, ignore_errors=True)
    for half in ("sqlite", "postgresql"):
        (OUT / half).mkdir(parents=True)
    begun = time.monotonic()
    results = run(steps(), ROOT, OUT, max(2, PROCESSORS))
    print("", table(results), sep="\n")
    print(f"{time.monotonic() - begun:.0f} s in all, and {os.environ.get('CI_PREPARED_SECONDS', '0')} s to prepare")
    print("", *(f"{result.name}: {result.last_line}" for result in results if is_suite(result)), sep="\n")
    return 0 if all(result.outcome == "passed" for result in results) else 1


def is_suite(result: Result) -> bool:
    """Return whether a step ran the tests, so that its last line counts them."""
    return result.name.startswith("tests")


def steps() -> list[Step]:
    """Return the steps: what ends within seconds first, then the longest."""
    return [
        Step("ruff check", ["ruff", "check", "."]),
        Step("ruff format", ["ruff", "format", "--check", "."]),
        Step("import direction", ["lint-imports"]),
        *suites(),
        Step("sabotages", [sys.executable, "-m", "tests.rules.sabotage"], environment={"FLOWFACT_TEST_URL": None}),
        Step("mypy", ["mypy"]),
        Step("dependencies", [sys.executable, ".ci/audit.py"]),
        *([Step("package", [sys.executable, ".ci/package.py"])] if (ROOT / ".ci" / "package.py").exists() else []),
        *([documentation()] if (ROOT / "mkdocs.yml").exists() else []),
        Step(
            "coverage",
            [
                "sh",
                "-c",
                f"coverage combine --quiet {OUT}/sqlite/.coverage {OUT}/postgresql/.coverage && coverage report",
            ],
            needs=("tests", "tests on PostgreSQL"),
        ),
    ]


def suites() -> list[Step]:
    """Return the README's test command, which also looks into the processes that tests start, and the other half."""
    command = ["python3", "run.py", "test", "-q", "-n", str(max(2, PROCESSORS))]
    command += ["-o", "cache_dir=build/ci/{}/cache", "--hypothesis-profile=repeatable", "--cov", "--cov-report="]
    url = os.environ.get("FLOWFACT_TEST_URL") or POSTGRESQL
    return [
        Step(
            "tests",
            [part.format("sqlite") for part in command],
            environment={
                "COVERAGE_FILE": str(OUT / "sqlite" / ".coverage"),
                "COVERAGE_PROCESS_START": str(ROOT / "pyproject.toml"),
                "FLOWFACT_TEST_URL": None,
            },
        ),
        Step(
            "tests on PostgreSQL",
            [*(part.format("postgresql") for part in command), "--only-database"],
            environment={"COVERAGE_FILE": str(OUT / "postgresql" / ".coverage"), "FLOWFACT_TEST_URL": url},
        ),
    ]


def documentation() -> Step:
    """Return the step that builds the documentation's site, with what it needs in an environment of its own."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = " ".join(f"'{one}'" for one in project["optional-dependencies"]["docs"])
    python = f"{OUT}/docs/bin/python"
    script = (
        f"{sys.executable} -m venv {OUT}/docs && {python} -m pip install --quiet {needed}"
        f" && {python} -m mkdocs build --strict --site-dir {OUT}/site"
    )
    return Step("documentation", ["sh", "-c", script])


if __name__ == "__main__":
    sys.exit(main())
