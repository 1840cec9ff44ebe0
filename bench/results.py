"""Holds the results of a run as values that can be printed, drawn and stored as JSON."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("radicale-flowfact", "radicale", "xandikos", "SQLAlchemy")


@dataclass(frozen=True, slots=True)
class Timing:
    """One row at one server with so many items of each sort; milliseconds."""

    row: str
    items: int
    server: str
    median_ms: float
    p95_ms: float
    repetitions: int


@dataclass(frozen=True, slots=True)
class Polls:
    """How many idle polls a second a server answered to so many clients at once."""

    items: int
    server: str
    clients: int
    per_second: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident megabytes of all processes of a server: when started, and after all requests."""

    items: int
    server: str
    started_mb: float
    after_mb: float


@dataclass(frozen=True, slots=True)
class Statements:
    """How many SQL statements the gateway needs for a row."""

    row: str
    items: int
    count: int


@dataclass
class Results:
    """Everything that one run found. ``borrowed`` is when the peers were measured, if not by this run."""

    database: str
    borrowed: str = ""
    when: str = field(default_factory=lambda: now())
    machine: dict[str, str] = field(default_factory=lambda: machine())
    timings: list[Timing] = field(default_factory=list)
    polls: list[Polls] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    statements: list[Statements] = field(default_factory=list)

    def median(self, row: str, items: int, server: str) -> float | None:
        """Return a median in milliseconds, None where it was not measured."""
        key = (row, items, server)
        return next((one.median_ms for one in self.timings if (one.row, one.items, one.server) == key), None)

    def borrow(self, file: Path) -> None:
        """Take the peers' timings from an earlier run's JSON, for rows and sizes that this run measured at ours."""
        earlier = json.loads(file.read_text(encoding="utf-8"))
        mine = {(one.row, one.items) for one in self.timings}
        for found in earlier["timings"]:
            timing = Timing(**found)
            if timing.server != "ours" and ((timing.row, timing.items) in mine or timing.row == "GET one"):
                self.timings.append(timing)
        self.borrowed = earlier["when"]

    def write(self, file: Path) -> None:
        """Write all as JSON."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


def now() -> str:
    """Return the local time with its zone."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def machine() -> dict[str, str]:
    """Return what the figures depend on."""
    system = f"{platform.system()} {platform.machine()}"
    found = {"python": platform.python_version(), "system": system, "processors": str(os.cpu_count())}
    if sys.platform != "win32":
        found["load before"] = f"{os.getloadavg()[0]:.1f}"
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def summary(row: str, items: int, server: str, seconds: Sequence[float]) -> Timing:
    """Return median and 95th percentile of some repetitions."""
    ordered = sorted(seconds)
    p95 = ordered[math.ceil(0.95 * len(ordered)) - 1]
    return Timing(row, items, server, statistics.median(ordered) * 1000, p95 * 1000, len(ordered))
