"""The first hour: the documented steps from an empty folder to the first contact that a phone writes, and their time.

It is the script of an administrator who has only the documents. A person's reading and typing is not in the time; what
the programs take is, and that must leave him most of the fifteen minutes.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

from tests import payloads
from tests.commands.test_commands import ROOT, run
from tests.conftest import Agency, Database
from tests.device import Device

_MINUTES = 15.0


def test_from_nothing_to_the_first_contact_from_a_phone(
    agency: Agency, database: Database, tmp_path: Path, unused_tcp_port: int
) -> None:
    began = time.monotonic()
    took: dict[str, float] = {}

    def step(name: str) -> None:
        took[name] = time.monotonic() - began - sum(took.values())

    folder = tmp_path / "etc"
    given = {"database.url": database.url, "database.schema": database.schema, "users.map": "anna", "write": True}
    given |= {"database.state_schema": database.schema, "users.passwords": "generate"}
    given["hosts"] = f"127.0.0.1:{unused_tcp_port}"
    file = tmp_path / "answers.toml"
    file.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in given.items()), encoding="utf-8")
    done = run("setup", str(folder), "--answers", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    step("setup")
    config = ("--config", str(folder / "radicale.ini"))
    assert run("users", *config).returncode == 0
    found = re.search(r"^  anna  (\S+)$", done.stdout, re.MULTILINE)
    assert found
    step("users")
    page = ("--address", "https://dav.example.com/", "--output", str(tmp_path / "anna.html"))
    assert run("users", "sheet", "anna", *page, *config).returncode == 0
    step("sheet")
    command = [sys.executable, "-m", "radicale_flowfact", "serve", *config]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - our own module
        try:
            device = Device(f"http://127.0.0.1:{unused_tcp_port}", "Anna ", password=found[1])
            status = _status_of_put(device, process)
        finally:
            process.terminate()
    step("serve and the first PUT")
    assert status == 201
    assert [row["NAME"] for row in agency.office.rows(agency.office.tables.address)] == ["Meier"]
    told = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in took.items())
    print(f"first hour: {sum(took.values()) / 60:.1f} minutes ({told})")  # shown by pytest -rP
    assert sum(took.values()) < _MINUTES * 60


def _status_of_put(device: Device, process: subprocess.Popen[bytes]) -> int:
    """Return the status of the first PUT, once the server listens."""
    card, kind = payloads.vcard("first"), {"Content-Type": "text/vcard"}
    for _ in range(600):
        assert process.poll() is None
        try:
            return device.request("PUT", "/anna/addresses/first.vcf", card, kind).status
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the server does not answer")
