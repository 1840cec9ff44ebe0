"""Serves the gateway's items by stock Radicale and Xandikos, to compare with them.

Radicale runs with the gateway's login settings. Xandikos has no login over plain HTTP: it runs without, which
favours it.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

from bench import configuring, seed
from bench.servers import PASSWORD, Place, Server, free_port, start
from radicale_flowfact.server.htpasswd import set_password

Items = Mapping[str, Mapping[str, str]]
"""Texts by collection ("addresses", "events") and file name."""

_ROOT = Path(__file__).resolve().parents[1]
RADICALE, XANDIKOS = "radicale", "xandikos"
_RADICALE_PROPS = {
    "addresses": {"tag": "VADDRESSBOOK", "D:displayname": "addresses"},
    "events": {"tag": "VCALENDAR", "D:displayname": "events", "C:supported-calendar-component-set": "VEVENT"},
}
_RADICALE_PLACE = Place(f"/{seed.LOGIN}/addresses/", f"/{seed.LOGIN}/events/")
_XANDIKOS_PLACE = Place(f"/{seed.LOGIN}/contacts/addressbook/", f"/{seed.LOGIN}/calendars/calendar/")


class _Porcelain(Protocol):
    """What is used of dulwich, the git library that comes with Xandikos."""

    def add(self, repo: str, paths: list[str]) -> object: ...

    def commit(self, repo: str, *, message: bytes, author: bytes, committer: bytes) -> object: ...


def installed(name: str) -> bool:
    """Return whether a peer's package is installed."""
    return find_spec(name) is not None


def write_radicale(folder: Path, items: Items) -> None:
    """Write Radicale's folders and fill its caches, which takes it a minute for 10,000 items."""
    folder.mkdir(parents=True, exist_ok=True)
    for collection, texts in items.items():
        home = folder / "data" / "collection-root" / seed.LOGIN / collection
        home.mkdir(parents=True)
        (home / ".Radicale.props").write_text(json.dumps(_RADICALE_PROPS[collection]), encoding="utf-8")
        _write_items(home, texts)
    set_password(folder / "users.htpasswd", seed.LOGIN, PASSWORD)
    config = _radicale_config(folder, 1)
    warmers = [
        subprocess.Popen([sys.executable, "-m", "bench.warming", str(config), path], cwd=_ROOT)  # noqa: S603
        for path in (_RADICALE_PLACE.addresses, _RADICALE_PLACE.events)
    ]
    if any([warmer.wait() for warmer in warmers]):  # noqa: C419 - all have to be waited for
        raise RuntimeError("Radicale's caches could not be filled")


def serve_radicale(folder: Path) -> Server:
    """Start Radicale."""
    port = free_port()
    command = ["radicale", "--config", str(_radicale_config(folder, port))]
    return start(RADICALE, command, folder, port, _RADICALE_PLACE, seed.LOGIN)


def _radicale_config(folder: Path, port: int) -> Path:
    return configuring.write(folder, port, f"filesystem_folder = {folder / 'data'}")


def write_xandikos(folder: Path, items: Items) -> None:
    """Let Xandikos make its collections, then put all items into each by one commit."""
    folder.mkdir(parents=True, exist_ok=True)
    serve_xandikos(folder, "--defaults").stop()
    porcelain = cast(_Porcelain, importlib.import_module("dulwich.porcelain"))
    for collection, path in (("addresses", _XANDIKOS_PLACE.addresses), ("events", _XANDIKOS_PLACE.events)):
        home = folder / "data" / path.strip("/")
        _write_items(home, items[collection])
        author = b"bench <bench@example.com>"
        porcelain.add(str(home), [str(home / name) for name in items[collection]])
        porcelain.commit(str(home), message=b"All items", author=author, committer=author)


def serve_xandikos(folder: Path, *options: str) -> Server:
    """Start Xandikos."""
    port = free_port()
    command = ["xandikos", "serve", "-d", str(folder / "data"), "-l", "127.0.0.1", "-p", str(port)]
    command += ["--current-user-principal", f"/{seed.LOGIN}/", "--state-dir", str(folder / "state"), *options]
    return start(XANDIKOS, command, folder, port, _XANDIKOS_PLACE, seed.LOGIN)


def _write_items(home: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        (home / name).write_text(text, encoding="utf-8", newline="")
