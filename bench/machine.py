"""Reads memory and processor time of processes from /proc; None on systems without it."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

_PROC = Path("/proc")
_LOOK_SECONDS = 0.02


def family(pid: int) -> list[int]:
    """Return a process and all that it started, directly or not."""
    parents: dict[int, list[int]] = {}
    for entry in _PROC.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            fields = entry.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found = [pid]
    for member in found:
        found += parents.get(member, [])
    return found


def resident_megabytes(pid: int) -> float | None:
    """Return the resident memory of a process and its children, shared pages counted once in each; None: unknown."""
    if not _PROC.is_dir():
        return None
    kilobytes = 0
    for member in family(pid):
        with contextlib.suppress(OSError):
            lines = (_PROC / str(member) / "status").read_text(encoding="utf-8").splitlines()
            kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    return kilobytes / 1024


def cpu_seconds(pid: int) -> float | None:
    """Return the processor time that a process and its living children have used; None where it is unknown."""
    if not _PROC.is_dir():
        return None
    ticks = 0
    for member in family(pid):
        with contextlib.suppress(OSError):
            text = (_PROC / str(member) / "stat").read_text(encoding="utf-8", errors="replace")
            ticks += sum(int(value) for value in text.rpartition(")")[2].split()[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


class PeakMemory:
    """Samples the memory of a process and its children while a block runs; zero where it is unknown."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self.before = self.highest = resident_megabytes(pid) or 0.0

    def __enter__(self) -> PeakMemory:
        self._watcher.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            self.highest = max(self.highest, resident_megabytes(self._pid) or 0.0)
