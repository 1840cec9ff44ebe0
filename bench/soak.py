"""Measures ordinary phones at a server that is attacked at the same time; ``python3 run.py soak --help``.

Exit status 1 unless the phones' p99 stays under a second and the memory of all processes of the server together
(the sum of their resident memory, Linux only) under 400 MB.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bench import machine, ours, seed
from bench.servers import PASSWORD, Server, free_port, start
from bench.soak_attacks import KINDS

P99_SECONDS = 1.0
MEGABYTES = 400.0
_ATTACKER = "mallory"
_PHONES = 8
_PAUSE = (0.2, 1.0)  # seconds between two requests of a phone
_LOOK_SECONDS = 0.5
_TIMEOUT = 30.0
_FAILED = 599  # the status of a request without an answer
_ROOT = Path(__file__).resolve().parents[1]
_POLL = '<propfind xmlns="DAV:"><prop><sync-token/></prop></propfind>'
_SYNC = '<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>'
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
console = Console(highlight=False)


@dataclass
class Phone:
    """A phone that polls, lists and writes on a connection that it keeps."""

    number: int
    server: Server
    seconds: dict[str, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.number)  # noqa: S311 - dice
        self._connection = self._connect()
        credentials = base64.b64encode(f"{seed.LOGIN}:{PASSWORD}".encode()).decode()
        self._headers = {"Authorization": f"Basic {credentials}", "User-Agent": f"Phone{self.number}/1.0"}

    def first_sync(self) -> None:
        """Ask for everything once: what a server does for the first time is not measured here."""
        for collection in ("addresses", "appointments", "tasks"):
            for name in ("poll", "sync", "put"):
                self._once_more(name, f"/{seed.LOGIN}/{collection}/")

    def run(self, end: float) -> None:
        """Poll, list and write until the time is over."""
        while time.monotonic() < end:
            name = self._chance.choice(["poll", "poll", "poll", "poll", "sync", "put"])
            collection = self._chance.choice(["addresses", "appointments", "tasks"])
            path = f"/{seed.LOGIN}/{collection}/"
            started = time.monotonic()
            status = self._once_more(name, path)
            self.seconds.setdefault(name, []).append(time.monotonic() - started)
            if status >= 400:
                self.failures.append(f"{name}: {status}")
            time.sleep(self._chance.uniform(*_PAUSE))
        self._connection.close()

    def _once_more(self, name: str, path: str) -> int:
        """Send a request; if the kept connection was closed, send it again on a new one, as phones do."""
        for _ in range(2):
            try:
                return self._send(name, path)
            except (OSError, http.client.HTTPException):
                self._connection.close()
                self._connection = self._connect()
        return _FAILED

    def _send(self, name: str, path: str) -> int:
        if name == "put":
            href = f"/{seed.LOGIN}/addresses/soak-{self.number}.vcf"
            note = self._chance.randrange(10**6)
            card = f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:soak-{self.number}\r\nN:Soak{self.number};;;;\r\nFN:Soak\r\n"
            return self._request("PUT", href, f"{card}NOTE:{note}\r\nEND:VCARD\r\n", {"Content-Type": "text/vcard"})
        if name == "sync":
            return self._request("REPORT", path, _SYNC, {"Depth": "0"})
        return self._request("PROPFIND", path, _POLL, {"Depth": "0"})

    def _request(self, method: str, path: str, body: str, headers: dict[str, str]) -> int:
        self._connection.request(method, path, body.encode(), {**self._headers, **headers})
        answer = self._connection.getresponse()
        answer.read()
        return answer.status

    def _connect(self) -> http.client.HTTPConnection:
        source = (f"127.0.0.{20 + self.number}", 0)
        return http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=_TIMEOUT, source_address=source)


@dataclass(frozen=True, slots=True)
class Found:
    """Holds what a soak measured: seconds by what phones asked, counts of attacks, the highest memory in megabytes."""

    seconds: dict[str, list[float]]
    failures: list[str]
    attacks: dict[str, str]
    megabytes: float
    load: tuple[float, float]

    @property
    def is_good(self) -> bool:
        """Return whether every phone was served in time, and memory stayed within bounds."""
        every = [value for values in self.seconds.values() for value in values]
        return (
            bool(every) and not self.failures and percentile(every, 0.99) < P99_SECONDS and self.megabytes < MEGABYTES
        )

    def show(self) -> None:
        """Print the tables."""
        phones = Table("phones", "requests", "median ms", "p99 ms", "longest ms")
        every = [value for values in self.seconds.values() for value in values]
        for name, values in [*sorted(self.seconds.items()), ("all", every)]:
            numbers = [percentile(values, part) * 1000 for part in (0.5, 0.99, 1.0)]
            phones.add_row(name, f"{len(values):,}", *(f"{number:.1f}" for number in numbers))
        console.print(phones)
        attacks = Table("attack", "times")
        for kind, times in self.attacks.items():
            attacks.add_row(kind, times)
        console.print(attacks)
        console.print(f"Phones' requests that failed: {len(self.failures)} {self.failures[:5]}")
        console.print(f"Highest memory, all processes of the server together: {self.megabytes:.0f} MB")
        console.print(f"Load of the machine before {self.load[0]:.1f}, after {self.load[1]:.1f}")


def percentile(values: list[float], part: float) -> float:
    """Return a percentile of numbers, the highest for 1."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]


def soak(seconds: float, url: str, folder: Path, items: int) -> Found:
    """Make an office, serve it, and run phones and attackers against it."""
    where = ours.database(url, folder, "soak")
    ours.make_office(folder, where, items)
    ours.configure(folder, where, (seed.LOGIN, _ATTACKER))
    settings = folder / "flowfact.toml"
    text = settings.read_text(encoding="utf-8").replace(f'flowfact = "{_ATTACKER}"', f'flowfact = "{seed.LOGIN}"')
    settings.write_text(f"trusted_proxies = []\n{text}", encoding="utf-8")
    load = _load()
    server = _serve(folder)
    try:
        phones = [Phone(number, server) for number in range(_PHONES)]
        for phone in phones:
            phone.first_sync()
        end = time.monotonic() + seconds
        attackers = {kind: _attack(kind, server, seconds) for kind in KINDS}
        threads = [threading.Thread(target=phone.run, args=(end,)) for phone in phones]
        for thread in threads:
            thread.start()
        highest = 0.0
        while any(thread.is_alive() for thread in threads):
            highest = max(highest, machine.resident_megabytes(server.process.pid) or 0.0)
            time.sleep(_LOOK_SECONDS)
        attacks = {kind: _counted(attacker) for kind, attacker in attackers.items()}
    finally:
        server.stop()
    together: dict[str, list[float]] = {}
    for phone in phones:
        for name, values in phone.seconds.items():
            together.setdefault(name, []).extend(values)
    failures = [failure for phone in phones for failure in phone.failures]
    return Found(together, failures, attacks, highest, (load, _load()))


def _serve(folder: Path) -> Server:
    port = free_port()
    file = ours.config(folder, port)
    text = file.read_text(encoding="utf-8").replace("[auth]", "[auth]\ndelay = 0")  # as in config/radicale.ini
    file.write_text(text, encoding="utf-8")
    command = ["radicale_flowfact", "serve", "--config", str(file)]
    return start(ours.NAME, command, folder, port, ours.place(seed.LOGIN), seed.LOGIN)


def _load() -> float:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def _attack(kind: str, server: Server, seconds: float) -> subprocess.Popen[str]:
    login, password = (seed.LOGIN, "-") if kind == "guessing" else (_ATTACKER, PASSWORD)
    command = [sys.executable, "-m", "bench.soak_attacks", kind, str(server.port), login, password, str(seconds)]
    return subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module


def _counted(attacker: subprocess.Popen[str]) -> str:
    """Return what an attacker prints; one that does not end in time is killed."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return attacker.communicate(timeout=2 * _TIMEOUT)[0].strip() or "it failed"
    attacker.kill()
    return attacker.communicate()[0].strip() or "it did not end"


@app.command()
def command(
    minutes: Annotated[float, typer.Option(help="How long.")] = 10,
    database: Annotated[str, typer.Option(help="SQLAlchemy URL, to work in the schema flowfact_bench_soak.")] = "",
    items: Annotated[int, typer.Option(help="How many contacts and events there are.")] = 1000,
) -> None:
    """Let phones use a server on this machine while it is attacked; exit status 1 if they notice."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        found = soak(minutes * 60, database, Path(folder), items)
    found.show()
    if not found.is_good:
        console.print(
            f"Not good: no request may fail, p99 be over {P99_SECONDS:.0f} s, memory over {MEGABYTES:.0f} MB.",
            style="red",
        )
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
