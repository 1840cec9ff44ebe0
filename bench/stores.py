"""The three stores of one size: made once in a folder, used again by later runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from bench import bodies, ours, peers
from bench.client import Client
from bench.servers import Server
from bench.visit import Visit

_BUNCH = 500


@dataclass(frozen=True, slots=True)
class Stores:
    """The folders of one size."""

    ours: Path
    radicale: Path
    xandikos: Path

    def serve(self, name: str) -> Server:
        """Start the server of one store."""
        starts: dict[str, Callable[[], Server]] = {
            ours.NAME: lambda: ours.serve(self.ours),
            peers.RADICALE: lambda: peers.serve_radicale(self.radicale),
            peers.XANDIKOS: lambda: peers.serve_xandikos(self.xandikos),
        }
        return starts[name]()


def prepare(folder: Path, size: int, servers: tuple[str, ...], url: str, console: Console) -> Stores:
    """Make the stores that are missing. The peers get the items that ours serves."""
    home = folder.resolve() / str(size)
    made = Stores(home / "ours", home / peers.RADICALE, home / peers.XANDIKOS)
    where = ours.database(url, made.ours, str(size))

    def seed_ours() -> None:
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task(f"{size:,} items: seeding ours", total=size)
            ours.make_office(made.ours, where, size, lambda done, _total: progress.update(task, completed=done))

    if _make(made.ours, where.url, seed_ours):
        (home / "items.json").unlink(missing_ok=True)
        for peer in (made.radicale, made.xandikos):
            shutil.rmtree(peer, ignore_errors=True)
    wanted = [name for name in servers if name != ours.NAME]
    if wanted and not (home / "items.json").is_file():
        with console.status(f"{size:,} items: fetching ours"):
            _fetch(made, home / "items.json")
    for name, write in ((peers.XANDIKOS, peers.write_xandikos), (peers.RADICALE, peers.write_radicale)):
        if name in wanted:
            with console.status(f"{size:,} items: seeding {name}"):
                items = json.loads((home / "items.json").read_text(encoding="utf-8"))
                _make(home / name, "", lambda: write(home / name, items))  # noqa: B023 - called at once
    return made


def _make(folder: Path, content: str, write: Callable[[], None]) -> bool:
    """Make a store anew unless it is complete and has the same content; return whether it was made."""
    mark = folder / "complete"
    if mark.is_file() and mark.read_text(encoding="utf-8") == content:
        return False
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write()
    mark.write_text(content, encoding="utf-8")
    return True


def _fetch(made: Stores, file: Path) -> None:
    server = ours.serve(made.ours)
    try:
        visit = Visit(server.connection(), server.place)
        visit.arrive()
        items = {
            "addresses": _texts(visit.client, server.place.addresses, visit.addresses, "CR:addressbook"),
            "events": _texts(visit.client, server.place.events, visit.events, "C:calendar"),
        }
    finally:
        server.stop()
    file.write_text(json.dumps(items), encoding="utf-8")


def _texts(client: Client, collection: str, paths: tuple[str, ...], kind: str) -> dict[str, str]:
    """Return all texts by file name, with the line ends that the formats ask for and XML loses."""
    data = bodies.CARD_DATA if kind == "CR:addressbook" else bodies.EVENT_DATA
    found = {}
    for start in range(0, len(paths), _BUNCH):
        bunch = paths[start : start + _BUNCH]
        answer = client.request("REPORT", collection, bodies.multiget(kind, data, bunch), {"Depth": "0"})
        bodies.check(answer, responses=len(bunch), texts=len(bunch))
        for entry in bodies.entries(answer):
            found[entry.name] = "\r\n".join(entry.text.splitlines()) + "\r\n"
    return found
