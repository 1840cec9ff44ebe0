"""Rules 9 to 15: addresses."""

from __future__ import annotations

import vobject

from tests import payloads
from tests.conftest import Agency, Server
from tests.rules.client import contacts, only

_FIELDS = {
    "FIRMA": "ACME GmbH",
    "VORNAME": "Zoë",
    "NAME": "Müller; & Söhne",
    "STRASSE": "Weg 1\nHinterhaus",
    "PLZ": "50667",
    "ORT": "Köln",
    "LAND": "Deutschland",
    "FAX": "0221 / 99",
    "EMAIL": "z@example.com",
    "NOTIZ": "Erste, Zeile\nZweite; Zeile",
}


def test_rule_09_every_field_maps_both_ways(agency: Agency, server: Server) -> None:
    """Company, name, street, postcode, city, country, fax, e-mail and note; the address is the WORK address."""
    agency.office.address([agency.own], **_FIELDS)
    device = server.start().device()
    path, etag, text = only(device, "addresses")
    card = vobject.readOne(text)
    assert (card.adr.value.city, card.adr.type_param) == ("Köln", "WORK")
    assert card.note.value == _FIELDS["NOTIZ"]
    changed = {column: f"{value} neu" for column, value in _FIELDS.items() if column not in ("FAX", "EMAIL")}
    lines = []
    for line in payloads.lines_of(text):
        name, _, value = line.partition(":")
        if name in ("N", "ADR;TYPE=WORK", "ORG", "NOTE"):
            parts = value.replace("\\;", "\0").split(";")
            value = ";".join(f"{part} neu" if part else part for part in parts).replace("\0", "\\;")
        lines.append(f"{name}:{value}".replace("0221 / 99", "0221 / 88").replace("z@ex", "y@ex"))
    assert device.put(path, "\r\n".join(lines), etag).status == 204
    row = agency.office.row(agency.office.tables.address)
    assert {column: row[column] for column in changed} == changed
    assert (row["FAX"], row["EMAIL"]) == ("0221 / 88", "y@example.com")


def test_rule_09_other_addresses_stay_on_the_device(agency: Agency, server: Server) -> None:
    """A second postal address and e-mail of the device come back as they were and never reach FlowFact."""
    agency.office.address([agency.own], STRASSE="Weg 1", EMAIL="buero@example.com")
    device = server.start().device()
    path, etag, text = only(device, "addresses")
    extra = "ADR;TYPE=HOME:;;Heimweg 3;Bonn;;;\r\nEMAIL;TYPE=HOME:privat@example.com\r\nEND:VCARD"
    before = agency.office.everything()
    assert device.put(path, text.replace("END:VCARD", extra), etag).status == 204
    assert agency.office.everything() == before
    assert "Heimweg 3" in server.device(agent="Other").get(path).text


def test_rule_09_the_devices_own_email_never_becomes_flowfacts(agency: Agency, server: Server) -> None:
    """Whatever becomes of FlowFact's e-mail, the device's own second one is edited and deleted on the device alone."""
    agency.office.address([agency.own], EMAIL="buero@example.com")
    device = server.start().device()
    path, etag, text = only(device, "addresses")
    own = "EMAIL;TYPE=HOME:privat@example.com\r\n"
    assert device.put(path, text.replace("END:VCARD", f"{own}END:VCARD"), etag).status == 204
    path, etag, text = only(device, "addresses")
    assert device.put(path, payloads.without(text, "EMAIL;TYPE=INTERNET"), etag).status == 204
    before = agency.office.everything()
    assert before["AD"][0]["EMAIL"] == ""
    path, etag, text = only(device, "addresses")
    assert device.put(path, text.replace("privat@", "neu@"), etag).status == 204
    path, etag, text = only(device, "addresses")
    assert text.count("neu@example.com") == text.count("EMAIL") == 1
    assert device.put(path, payloads.without(text, "EMAIL"), etag).status == 204
    assert "EMAIL" not in server.device(agent="Other").get(path).text
    assert agency.office.everything() == before


def test_rule_10_numbers_go_by_position(agency: Agency, server: Server) -> None:
    """Eight positions, eight slots; the ninth number is never sent and never lost; remarks stay."""
    numbers = [f"0221 {position}" for position in range(1, 11)]
    agency.office.address([agency.own], numbers)
    device = server.start().device()
    path, etag, text = only(device, "addresses")
    found = [line for line in payloads.lines_of(text) if line.startswith("TEL")]
    assert found == [
        "TEL;TYPE=WORK,VOICE:0221 1",
        "TEL;TYPE=CELL,VOICE:0221 2",
        "TEL;TYPE=HOME,VOICE:0221 3",
        "TEL;TYPE=X-ASSISTANT:0221 4",
        "TEL;TYPE=WORK,VOICE:0221 5",
        "TEL;TYPE=HOME,VOICE:0221 6",
        "TEL;TYPE=PAGER:0221 7",
        "TEL;TYPE=CAR,VOICE:0221 8",
    ]
    assert device.put(path, text.replace("0221 2", "0171 2"), etag).status == 204
    rows = sorted(agency.office.rows(agency.office.tables.phone), key=lambda row: int(row["POS"]))
    assert [row["NUMMER"] for row in rows] == [*numbers[:1], "0171 2", *numbers[2:]]
    assert [row["BEMERKUNG"] for row in rows] == [f"Bemerkung {position}" for position in range(1, 11)]


def test_rule_10_slots_are_configurable(agency: Agency, server: Server) -> None:
    """phone_slots says which slot each position is, and how many are sent."""
    agency.office.address([agency.own], ["0221 1", "0221 2", "0221 3"])
    text = only(server.start('[addresses]\nphone_slots = ["cell", "work"]\n').device(), "addresses")[2]
    assert "TEL;TYPE=CELL,VOICE:0221 1\nTEL;TYPE=WORK,VOICE:0221 2\n" in text.replace("\r", "")
    assert "0221 3" not in text


def test_rule_11_reordered_retyped_and_respelled_numbers_change_nothing(agency: Agency, server: Server) -> None:
    """A number is recognised in any order, type and spelling; an unchanged one keeps FlowFact's own."""
    agency.office.address([agency.own], ["0221/1234567", "+49 171 7654321", "0228 111111"])
    device = server.start().device()
    path, etag, text = only(device, "addresses")
    lines = [line for line in payloads.lines_of(text) if not line.startswith("TEL")]
    sent = ["TEL;TYPE=HOME:+49 228 111111", "TEL;TYPE=HOME:01717654321", "TEL;TYPE=CELL:+492211234567"]
    before = agency.office.everything()
    assert device.put(path, "\r\n".join([*lines[:-1], *sent, lines[-1]]), etag).status == 204
    assert agency.office.everything() == before


def test_rule_11_a_new_and_a_removed_number_shift_no_other(agency: Agency, server: Server) -> None:
    """Taking one number off and adding another leaves all other positions alone."""
    agency.office.address([agency.own], ["0221 1", "0171 2", "0228 3"])
    device = server.start().device()
    path, etag, text = only(device, "addresses")
    sent = payloads.without(text, "TEL;TYPE=CELL").replace("END:VCARD", "TEL;TYPE=PAGER:0221 77\r\nEND:VCARD")
    assert device.put(path, sent, etag).status == 204
    rows = {row["POS"]: row["NUMMER"] for row in agency.office.rows(agency.office.tables.phone)}
    assert rows == {1: "0221 1", 2: "", 3: "0228 3", 7: "0221 77"}  # position 2 keeps its remark


def test_rule_12_a_private_contact_stays_on_the_device(agency: Agency, server: Server) -> None:
    """Policy "device": a contact of category privat never reaches FlowFact, but all devices of the user."""
    device = server.start().device()
    before = agency.office.everything()
    assert device.put("addresses/p.vcf", payloads.vcard("p", "CATEGORIES:Privat"), new=True).status == 201
    assert agency.office.everything() == before
    assert contacts(server) == ["Meier"]
    assert contacts(server, "ben") == []


def test_rule_12_a_private_contact_is_taken_over_with_sole_rights(agency: Agency, server: Server) -> None:
    """Policy "flowfact": the contact becomes an address to which the user alone has rights."""
    rights = agency.office.tables.rights
    assert rights is not None
    device = server.start('[addresses]\nprivate = "flowfact"\n').device()
    assert device.put("addresses/p.vcf", payloads.vcard("p", "CATEGORIES:privat"), new=True).status == 201
    dsn = agency.office.row(agency.office.tables.address)["DSN"]
    assert agency.office.rows(rights) == [
        {"TABELLE": "AD", "OBJ_DSN": dsn, "BEN_DSN": agency.anna, "GRP_DSN": None, "RECHT": "VOLL"}
    ]
    agency.office.tag_address(dsn, agency.bens)
    assert contacts(server, "ben") == []


def test_rule_13_delete_takes_only_the_own_merkmal(agency: Agency, server: Server) -> None:
    """The record, its other Merkmale, its Touch and the colleague's contact stay."""
    dsn = agency.office.address([agency.own, agency.bens])
    device = server.start().device()
    path, etag, _ = only(device, "addresses")
    before = agency.office.everything()
    assert device.delete(path, etag).status == 200
    before["ADMKM"].remove({"AD_DSN": dsn, "MKM_DSN": agency.own})
    assert agency.office.everything() == before
    assert contacts(server) == []
    assert contacts(server, "ben") == ["Muster"]


def test_rule_13_what_would_stay_in_scope_is_hidden(agency: Agency, server: Server) -> None:
    """Deleted though linked to an appointment: hidden, until the own Merkmal is set again in FlowFact."""
    dsn = agency.office.address([agency.own])
    agency.appointment(addresses=[dsn])
    device = server.start().device()
    path, _, _ = only(device, "addresses")
    device.delete(path)
    assert contacts(server) == []
    agency.office.change(agency.office.tables.address, {"DSN": dsn}, ORT="Bonn")
    assert contacts(server) == []
    agency.office.tag_address(dsn, agency.own)
    assert only(device, "addresses")[0] == path


def test_rule_14_a_new_contact_is_a_new_address(agency: Agency, server: Server) -> None:
    """The own Merkmal, a Kennung that nobody has, created and changed fields are set."""
    agency.office.address([], KENNUNG="Meier, Eva")
    device = server.start().device()
    assert device.put("addresses/n.vcf", payloads.vcard("n", "ORG:ACME"), new=True).status == 201
    row = agency.office.row(agency.office.tables.address, NAME="Meier")
    assert (row["KENNUNG"], row["FIRMA"], row["VORNAME"]) == ("Meier, Eva (2)", "ACME", "Eva")
    assert (row["ANGELEGT_VON"], row["TOUCH_VON"]) == (agency.anna, agency.anna)
    assert row["ANGELEGT"] == row["TOUCH"]
    assert row["TOUCH"].isoformat() == "2026-06-15T12:00:00"
    tags = agency.office.rows(agency.office.tables.address_merkmal, AD_DSN=row["DSN"])
    assert [tag["MKM_DSN"] for tag in tags] == [agency.own]


def test_rule_14_the_kennung_of_a_name_in_wide_characters_fits(agency: Agency, server: Server) -> None:
    """A name of 50 emoji fills its column; the Kennung made of it is cut to fit, and a number alone is one, too.

    PostgreSQL counts characters: there 100 fill it.
    """
    device = server.start().device()
    units = 1 if server.database.url.startswith("postgresql") else 2  # of an emoji
    name = "🏠" * (100 // units)
    assert device.put("addresses/n.vcf", payloads.vcard("n", name=f"{name};Eva;;;"), new=True).status == 201
    row = agency.office.row(agency.office.tables.address)
    assert (row["NAME"], row["KENNUNG"]) == (name, "🏠" * (92 // units))
    alone = payloads.vcard("m", "TEL;TYPE=CELL:0171 5", name=";;;;").replace("FN:Eva Meier", "FN:")
    assert device.put("addresses/m.vcf", alone, new=True).status == 201
    assert agency.office.row(agency.office.tables.address, KENNUNG="0171 5")["NAME"] == ""


def test_rule_15_a_put_after_delete_attaches_the_same_record(agency: Agency, server: Server) -> None:
    """Undo on the phone, or a move as DELETE and PUT: the own Merkmal comes back, no second record is made."""
    agency.office.address([agency.own])
    device = server.start().device()
    path, _, text = only(device, "addresses")
    before = agency.office.everything()
    for target in (path, "addresses/moved.vcf"):
        device.delete(path)
        assert device.put(target, text).status == 201
        assert agency.office.everything() == before


def test_rule_15_a_shared_appointment_comes_back_without_the_own_merkmal_being_synced(
    agency: Agency, server: Server
) -> None:
    """In scope by a team Merkmal: deleted and put back, though the user's own is not among those he syncs."""
    office, lists = agency.office, agency.office.tables.user_merkmal
    team = office.merkmal("Team")
    office.syncs(agency.anna, team, "VORLAGE")
    assert lists is not None
    office.remove(lists, BEN_DSN=agency.anna, MKM_DSN=agency.own, BEREICH="VORLAGE")
    agency.appointment(merkmale=[agency.own, team])
    device = server.start().device()
    path, _, text = only(device, "appointments")
    before = office.everything()
    assert device.delete(path).status == 200
    assert device.all("appointments") == {}
    assert device.put(path, text).status == 201
    assert office.everything() == before
    assert only(device, "appointments")[0] == path


def test_rule_15_an_edit_in_the_put_after_delete_is_carried_over(agency: Agency, server: Server) -> None:
    """What was changed between DELETE and PUT reaches the record that is attached again."""
    agency.office.address([agency.own], STRASSE="Weg 1")
    device = server.start().device()
    path, _, text = only(device, "addresses")
    device.delete(path)
    assert device.put(path, text.replace("Weg 1", "Weg 2")).status == 201
    assert agency.office.row(agency.office.tables.address)["STRASSE"] == "Weg 2"
