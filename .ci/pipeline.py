"""Runs steps side by side, one for each processor: each into a log of its own, with a table of what each took.

Needs nothing but Python. What a step says is printed when it ends: all of it if it failed, else its last lines. A step
begins when those it needs have passed; one that never ends is stopped. Stopping this stops what it started.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_TAIL = 3  # lines of a step that passed
_TOLD_EVERY = 60.0  # seconds between two lines that say what is running
_POLL = 0.1  # seconds


@dataclass(frozen=True)
class Step:
    """A command, the steps that must have passed before, and what its environment has of its own.

    A variable that is None is taken out of the environment.
    """

    name: str
    command: Sequence[str]
    needs: tuple[str, ...] = ()
    environment: Mapping[str, str | None] = field(default_factory=dict)
    most_seconds: float = 2700


@dataclass(frozen=True)
class Result:
    """How a step ended: "passed", "FAILED", "STOPPED" after its most seconds, or "LEFT OUT" for what it needed."""

    name: str
    outcome: str
    begun: float = 0  # seconds after the first step
    seconds: float = 0
    last_line: str = ""


@dataclass(frozen=True)
class Running:
    """A step under way, in a process group of its own."""

    step: Step
    process: subprocess.Popen[bytes]
    log: Path
    begun: float

    @classmethod
    def start(cls, step: Step, root: Path, logs: Path) -> Running:
        """Start the step; what it prints goes into its log."""
        log = logs / f"{step.name.replace(' ', '-')}.log"
        environment = {**os.environ, **step.environment}
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - the steps are ours
                step.command,
                cwd=root,
                env={name: value for name, value in environment.items() if value is not None},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(step, process, log, time.monotonic())

    def outcome(self) -> str:
        """Return how it ended, "" while it runs; stop it after its most seconds."""
        if self.process.poll() is not None:
            return "passed" if self.process.returncode == 0 else "FAILED"
        if time.monotonic() - self.begun > self.step.most_seconds:
            self.stop()
            return "STOPPED"
        return ""

    def stop(self) -> None:
        """End the step and all that it started."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, sign)
                self.process.wait(10)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self.process.wait()


def run(steps: Sequence[Step], root: Path, logs: Path, side_by_side: int) -> list[Result]:
    """Run all steps, in their order where nothing holds them up; return how each ended, in the order of their ends."""
    logs.mkdir(parents=True, exist_ok=True)
    waiting, running, results = list(steps), list[Running](), list[Result]()
    begun = told = time.monotonic()
    try:
        while waiting or running:
            results += _left_out(waiting, results)
            for step in [step for step in waiting if _may_begin(step, results)][: side_by_side - len(running)]:
                waiting.remove(step)
                running.append(Running.start(step, root, logs))
                print(f"== {step.name} begins", flush=True)
            for one, outcome in [(one, outcome) for one in running if (outcome := one.outcome())]:
                running.remove(one)
                results.append(_ended(one, outcome, begun))
            if time.monotonic() - told > _TOLD_EVERY:
                told = time.monotonic()
                names = ", ".join(one.step.name for one in running)
                print(f"   {told - begun:5.0f} s: {names} running", flush=True)
            time.sleep(_POLL)
    finally:
        for one in running:
            one.stop()
    return results


def _may_begin(step: Step, results: Sequence[Result]) -> bool:
    """Return whether all that the step needs has passed."""
    return set(step.needs) <= {result.name for result in results if result.outcome == "passed"}


def _left_out(waiting: list[Step], results: Sequence[Result]) -> list[Result]:
    """Take away the steps that need one which did not pass, and return them as results."""
    bad = {result.name for result in results if result.outcome != "passed"}
    left_out = [step for step in waiting if bad & set(step.needs)]
    for step in left_out:
        waiting.remove(step)
    return [Result(step.name, "LEFT OUT") for step in left_out]


def _ended(one: Running, outcome: str, begun: float) -> Result:
    """Print what an ended step said, all of it unless it passed, and return its result."""
    now = time.monotonic()
    said = one.log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()
    print(f"== {one.step.name}: {outcome} after {now - one.begun:.0f} s ({one.log})")
    shown = said if outcome != "passed" else said[-_TAIL:]
    print(*shown, sep="\n", flush=True)
    return Result(one.step.name, outcome, one.begun - begun, now - one.begun, said[-1] if said else "")


def table(results: Sequence[Result]) -> str:
    """Return what each step took and how it ended, with the last line it said."""
    width = max([len(result.name) for result in results] + [4])
    lines = [f"{'step':{width}}  begun   took  outcome"]
    for result in sorted(results, key=lambda result: (result.outcome == "LEFT OUT", result.begun)):
        times = f"{result.begun:4.0f} s {result.seconds:4.0f} s" if result.outcome != "LEFT OUT" else " " * 13
        lines.append(f"{result.name:{width}}  {times}  {result.outcome:8}  {result.last_line[:70]}".rstrip())
    return "\n".join(lines)
