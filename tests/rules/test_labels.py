"""Rules 10, 11 and 25: what the user calls a number stays with it, and no position moves for it."""

from __future__ import annotations

import pytest

from radicale_flowfact.content.contentlines import parse_line
from tests import payloads
from tests.conftest import Agency, Server
from tests.device import Device
from tests.rules.client import only

LABELLED = (
    "TEL;TYPE=CELL:0151 1111111",
    "TEL;TYPE=CELL:0151 2222222",
    "TEL;TYPE=IPHONE,CELL,VOICE:0151 3333333",
    "TEL;TYPE=MAIN:030 1",
    "TEL;TYPE=Werkstatt:030 2",
)


def kinds(device: Device) -> dict[str, set[str]]:
    """Return what each number of the one contact is called, by the number."""
    lines = [parse_line(text) for text in payloads.lines_of(only(device, "addresses")[2]) if "TEL" in text[:40]]
    return {line.value: {value for key, values in line.params if key == "TYPE" for value in values} for line in lines}


def positions(agency: Agency) -> dict[object, object]:
    """Return FlowFact's numbers by their positions."""
    return {row["POS"]: row["NUMMER"] for row in agency.office.rows(agency.office.tables.phone)}


def test_rule_25_numbers_come_back_as_the_user_called_them(agency: Agency, server: Server) -> None:
    """Also on his other devices, and after an edit in the office."""
    device = server.start().device()
    assert device.put("addresses/a.vcf", payloads.vcard("a", *LABELLED), new=True).status == 201
    agency.office.change(agency.office.tables.address, {}, PLZ="10999")
    expected = {
        "0151 1111111": {"CELL"},
        "0151 2222222": {"CELL"},
        "0151 3333333": {"CELL", "IPHONE"},
        "030 1": {"MAIN"},
        "030 2": {"Werkstatt"},
    }
    assert kinds(device) == kinds(server.device(agent="Other/1.0")) == expected
    server.verify()


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        ("CELL", "CELL"),
        ("cell,voice", "CELL"),
        ("home", "HOME,VOICE"),  # as it was served
        ("Werkstatt", "Werkstatt"),
        ('"a;b"', '"a;b"'),
        ('"work,pref"', "PREF,WORK"),
    ],
)
def test_rule_11_another_kind_changes_no_position(agency: Agency, server: Server, kind: str, kept: str) -> None:
    """What FlowFact made is called otherwise on the device: no row changes, and it lasts."""
    agency.office.address([agency.own], ["030 1", "0151 2", "030 3"])
    device = server.start().device()
    path, etag, text = only(device, "addresses")
    before = agency.office.everything()
    line = next(line for line in payloads.lines_of(text) if line.endswith(":030 3"))
    assert device.put(path, text.replace(line, f"TEL;TYPE={kind}:030 3"), etag).status == 204
    assert agency.office.everything() == before
    agency.office.change(agency.office.tables.address, {}, PLZ="10999")
    assert f"TEL;TYPE={kept}:030 3" in payloads.lines_of(only(device, "addresses")[2])
    assert kinds(device)["030 1"] == {"WORK", "VOICE"}


def test_rule_25_a_label_set_right_lasts_through_other_edits(agency: Agency, server: Server) -> None:
    """The second mobile is private by its position; called a mobile by the user, it is one from then on."""
    device = server.start().device()
    sent = payloads.vcard("a", "TEL;TYPE=CELL:0151 1", "TEL;TYPE=HOME:0151 2")
    assert device.put("addresses/a.vcf", sent, new=True).status == 201
    path, etag, text = only(device, "addresses")
    assert device.put(path, text.replace("TYPE=HOME:", "TYPE=CELL:"), etag).status == 204
    assert kinds(device) == {"0151 1": {"CELL"}, "0151 2": {"CELL"}}
    path, etag, text = only(device, "addresses")
    assert device.put(path, text.replace("0151 2", "0151 22"), etag).status == 204
    assert (kinds(device)["0151 22"], set(positions(agency).values())) == ({"CELL"}, {"0151 1", "0151 22"})
    path, etag, text = only(device, "addresses")
    taken_off = "\r\n".join(line for line in payloads.lines_of(text) if not line.endswith("0151 1"))
    assert device.put(path, taken_off, etag).status == 204
    assert (kinds(device), list(positions(agency).values())) == ({"0151 22": {"CELL"}}, ["0151 22"])


def test_rule_25_a_label_is_the_user_s_own(agency: Agency, server: Server) -> None:
    """A colleague has the number as its position says."""
    agency.office.address([agency.own, agency.bens], ["030 1"])
    device = server.start().device()
    path, etag, text = only(device, "addresses")
    assert device.put(path, text.replace("TEL;TYPE=WORK,VOICE", "TEL;TYPE=Praxis"), etag).status == 204
    assert kinds(device) == {"030 1": {"Praxis"}}
    assert kinds(server.device("ben")) == {"030 1": {"WORK", "VOICE"}}
