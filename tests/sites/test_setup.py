"""Each of the ten FlowFacts is set up by ``setup`` with the reference answers, and then synced with; and the draft."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from radicale_flowfact.crm.names import OPTIONAL, NameMap, known_names
from radicale_flowfact.crm.site import check, drafting, schema_reading
from radicale_flowfact.dav.admin.readonly import read_only
from radicale_flowfact.http.app import FlowfactApplication
from radicale_flowfact.server.configuration import load_configuration
from radicale_flowfact.storage import forget_gateways
from tests import payloads
from tests.commands.test_commands import run
from tests.conftest import serve_application
from tests.device import Device
from tests.sites.making import Made, make
from tests.sites.ten import TEN, Site

_START, _END = "DTSTART:20991201T080000Z", "DTEND:20991201T090000Z"
URL = os.environ.get("FLOWFACT_TEST_URL", "")


@pytest.fixture(params=TEN, ids=lambda site: site.name)
def made(request: pytest.FixtureRequest, tmp_path: Path, worker_id: str) -> Iterator[Made]:
    """Make a FlowFact."""
    site: Site = request.param
    url = URL or f"sqlite:///{(tmp_path / 'flowfact.sqlite').as_posix()}"
    found = make(site, url, f"flowfact_setup_{worker_id}" if URL else None)
    yield found
    found.engine.dispose()


def answers(made: Made, **more: object) -> str:
    """Return the reference answers as a file of answers."""
    lines = ["write = true", 'users.map = "none"', 'users.passwords = "generate"']
    lines += [f"database.url = {json.dumps(made.url)}", f"database.state_schema = {json.dumps(made.schema)}"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in more.items()]
    for section, content in (("names", made.names), ("values", made.values)):
        lines += [f"{section}.{json.dumps(key, ensure_ascii=False)} = {json.dumps(value, ensure_ascii=False)}"
                  for key, value in content.items()]  # fmt: skip
    for login, mapping in made.users.items():
        lines += [f"users.settings.{login}.{key} = {json.dumps(value)}" for key, value in mapping.items()]
    return "\n".join(lines) + "\n"


@dataclass
class SetUp:
    """A configuration that ``setup`` made, and the passwords that it printed."""

    folder: Path
    passwords: dict[str, str]
    told: str


def set_up(made: Made, folder: Path) -> SetUp:
    """Run ``setup`` with the reference answers."""
    folder.mkdir()
    file = folder / "answers.toml"
    file.write_text(answers(made), encoding="utf-8")
    done = run("setup", str(folder / "etc"), "--answers", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.findall(r"^  (\w+)  ([a-z2-9-]{19})$", done.stdout, re.MULTILINE)
    return SetUp(folder / "etc", dict(found), done.stdout)


def test_set_up_by_the_reference_answers_it_is_read_synced_edited_and_deleted(made: Made, tmp_path: Path) -> None:
    ready = set_up(made, tmp_path / "setup")
    assert set(ready.passwords) == set(made.users)
    assert "No faults" in ready.told
    application = FlowfactApplication(load_configuration(ready.folder / "radicale.ini"))
    with serve_application(application) as base:
        device = Device(base, "anna", password=ready.passwords["anna"])
        known = device.sync("addresses")
        assert known.changed, "the demo's contacts are there"
        before = len(made.rows("AD"))
        card = payloads.vcard("setup-1", "TEL;TYPE=WORK:0221 4711", name="Neumann;Nora;;;")
        _round(device, "addresses", "setup-1.vcf", card, card.replace("Neumann", "Altmann"))
        rows = [row for row in made.rows("AD") if row["NAME"] == "Altmann"]
        assert (len(made.rows("AD")), len(rows)) == (before + 1, 1)
        event = payloads.event("setup-2", start=_START, end=_END, summary="Besuch")
        _round(device, "appointments", "setup-2.ics", event, event.replace("Besuch", "Besichtigung vor Ort"))
        assert any("Besichtigung vor Ort" in str(row["BETREFF"]) for row in made.rows("AKT"))
        for collection, href in (("addresses", "setup-1.vcf"), ("appointments", "setup-2.ics")):
            token = device.sync(collection).token
            assert device.request("DELETE", f"/anna/{collection}/{href}").status in (200, 204)
            assert device.sync(collection, token).gone == [href]
    application._storage.gateway.flush()
    forget_gateways()


def _round(device: Device, collection: str, href: str, first: str, second: str) -> None:
    """Make an item and edit it; each change reaches another sync."""
    token = device.sync(collection).token
    kind = {"Content-Type": "text/vcard" if collection == "addresses" else "text/calendar"}
    for text in (first, second):
        status = device.request("PUT", f"/anna/{collection}/{href}", text, kind).status
        assert status in (201, 204), status
        synced = device.sync(collection, token)
        assert href in synced.changed
        token = synced.token
        assert device.request("GET", f"/anna/{collection}/{href}").status == 200


def test_the_draft_alone_is_mostly_right_and_nothing_wrong_is_sure(made: Made) -> None:
    """Without any name told: what is not sure is asked for, and what may be absent is left so."""
    with read_only(made.engine) as connection:
        there = schema_reading.all_tables(connection, NameMap(), "")
        there = [one for one in there if not made.schema or one.name.startswith(f"{made.schema}.")]
        guesses = drafting.draft(NameMap(), schema_reading.with_values(connection, there), check.fits)
    told = {guess.logical: guess for guess in guesses}
    wrong = {}
    for name in known_names():
        right = _right(made, name)
        guess = told.get(name)
        if (guess.physical if guess is not None else "") != right:
            wrong[name] = (guess, right)
    surely_wrong = {name: pair for name, pair in wrong.items() if pair[0] is not None and pair[0].is_sure}
    assert surely_wrong == {}
    assert [name for name, (guess, _) in wrong.items() if guess and guess.physical and name in OPTIONAL] == []
    assert len(known_names()) - len(wrong) >= 88, wrong


def _right(made: Made, name: str) -> str:
    table, _, column = name.partition(".")
    place = made.names.get(table, table)
    return (made.names.get(name, column) if column else place) if place else ""
