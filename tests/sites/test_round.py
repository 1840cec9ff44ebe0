"""Each of the ten FlowFacts shows what the reference shows, and takes what a device changes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from radicale_flowfact.dav.store.session import Name
from tests import payloads
from tests.device import Device
from tests.sites.making import Made, Row
from tests.sites.serving import Places, SiteServer
from tests.sites.ten import SHORT, TEN, Site

_SETTINGS = "[addresses]\nprivate = 'flowfact'\n[appointments]\nprivate = 'flowfact'\n"


@pytest.fixture
def places(tmp_path: Path, worker_id: str) -> Places:
    return Places(tmp_path, worker_id)


def shown(server: SiteServer) -> dict[tuple[str, str], dict[str, str]]:
    """Return everything that each login's devices get."""
    return {(login, name): server.device(login).all(name) for login in ("anna", "ben") for name in Name}


@pytest.mark.parametrize("site", TEN, ids=lambda site: site.name)
def test_a_site_shows_what_the_reference_shows(site: Site, places: Places) -> None:
    with places.serving(places.reference_of(site)) as server:
        wanted = shown(server)
    assert all(wanted.values())
    with places.serving(places.make(site)) as server:
        assert shown(server) == wanted


@pytest.mark.parametrize("site", TEN, ids=lambda site: site.name)
def test_what_a_device_changes_reaches_a_site(site: Site, places: Places) -> None:
    made = places.make(site)
    anna = next(row["DSN"] for row in made.rows("BEN") if row["LOGIN"] == "anna")
    for membership in made.rows("BENGRP"):
        if str(membership["BEN_DSN"]).lower() == str(anna).lower():  # a user of no group
            made.remove("BENGRP", BEN_DSN=membership["BEN_DSN"])
    private = "" if site.names.get("RECHTE") == "" else _SETTINGS
    with places.serving(made, private) as server:
        device = server.device("anna")
        _edit_contact(device, made)
        _edit_appointment(device, made)
        _finish_task(device, made)
        _make_and_delete(device, made)
        _make_private(device, made)
        before = {str(name): device.sync(name).token for name in Name}
        for name in Name:  # the gateway's own writes do not come back (rule 8)
            assert device.sync(name, before[str(name)]).changed == {}
        _change_in_the_office(device, made, before["addresses"])


def _href_of(device: Device, collection: str, dsn: object) -> str:
    return next(href for href in device.sync(collection).changed if str(dsn).lower() in href.lower())


def _mine(made: Made, table: str, link: str, column: str) -> list[Row]:
    """Return Anna's records that she may change and that are not archived."""
    (own,) = {str(row["MKM_DSN"]).lower() for row in made.rows("BEN") if row["LOGIN"] == "anna"}
    tagged = {str(row[column]).lower() for row in made.rows(link) if str(row["MKM_DSN"]).lower() == own}
    listed = {str(row["OBJ_DSN"]).lower() for row in made.rows("RECHTE")}
    rows = [row for row in made.rows(table) if str(row["DSN"]).lower() in tagged - listed and not row.get("ARCHIV")]
    assert rows
    return rows


def _shown(rows: list[Row], texts: Iterable[str]) -> list[Row]:
    """Return the records that are among the items with these hrefs."""
    hrefs = list(texts)
    return [row for row in rows if any(str(row["DSN"]).lower() in href for href in hrefs)]


def _edit_contact(device: Device, made: Made) -> None:
    row = next(row for row in _mine(made, "AD", "ADMKM", "AD_DSN") if row["ORT"] and row["NAME"])
    href = _href_of(device, "addresses", row["DSN"])
    answer = device.get(f"addresses/{href}")
    text = answer.text.replace(f";{row['ORT']};", ";Neustadt;")
    assert text != answer.text
    assert device.put(f"addresses/{href}", text, answer.etag).status == 204
    after = made.row("AD", DSN=row["DSN"])
    assert {name for name in row if row[name] != after[name]} <= {"ORT", "TOUCH", "TOUCH_VON"}
    assert after["ORT"] == "Neustadt"
    assert device.put(f"addresses/{href}", answer.text, answer.etag).status == 412
    again = device.get(f"addresses/{href}")
    assert device.put(f"addresses/{href}", again.text.replace("Neustadt", "Altstadt"), again.etag).status == 204
    assert made.row("AD", DSN=row["DSN"])["ORT"] == "Altstadt"


def _edit_appointment(device: Device, made: Made) -> None:
    wanted = device.all("appointments")
    mine = _shown(_mine(made, "AKT", "AKTMKM", "AKT_DSN"), wanted)
    row = next(row for row in mine if row["ENDE"] and not row.get("GANZTAGS") and not row["ERLEDIGT"])
    href = _href_of(device, "appointments", row["DSN"])
    answer = device.get(f"appointments/{href}")
    zones, begin, event = answer.text.partition("BEGIN:VEVENT")
    event = re.sub(r"(?m)^(DTSTART[^:]*):\S+", r"\1:20261201T090000", event)
    text = zones + begin + re.sub(r"(?m)^(DTEND[^:]*):\S+", r"\1:20261201T100000", event)
    assert device.put(f"appointments/{href}", text, answer.etag).status == 204
    after = made.row("AKT", DSN=row["DSN"])
    assert [str(after[name]) for name in ("BEGINN", "ENDE")] == ["2026-12-01 09:00:00", "2026-12-01 10:00:00"]


def _finish_task(device: Device, made: Made) -> None:
    wanted = device.all("tasks")
    mine = _shown(_mine(made, "AKT", "AKTMKM", "AKT_DSN"), wanted)
    row = next(row for row in mine if not row["ERLEDIGT"])
    href = _href_of(device, "tasks", row["DSN"])
    answer = device.get(f"tasks/{href}")
    text = payloads.without(answer.text, "STATUS").replace("END:VTODO", "STATUS:COMPLETED\r\nEND:VTODO")
    assert device.put(f"tasks/{href}", text, answer.etag).status == 204
    assert made.row("AKT", DSN=row["DSN"])["ERLEDIGT"] is True


def _make_and_delete(device: Device, made: Made) -> None:
    long = "Dipl.-Ing. " * 30
    card = payloads.vcard("made", f"TITLE:{long}", "TEL;TYPE=WORK:0221 77", "NOTE:n" * 3, name="Neu;Eva;;;")
    assert device.put("addresses/made.vcf", card, new=True).status == 201
    made_now = next(row for row in made.rows("AD") if row["NAME"] == "Neu")
    own = next(str(row["MKM_DSN"]) for row in made.rows("BEN") if row["LOGIN"] == "anna")
    assert made.row("ADMKM", AD_DSN=made_now["DSN"])["MKM_DSN"].lower() == own.lower()  # type: ignore[union-attr]
    assert made.row("ADTEL", AD_DSN=made_now["DSN"])["NUMMER"] == "0221 77"
    assert not made_now.get("ARCHIV")
    assert "made.vcf" in device.sync("addresses").changed
    assert device.delete("addresses/made.vcf").status == 200
    assert [row for row in made.rows("ADMKM") if str(row["AD_DSN"]).lower() == str(made_now["DSN"]).lower()] == []
    assert made.row("AD", DSN=made_now["DSN"])["NAME"] == "Neu"
    event = payloads.event("made", payloads.alarm(), summary="Sehr langer Betreff " * 30)
    assert device.put("appointments/made.ics", event, new=True).status == 201
    assert "Sehr langer Betreff " * 29 in device.get("appointments/made.ics").text.replace("\r\n ", "")


def _make_private(device: Device, made: Made) -> None:
    if not made.rows("RECHTE"):
        return
    card = payloads.vcard("private", "CATEGORIES:privat", name="Geheim;Eva;;;")
    assert device.put("addresses/private.vcf", card, new=True).status == 201
    dsn = next(row["DSN"] for row in made.rows("AD") if row["NAME"] == "Geheim")
    entry = made.row("RECHTE", OBJ_DSN=dsn)
    anna = next(str(row["DSN"]) for row in made.rows("BEN") if row["LOGIN"] == "anna")
    assert (entry["TABELLE"], entry["RECHT"], str(entry["BEN_DSN"]).lower()) == ("AD", "VOLL", anna.lower())
    assert "private.vcf" in device.sync("addresses").changed


def _change_in_the_office(device: Device, made: Made, token: str) -> None:
    row = next(row for row in _mine(made, "AD", "ADMKM", "AD_DSN") if row["NAME"])
    made.change("AD", {"DSN": row["DSN"]}, NAME="Umbenannt")
    ((href, _),) = device.sync("addresses", token).changed.items()
    assert "Umbenannt" in device.get(f"addresses/{href}").text


def test_a_text_beyond_its_column_is_cut_and_comes_back_whole(places: Places) -> None:
    made = places.make(SHORT)
    with places.serving(made) as server:
        device = server.device("anna")
        row = next(row for row in _mine(made, "AD", "ADMKM", "AD_DSN") if row["NAME"] and row["PLZ"])
        href = _href_of(device, "addresses", row["DSN"])
        answer = device.get(f"addresses/{href}")
        text = answer.text.replace(f";{row['PLZ']};", ";D-50667 Köln-Altstadt;")
        assert device.put(f"addresses/{href}", text, answer.etag).status == 204
        assert made.row("AD", DSN=row["DSN"])["PLZ"] == "D-50667 Kö"
        assert ";D-50667 Köln-Altstadt;" in device.get(f"addresses/{href}").text
