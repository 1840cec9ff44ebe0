"""Holds the results of the office scenario and formats them."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console

from bench.results import machine, now

_POLL_SECONDS = 15 * 60.0


@dataclass(frozen=True, slots=True)
class Rise:
    """Holds resident megabytes of all processes before and at most during a large operation, and its seconds."""

    what: str
    before_mb: float
    highest_mb: float
    seconds: float


@dataclass
class OfficeResults:
    """What the office needs. ``cpu_seconds`` are those of each pass: one poll of half of the devices."""

    database: str
    contacts: int
    devices: int
    when: str = field(default_factory=now)
    machine: dict[str, str] = field(default_factory=machine)
    cpu_seconds: list[float] = field(default_factory=list)
    fetched: int = 0
    idle_mb: float | None = None
    after_mb: float | None = None
    rises: list[Rise] = field(default_factory=list)

    @property
    def percent_of_a_core(self) -> float:
        """The processor time of a round of all devices, spread over the 15 minutes between two polls."""
        return statistics.mean(self.cpu_seconds) * 2 / _POLL_SECONDS * 100

    def write(self, file: Path) -> None:
        """Write all as JSON."""
        file.parent.mkdir(parents=True, exist_ok=True)
        found = {**asdict(self), "percent_of_a_core": self.percent_of_a_core}
        file.write_text(json.dumps(found, indent=1), encoding="utf-8")

    def lines(self) -> list[str]:
        """Return the lines of the report, with the bars."""
        memory = [value for value in (self.idle_mb, self.after_mb) if value is not None]
        told = [
            f"{self.devices} devices polling every 15 minutes on {self.database}: {self.percent_of_a_core:.2f} % of "
            f"one core (bar 2 %){_mark(self.percent_of_a_core, 2)}; {self.fetched} changed items were fetched in "
            f"{len(self.cpu_seconds)} passes"
        ]
        if memory:
            shown = " / ".join(f"{value:.0f} MB" for value in memory)
            told.append(f"all processes, before / after: {shown} (bar 300 MB){_mark(max(memory), 300)}")
        for rise in self.rises:
            grown = rise.highest_mb - rise.before_mb
            told.append(
                f"{rise.what}: {grown:.0f} MB above {rise.before_mb:.0f} MB (bar 150 MB){_mark(grown, 150)}, "
                f"{rise.seconds:.1f} s"
            )
        return told

    def show(self, console: Console) -> None:
        """Print it."""
        for line in self.lines():
            console.print(line)


def _mark(value: float, bar: float) -> str:
    return "" if value < bar else " ✗"
