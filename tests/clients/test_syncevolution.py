"""SyncEvolution edits records that FlowFact made: it syncs them with files, through the engine that respells them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients import records, tools
from tests.conftest import Agency, Server

_SOURCES = {
    "addresses": ("addressbook", "carddav", "text/vcard"),
    "appointments": ("calendar", "caldav", "text/calendar"),
    "tasks": ("todo", "caldavtodo", "text/calendar"),
}
_NAMES = [source for source, _, _ in _SOURCES.values()]
_SAYS_NOTHING = ("printChanges=0", "dumpData=0", "preventSlowSync=0")


@pytest.fixture
def home(server: Server, tmp_path: Path) -> Path:
    """Give the folder of an account of all three collections, with a folder for each."""
    tools.require("syncevolution", "on Debian: sudo apt install syncevolution")
    tools.require("dbus-run-session", "on Debian: sudo apt install dbus")
    server.start()
    home = tmp_path / "home"
    (home / "run").mkdir(parents=True, mode=0o700)
    far, near = [f"syncURL={server.base}/anna/", "username=anna", "password=pw"], ["username=", "password="]
    for name, (source, backend, kind) in _SOURCES.items():
        (home / name).mkdir()
        far += [f"{source}/backend={backend}", f"{source}/database={server.base}/anna/{name}/"]
        near += [f"{source}/backend=file", f"{source}/database=file://{home / name}", f"{source}/sync=two-way"]
        near += [f"{source}/databaseFormat={kind}"]
    run(home, "--configure", *_SAYS_NOTHING[:2], *far, "target-config@flowfact", *_NAMES)
    template = ["--configure", "--template", "SyncEvolution_Client", "syncURL=local://@flowfact"]
    run(home, *template, *_SAYS_NOTHING, *near, "flowfact@local", *_NAMES)
    run(home, "--sync", "slow", "flowfact@local", *_NAMES)
    return home


def run(home: Path, *arguments: str) -> None:
    """Run a command of SyncEvolution, which needs no service of the desktop for it."""
    folders = {f"XDG_{name}": str(home / name.lower()) for name in ("CONFIG_HOME", "DATA_HOME", "CACHE_HOME")}
    environment = {**os.environ, **folders, "HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run")}
    command = ["dbus-run-session", "--", "syncevolution", "--daemon=no", "--keyring=no", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def edit(home: Path, name: str, change: Callable[[str], str]) -> None:
    """Change each file of a collection."""
    for file in (home / name).iterdir():
        text = file.read_bytes().decode()
        changed = change(text)
        assert changed != text
        file.write_bytes(changed.encode())


def test_syncevolution_edits_records_of_flowfact(
    agency: Agency, server: Server, request: pytest.FixtureRequest
) -> None:
    counts = records.fill(agency)
    home: Path = request.getfixturevalue("home")
    before = agency.office.everything()
    assert {name: len(list((home / name).iterdir())) for name in counts} == counts
    edit(home, "addresses", lambda text: text.replace("NICKNAME:", "NICKNAME:Maxi"))
    for name in ("appointments", "tasks"):
        edit(home, name, lambda text: re.sub("END:(VEVENT|VTODO)", r"CATEGORIES:Eigenes\r\nEND:\1", text))
    run(home, "flowfact@local", *_NAMES)
    assert agency.office.everything() == before
    served = records.texts(server.device())
    assert all("NICKNAME:Maxi" in text for text in served["addresses"])
    assert all("CATEGORIES:Eigenes" in text for name in ("appointments", "tasks") for text in served[name])


def test_what_is_edited_in_syncevolution_reaches_flowfact(
    agency: Agency, server: Server, request: pytest.FixtureRequest
) -> None:
    records.fill_few(agency)
    home: Path = request.getfixturevalue("home")
    before = agency.office.everything()
    new = "Neu\\; mit\\, Zeichen"
    edit(home, "addresses", lambda text: re.sub("NOTE:.*", lambda _: f"NOTE:{new}", text))
    edit(home, "appointments", lambda text: text.replace("Besichtigung: a\\; b", f"Besichtigung: {new}"))
    edit(home, "tasks", lambda text: text.replace("STATUS:NEEDS-ACTION", "STATUS:COMPLETED"))
    run(home, "flowfact@local", *_NAMES)
    assert records.changed(before, agency.office.everything()) == records.EDITED
    server.verify()
