"""Rule 28: a text that is longer than FlowFact's column is cut there and kept whole for the user's devices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import String

from radicale_flowfact.database.lengths import cut_text, utf16_units
from radicale_flowfact.dav.admin import overview
from tests import payloads
from tests.conftest import Agency, Server
from tests.device import Device
from tests.rules.client import changed_hrefs, only
from tests.rules.test_safety import command

LATER = datetime(2026, 6, 15, 11, 30)
LONG = ("Wohnung " * 50).strip()
FIELDS = [
    ("ORG:{}", "FIRMA"),
    ("N:{};Eva;;;", "NAME"),
    ("N:Meier;{};;;", "VORNAME"),
    ("N:Meier;Eva;;{};", "TITEL"),
    ("ADR;TYPE=WORK:;;{};Köln;;50667;", "STRASSE"),
    ("ADR;TYPE=WORK:;;Weg 1;{};;50667;", "ORT"),
    ("ADR;TYPE=WORK:;;Weg 1;Köln;;{};", "PLZ"),
    ("ADR;TYPE=WORK:;;Weg 1;Köln;;50667;{}", "LAND"),
    ("EMAIL;TYPE=INTERNET,WORK:{}", "EMAIL"),
    ("TEL;TYPE=WORK,FAX:{}", "FAX"),
]
SIGNS = {
    "a letter with a mark": "g\u0308",
    "an emoji beyond the BMP": "🏠",
    "a skin": "👍🏽",
    "a family": "👩\u200d👩\u200d👧",
    "a heart": "❤\ufe0f",
    "a flag": "🇩🇪",
    "Scotland": "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
}


def row_of(agency: Agency) -> dict[str, Any]:
    """Return the one address."""
    return agency.office.row(agency.office.tables.address)


def limit(agency: Agency, column: str) -> int:
    """Return how long a column of the addresses is."""
    kind = agency.office.tables.address.c[column].type
    assert isinstance(kind, String)
    assert kind.length is not None
    return kind.length


def lines(device: Device, name: str = "addresses") -> list[str]:
    """Return the unfolded lines of the one item in a collection."""
    return payloads.lines_of(only(device, name)[2])


def change(device: Device, name: str, edit: Callable[[str], str]) -> None:
    """Change the unfolded text of the one item in a collection."""
    path, etag, text = only(device, name)
    before = "\r\n".join([*payloads.lines_of(text), ""])
    assert edit(before) != before
    assert device.put(path, edit(before), etag).status == 204


@pytest.mark.parametrize(("line", "column"), FIELDS)
def test_rule_28_a_long_text_is_cut_for_flowfact_and_whole_on_the_device(
    agency: Agency, server: Server, line: str, column: str
) -> None:
    """Each text field, new and edited: FlowFact has the beginning, the device all, and a later edit leaves both."""
    device = server.start().device()
    sent = line.format(LONG)
    bare = payloads.without(payloads.vcard("n"), line.partition(":")[0])
    new = bare.replace("END:VCARD", f"{sent}\r\nEND:VCARD") + "\r\n"
    assert device.put("addresses/n.vcf", new, new=True).status == 201
    cut = LONG[: limit(agency, column)].rstrip()
    assert row_of(agency)[column] == cut
    assert sent in lines(device)
    before = row_of(agency)
    change(device, "addresses", lambda text: text.replace("END:VCARD", "NOTE:neu\r\nEND:VCARD"))
    assert {key: value for key, value in row_of(agency).items() if before[key] != value}.keys() <= {
        "NOTIZ",
        "TOUCH",
        "TOUCH_VON",
    }
    assert sent in lines(device)
    longer = line.format(f"{LONG} und mehr")
    before = row_of(agency)
    change(device, "addresses", lambda text: text.replace(sent, longer))
    assert row_of(agency) == before
    assert longer in lines(device)
    change(device, "addresses", lambda text: text.replace(longer, line.format("Kurz")))
    assert row_of(agency)[column] == "Kurz"
    assert line.format("Kurz") in lines(device)


@pytest.mark.parametrize(("line", "column"), FIELDS)
def test_rule_28_the_offices_edit_of_a_cut_text_wins(agency: Agency, server: Server, line: str, column: str) -> None:
    """The whole text stays while FlowFact has the cut one; what the office writes instead reaches the device."""
    agency.office.address([agency.own], NAME="Meier", VORNAME="Eva", NOTIZ="x")
    device = server.start().device()
    sent, name = line.format(LONG), line.partition(":")[0]
    change(device, "addresses", lambda text: payloads.without(text, f"{name}:").replace("END:", f"{sent}\r\nEND:"))
    agency.office.change(agency.office.tables.address, {}, NOTIZ="neu", TOUCH=LATER)
    assert sent in lines(device)
    agency.office.change(agency.office.tables.address, {}, TOUCH=LATER, **{column: "Büro"})
    assert not any("Wohnung" in found for found in lines(device))
    assert any("Büro" in found for found in lines(device))
    change(device, "addresses", lambda text: text.replace("NOTE:neu", "NOTE:neuer"))
    assert row_of(agency)[column] == "Büro"


@pytest.mark.parametrize("template", ["{kind}: {subject}", "{subject} ({kind})"])
def test_rule_28_a_long_title_is_cut_without_its_kind(agency: Agency, server: Server, template: str) -> None:
    """The subject alone counts; an edit of the kind, or a title split at other blanks, leaves it as it is."""
    office = agency.office
    handover = office.kind("Übergabe", calendar=True)
    device = server.start(f'[appointments]\nsubject = "{template}"\n').device()
    title = template.format(kind="Besichtigung", subject=LONG)
    assert device.put("appointments/n.ics", payloads.event("n", summary=title), new=True).status == 201
    row = office.row(office.tables.activity)
    assert (row["BETREFF"], row["ART_DSN"]) == (LONG[:255].rstrip(), agency.visit)
    assert f"SUMMARY:{title}" in lines(device, "appointments")
    before = office.everything()
    change(device, "appointments", lambda text: text.replace("Wohnung Wohnung", "Wohnung  Wohnung"))
    assert office.everything() == before
    change(device, "appointments", lambda text: text.replace("Besichtigung", "Übergabe"))
    row = office.row(office.tables.activity)
    assert (row["BETREFF"], row["ART_DSN"]) == (LONG[:255].rstrip(), handover)
    office.change(office.tables.activity, {}, NOTIZ="neu", TOUCH=LATER)
    title = template.format(kind="Übergabe", subject=LONG)
    assert (
        f"SUMMARY:{title}".split()
        == next(line for line in lines(device, "appointments") if line.startswith("SUMMARY")).split()
    )


def test_rule_28_a_long_number_is_cut_at_its_position(agency: Agency, server: Server) -> None:
    """A number with a remark in it: FlowFact keeps its beginning, the remark there stays, the device has it whole."""
    agency.office.address([agency.own], ["0221 11", "0171 22"])
    device = server.start().device()
    number = "0221 99 (nur vormittags, sonst Frau Meier am Empfang fragen)"
    change(device, "addresses", lambda text: text.replace("0221 11", number))
    phones = agency.office.rows(agency.office.tables.phone)
    assert sorted((row["NUMMER"], row["BEMERKUNG"]) for row in phones) == [
        ("0171 22", "Bemerkung 2"),
        (number[:50].rstrip(), "Bemerkung 1"),
    ]
    before = agency.office.rows(agency.office.tables.phone)
    change(device, "addresses", lambda text: text.replace("END:VCARD", "NOTE:neu\r\nEND:VCARD"))
    assert agency.office.rows(agency.office.tables.phone) == before
    assert any(line.endswith(f":{number}") for line in lines(device))


def test_rule_28_what_was_cut_does_not_come_back_to_the_device(agency: Agency, server: Server) -> None:
    """The PUT is answered with its ETag, nothing is told again; a colleague has FlowFact's, and his edit wins."""
    device = server.start().device()
    sent = payloads.event("n", summary=f"Besichtigung: {LONG}")
    answer = device.put("appointments/n.ics", sent, new=True)
    assert (answer.status, bool(answer.etag)) == (201, True)
    token = device.sync("appointments").token
    assert changed_hrefs(device, "appointments", token)[:2] == ([], [])
    office = agency.office
    dsn = office.row(office.tables.activity)["DSN"]
    office.add(office.tables.activity_merkmal, AKT_DSN=dsn, MKM_DSN=agency.bens)
    ben = server.device("ben")
    assert f"SUMMARY:Besichtigung: {LONG[:255].rstrip()}" in lines(ben, "appointments")
    change(
        ben, "appointments", lambda text: text.replace("SUMMARY:Besichtigung: Wohnung", "SUMMARY:Besichtigung: Haus")
    )
    assert office.row(office.tables.activity)["BETREFF"].startswith("Haus Wohnung")
    assert "SUMMARY:Besichtigung: Haus" in "\n".join(lines(device, "appointments"))
    assert len(next(line for line in lines(device, "appointments") if line.startswith("SUMMARY"))) < 300
    server.verify()


def test_rule_28_status_names_what_is_cut_and_undo_takes_it_back(agency: Agency, server: Server) -> None:
    """The admin sees which fields FlowFact has the beginning of; undone, device and FlowFact are as before."""
    agency.office.address([agency.own], NAME="Meier", FIRMA="ACME")
    device = server.start().device()
    served = lines(device)
    change(device, "addresses", lambda text: text.replace("ORG:ACME", f"ORG:{LONG}"))
    told = command(server, "status")
    assert "FlowFact has only the beginning of" in told
    assert "FlowFact has only the beginning of company" in told
    overview.undo(server.gateway, [], "anna", datetime(2026, 1, 1), dry_run=False)
    assert row_of(agency)["FIRMA"] == "ACME"
    assert lines(device) == served
    assert "only the beginning" not in command(server, "status")


def test_rule_28_a_text_cut_by_the_user_himself_is_cut(agency: Agency, server: Server) -> None:
    """Shortened on the device to just what FlowFact has: it stays short, and FlowFact's row is not touched."""
    agency.office.address([agency.own], NAME="Meier", FIRMA="ACME")
    device = server.start().device()
    change(device, "addresses", lambda text: text.replace("ORG:ACME", f"ORG:{LONG}"))
    before = agency.office.everything()
    cut = before["AD"][0]["FIRMA"]
    change(device, "addresses", lambda text: text.replace(f"ORG:{LONG}", f"ORG:{cut}"))
    assert agency.office.everything() == before
    agency.office.change(agency.office.tables.address, {}, NOTIZ="neu", TOUCH=LATER)
    assert f"ORG:{cut}" in lines(device)


@pytest.mark.parametrize("sign", SIGNS.values(), ids=SIGNS.keys())
def test_rule_28_no_sign_is_cut_in_two(agency: Agency, server: Server, sign: str) -> None:
    """Surrogates, marks, joined emoji and flags are cut off whole; the device has them all."""
    units = len(sign) if server.database.url.startswith("postgresql") else utf16_units(sign)  # as the column counts
    device = server.start().device()
    for number, room in enumerate(range(1, units + 1)):
        company = "x" * (100 - room) + sign * 3
        card = payloads.vcard(f"n{number}", f"ORG:{company}", name=f"N{number};Eva;;;")
        assert device.put(f"addresses/n{number}.vcf", card, new=True).status == 201
        row = agency.office.row(agency.office.tables.address, NAME=f"N{number}")
        expected = "x" * (100 - room) + (sign if room == units else "")
        assert row["FIRMA"] in (expected, expected.replace("g\u0308", "g̈"))
        assert f"ORG:{company}" in payloads.lines_of(device.get(f"addresses/n{number}.vcf").text)


def test_rule_28_a_sign_without_end_is_cut_somewhere() -> None:
    """A letter with more marks than anybody reads is cut between them; nothing takes long."""
    assert cut_text("g" + "\u0308" * 1_000_000, 100) == "g" + "\u0308" * 99
    assert cut_text("🇩" * 1_000_000, 100)
    assert cut_text("kurz  ", 100) == "kurz  "
