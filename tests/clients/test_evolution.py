"""Evolution (its data server, which GNOME's calendar and contacts use, too) edits records that FlowFact made."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.clients import records, tools
from tests.conftest import Agency, Server

_DRIVER = Path(__file__).parent / "drivers" / "evolution.py"
_PYTHON = "/usr/bin/python3"
_SOURCE = """\
[Data Source]
DisplayName={name}
Enabled=true
[Authentication]
Host=127.0.0.1
Method=plain/password
Port={port}
User=anna
[Security]
Method=none
[{kind}]
BackendName={backend}
[WebDAV Backend]
ResourcePath=/anna/{name}/
[Offline]
StaySynchronized=true
"""
_KINDS = {
    "addresses": ("Address Book", "carddav"),
    "appointments": ("Calendar", "caldav"),
    "tasks": ("Task List", "caldav"),
}
_FOLDERS = {
    "XDG_CONFIG_HOME": "config",
    "XDG_DATA_HOME": "data",
    "XDG_CACHE_HOME": "cache",
    "XDG_RUNTIME_DIR": "run",
}


@pytest.fixture
def home(server: Server, tmp_path: Path) -> Path:
    """Configure an account of all three collections."""
    tools.require("dbus-run-session", "on Debian: sudo apt install dbus")
    hint = "on Debian: sudo apt install evolution-data-server gir1.2-ebook-1.2 gir1.2-ecal-2.0 python3-gi"
    tools.require_file(Path("/usr/libexec/evolution-source-registry"), hint)
    tools.require_file(Path("/usr/lib") / "python3/dist-packages/gi/__init__.py", hint)
    server.start()
    home = tmp_path / "home"
    sources = home / "config" / "evolution" / "sources"
    sources.mkdir(parents=True)
    (home / "run").mkdir(mode=0o700)
    port = server.base.rpartition(":")[2]
    for name, (kind, backend) in _KINDS.items():
        text = _SOURCE.format(name=name, port=port, kind=kind, backend=backend)
        (sources / f"flowfact-{name}.source").write_text(text, encoding="ascii")
    return home


def run(home: Path, edit: str, counts: dict[str, int]) -> None:
    """Let Evolution sync and edit all items."""
    folders = {name: str(home / folder) for name, folder in _FOLDERS.items()}
    environment = {**os.environ, **folders, "HOME": str(home), "GSETTINGS_BACKEND": "memory", "PYTHONPATH": ""}
    command = ["dbus-run-session", "--", _PYTHON, str(_DRIVER), edit, json.dumps(counts)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]


def test_evolution_edits_records_of_flowfact(agency: Agency, server: Server, home: Path) -> None:
    counts = records.fill(agency)
    before = agency.office.everything()
    run(home, "harmless", counts)
    assert agency.office.everything() == before
    served = records.texts(server.device())
    assert all("NICKNAME:Maxi" in text for text in served["addresses"])
    assert all("X-OWN:1" in text for name in ("appointments", "tasks") for text in served[name])


def test_what_is_edited_in_evolution_reaches_flowfact(agency: Agency, server: Server, home: Path) -> None:
    counts = records.fill_few(agency)
    before = agency.office.everything()
    run(home, "real", counts)
    assert records.changed(before, agency.office.everything()) == records.EDITED
    server.verify()
