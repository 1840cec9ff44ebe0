"""Rules 25 to 31: nothing is lost, nothing breaks."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from radicale_flowfact.dav.store import tables as dav_tables
from tests import payloads
from tests.commands.test_commands import run
from tests.conftest import Agency, Server, not_on_mssql
from tests.rules.client import contacts, entries, only

LATER = datetime(2026, 6, 15, 11, 30)


def command(server: Server, *arguments: str) -> str:
    """Run an admin's command on this server's configuration; it must succeed."""
    done = run(*arguments, "--config", str(server.config))
    assert done.returncode == 0, done.stderr
    return done.stdout


def numbers(server: Server) -> list[str]:
    """Return the numbers of the history's entries, oldest first."""
    return re.findall(r"^ *(\d+)  \d\d\.", command(server, "history"), flags=re.MULTILINE)[::-1]


def test_rule_25_what_flowfact_has_no_field_for_comes_back(agency: Agency, server: Server) -> None:
    """Photo, birthday, second addresses, X- properties stay with the user, on all his devices."""
    device = server.start().device()
    extra = ["BDAY:1970-01-01", 'X-THING;X-P="a;b":1,2', "item1.URL:https://example.com", "PHOTO;ENCODING=b:AAAA"]
    first = device.put("addresses/n.vcf", payloads.vcard("n", *extra[:2]), new=True)
    assert first.status == 201
    assert device.put("addresses/n.vcf", payloads.vcard("n", *extra), first.etag).status == 204
    dsn = agency.office.row(agency.office.tables.address)["DSN"]
    agency.office.change(agency.office.tables.address, {"DSN": dsn}, ORT="Bonn", TOUCH=LATER)
    agency.office.tag_address(dsn, agency.bens)
    text = server.device(agent="Other").all("addresses")["n.vcf"]
    assert all(line in payloads.lines_of(text) for line in extra)
    assert "Bonn" in text
    assert not any("BDAY" in other for other in server.device("ben").all("addresses").values())


def test_rule_25_what_the_device_never_had_is_not_cleared_what_it_had_is(agency: Agency, server: Server) -> None:
    """A field that was served and is now missing is cleared; the ninth number and the salutation are not."""
    numbers = [f"0221 {position}" for position in range(1, 10)]
    agency.office.address([agency.own], numbers, ANREDE="Frau", NOTIZ="weg", FIRMA="bleibt")
    device = server.start().device()
    path, etag, text = only(device, "addresses")
    assert device.put(path, payloads.without(text, "NOTE"), etag).status == 204
    row = agency.office.row(agency.office.tables.address)
    assert (row["NOTIZ"], row["FIRMA"], row["ANREDE"]) == ("", "bleibt", "Frau")
    assert len(agency.office.rows(agency.office.tables.phone)) == 9


def test_rule_25_a_label_stays_with_its_number(agency: Agency, server: Server) -> None:
    """Apple's label of a phone or fax number comes back in one group with it, whatever number the group gets."""
    agency.office.address([agency.own], ["0221 1", "0171 2"], FAX="0221 99")
    device = server.start().device()
    path, etag, text = only(device, "addresses")
    sent = text.replace("TEL;TYPE=CELL,VOICE:", "item1.TEL:").replace("TEL;TYPE=WORK,FAX:", "item2.TEL;TYPE=FAX:")
    sent = sent.replace("END:VCARD", "item1.X-ABLabel:Empfang\r\nitem2.X-ABLabel:Keller\r\nEND:VCARD")
    before = agency.office.everything()
    assert device.put(path, sent, etag).status == 204
    path, etag, text = only(device, "addresses")
    assert "item1.TEL;TYPE=CELL,VOICE:0171 2" in text
    assert device.put(path, text.replace("item1.", "item7."), etag).status == 204
    assert agency.office.everything() == before
    agency.office.change(agency.office.tables.address, {}, ORT="Bonn", TOUCH=LATER)
    lines = payloads.lines_of(only(device, "addresses")[2])
    grouped = {line for line in lines if line.startswith("item")}
    assert grouped == {
        *("item7.TEL;TYPE=CELL,VOICE:0171 2", "item7.X-ABLabel:Empfang"),
        *("item2.TEL;TYPE=WORK,FAX:0221 99", "item2.X-ABLabel:Keller"),
    }


def test_rule_25_a_device_only_item_is_listed_and_really_deleted(agency: Agency, server: Server) -> None:
    """A series stays on the user's devices; status lists it; deleting it deletes it, its text stays in the history."""
    device = server.start().device()
    sent = payloads.event("s", "RRULE:FREQ=DAILY;COUNT=3")
    assert device.put("appointments/s.ics", sent, new=True).status == 201
    assert agency.office.rows(agency.office.tables.activity) == []
    assert "only on the devices (recurring): s.ics" in command(server, "status")
    assert device.delete("appointments/s.ics").status == 200
    assert entries(server, "appointments") == []
    assert "RRULE:FREQ=DAILY" in command(server, "history", "--bodies")
    command(server, "undo", numbers(server)[1])
    assert device.get("appointments/s.ics").text == sent


def test_rule_25_a_contact_group_stays_on_the_device(agency: Agency, server: Server) -> None:
    """An Apple contact group is no address."""
    device = server.start().device()
    group = payloads.vcard("g", "X-ADDRESSBOOKSERVER-KIND:group", "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:1")
    assert device.put("addresses/g.vcf", group, new=True).status == 201
    assert agency.office.rows(agency.office.tables.address) == []
    assert device.get("addresses/g.vcf").text == group


def test_rule_25_a_second_kind_never_turns_up_in_the_wrong_collection(agency: Agency, server: Server) -> None:
    """A VTODO is refused in appointments, a VEVENT in tasks."""
    device = server.start().device()
    assert device.put("appointments/x.ics", payloads.todo("x"), new=True).status == 403
    assert device.put("tasks/x.ics", payloads.event("x"), new=True).status == 403


def test_rule_26_only_what_the_device_changed_is_written(agency: Agency, server: Server) -> None:
    """A text with blanks that clients trim is not written back; the changed field is the only one."""
    agency.office.address([agency.own], STRASSE=" Weg 1 ", NOTIZ="Zeile 1  \r\nZeile 2\r\n", FIRMA="A  B")
    device = server.start().device()
    path, etag, text = only(device, "addresses")
    assert device.put(path, text.replace("FN:Muster", "FN:Muster ").replace("Muster;", "Meister;"), etag).status == 204
    row = agency.office.row(agency.office.tables.address)
    assert (row["NAME"], row["STRASSE"], row["NOTIZ"]) == ("Meister", " Weg 1 ", "Zeile 1  \r\nZeile 2\r\n")


@pytest.mark.parametrize("length", [0, None])
def test_rule_26_an_end_that_says_no_more_than_the_begin_is_no_change(
    agency: Agency, server: Server, length: int | None
) -> None:
    """No end, an end at the begin, a DURATION of nothing: clients write one for the other."""
    begin = datetime(2026, 6, 20, 10)
    agency.appointment(BEGINN=begin, ENDE=None if length is None else begin)
    device = server.start().device()
    before = agency.office.everything()
    for said in ("", "DTEND;TZID=Europe/Berlin:20260620T100000\r\n", "DURATION:PT0S\r\n"):
        path, etag, text = only(device, "appointments")
        sent = payloads.without(payloads.without(text, "DTEND"), "DURATION").replace("END:VEVENT", f"{said}END:VEVENT")
        assert device.put(path, sent, etag).status == 204
        assert agency.office.everything() == before


def test_rule_26_a_client_without_if_match_does_not_undo_the_office(agency: Agency, server: Server) -> None:
    """The version that this login and program fetched last is what a PUT without If-Match is compared with."""
    agency.office.address([agency.own], ["0221 1"], STRASSE="Weg 1")
    device = server.start().device(agent="Evolution")
    path, _, text = only(device, "addresses")
    agency.office.change(agency.office.tables.address, {}, STRASSE="Weg 9", TOUCH=LATER)
    server.device(agent="Phone").all("addresses")
    assert device.put(path, text.replace("0221 1", "0221 2")).status == 204
    assert agency.office.row(agency.office.tables.address)["STRASSE"] == "Weg 9"
    assert agency.office.row(agency.office.tables.phone)["NUMMER"] == "0221 2"


def test_rule_43_a_program_that_was_updated_is_the_same_device(agency: Agency, server: Server) -> None:
    """Thunderbird 128.4 sends, without If-Match, what 128.3 fetched: what the office changed since is not undone."""
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.{}"
    agency.office.address([agency.own], ["0221 1"], STRASSE="Weg 1")
    path, _, text = only(server.start().device(agent=agent.format(3)), "addresses")
    agency.office.change(agency.office.tables.address, {}, STRASSE="Weg 9", TOUCH=LATER)
    assert server.device(agent=agent.format(4)).put(path, text.replace("0221 1", "0221 2")).status == 204
    assert agency.office.row(agency.office.tables.address)["STRASSE"] == "Weg 9"
    assert agency.office.row(agency.office.tables.phone)["NUMMER"] == "0221 2"


def test_rule_26_the_journal_tells_what_a_device_saw_last_not_a_clock(agency: Agency, server: Server) -> None:
    """A clock that goes back an hour between the office's edit and the device's PUT loses nothing."""
    agency.office.address([agency.own], ["0221 1"], STRASSE="Weg 1")
    device = server.start("refresh_seconds = 0\n").device()
    path, _, _ = only(device, "addresses")
    agency.office.change(agency.office.tables.address, {}, STRASSE="Weg 5")
    server.moment -= timedelta(hours=1)
    text = device.get(path).text
    server.gateway.flush()
    agency.office.change(agency.office.tables.address, {}, STRASSE="Weg 9")
    assert device.put(path, text.replace("0221 1", "0221 2")).status == 204
    assert agency.office.row(agency.office.tables.address)["STRASSE"] == "Weg 9"
    assert agency.office.row(agency.office.tables.phone)["NUMMER"] == "0221 2"


@pytest.mark.parametrize("condition", ["*", '"old", {}'])
def test_rule_43_if_match_that_names_no_version_does_not_undo_the_office(
    agency: Agency, server: Server, condition: str
) -> None:
    """``*`` and a list of several tags say only that there shall be an item, not which version the device has."""
    agency.office.address([agency.own], ["0221 1"], STRASSE="Weg 1")
    device = server.start().device(agent="Evolution")
    path, _, text = only(device, "addresses")
    agency.office.change(agency.office.tables.address, {}, STRASSE="Weg 9", TOUCH=LATER)
    present = condition.format(next(iter(server.device(agent="Phone").sync("addresses").changed.values())))
    assert device.put(path, text.replace("0221 1", "0221 2"), present).status == 204
    assert agency.office.row(agency.office.tables.address)["STRASSE"] == "Weg 9"
    assert agency.office.row(agency.office.tables.phone)["NUMMER"] == "0221 2"
    assert device.put("addresses/none.vcf", text, "*").status == 412  # RFC 9110 §13.1.1


def test_rule_27_an_outdated_etag_gets_412_and_the_body_is_kept(agency: Agency, server: Server) -> None:
    """Two edits at once: the second changes nothing; its body is in the history."""
    agency.office.address([agency.own], STRASSE="Weg 1")
    device = server.start().device()
    path, etag, text = only(device, "addresses")
    assert device.put(path, text.replace("Weg 1", "Weg 2"), etag).status == 204
    before = agency.office.everything()
    assert device.put(path, text.replace("Weg 1", "Weg 3"), etag).status == 412
    assert agency.office.everything() == before
    told = command(server, "history", "--bodies")
    assert "refused" in told
    assert "Weg 3" in told


def test_rule_27_a_change_in_flowfact_between_read_and_write_gets_412(agency: Agency, server: Server) -> None:
    """FlowFact changed the row since the device read it, even if no refresh was due."""
    agency.office.address([agency.own], STRASSE="Weg 1")
    device = server.start("refresh_seconds = 3600\n").device()
    path, etag, text = only(device, "addresses")
    agency.office.change(agency.office.tables.address, {}, ORT="Bonn")
    assert device.put(path, text.replace("Weg 1", "Weg 2"), etag).status == 412
    assert agency.office.row(agency.office.tables.address)["STRASSE"] == "Weg 1"


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("appointments/x.ics", payloads.event("x", start="DTSTART:x"), "DTSTART is no date"),
        ("appointments/x.ics", payloads.event("x", start="DTSTART:20260702T080000Z"), "ends before it begins"),
    ],
)
def test_rule_28_what_flowfact_cannot_keep_is_refused_with_a_reason(
    agency: Agency, server: Server, path: str, body: str, told: str
) -> None:
    """What is no entry at all is refused as a whole, the reason in answer and history."""
    device = server.start().device()
    before = agency.office.everything()
    answer = device.put(path, body)
    assert answer.status in (403, 409)
    assert told in answer.text
    assert agency.office.everything() == before
    assert told in str(agency.office.row(dav_tables.history)["reason"])


@not_on_mssql("a datetime begins in 1753")
def test_rule_28_a_bad_record_is_served_minimally_and_stops_no_other(agency: Agency, server: Server) -> None:
    """Control characters, an end before the begin, no begin: served in a minimal form and named by status."""
    agency.office.address([agency.own], NAME="Gut")
    agency.office.address([agency.own], NAME="Bö\x07se")
    agency.appointment(BETREFF="verkehrt", ENDE=datetime(2026, 6, 19))
    agency.appointment(BETREFF="ohne", BEGINN=None, ENDE=None)
    agency.appointment(BETREFF="Jahr 1", BEGINN=datetime(1, 1, 1), ENDE=None)
    server.start("[appointments]\npast_days = -1\n")
    assert contacts(server) == ["Böse", "Gut"]
    names = ["Besichtigung: Jahr 1", "Besichtigung: ohne", "Besichtigung: verkehrt"]
    assert entries(server, "appointments") == names
    assert command(server, "status").count("shown in a minimal form") == 4


def test_rule_29_every_write_is_recorded_and_can_be_undone(agency: Agency, server: Server) -> None:
    """Who, which device, record, field, before and after; undo restores fields, phones and Merkmale."""
    agency.office.address([agency.own], ["0221 1"], STRASSE="Weg 1")
    device = server.start().device(agent="Phone/9")
    before = agency.office.everything()
    path, etag, text = only(device, "addresses")
    device.put(path, text.replace("Weg 1", "Weg 2").replace("0221 1", "0221 2"), etag)
    device.delete(path)
    told = command(server, "history", "--user", "anna")
    for part in ("anna", "Phone/9", "street: 'Weg 1' -> 'Weg 2'", "phone 1: '0221 1' -> '0221 2'", "Merkmal off"):
        assert part in told
    changed = agency.office.everything()
    assert "would be" in command(server, "undo", *numbers(server), "--dry-run")
    assert agency.office.everything() == changed
    command(server, "undo", "--user", "anna", "--since", "2026-01-01")
    after = agency.office.everything()
    for rows in (before, after):
        rows["AD"][0] |= {"TOUCH": None, "TOUCH_VON": None}
    assert after == before
    assert contacts(server) == ["Muster"]
    assert "taken back already" in command(server, "undo", numbers(server)[0])


def test_rule_29_what_flowfact_changed_since_is_not_undone(agency: Agency, server: Server) -> None:
    """Undo says what it leaves alone, and takes back the rest."""
    agency.office.address([agency.own], STRASSE="Weg 1", ORT="Köln")
    device = server.start().device()
    path, etag, text = only(device, "addresses")
    device.put(path, text.replace("Weg 1", "Weg 2").replace("Köln", "Bonn"), etag)
    agency.office.change(agency.office.tables.address, {}, ORT="Berlin", TOUCH=LATER)
    told = command(server, "undo", numbers(server)[0])
    assert "FlowFact changed it since, to 'Berlin'" in told
    row = agency.office.row(agency.office.tables.address)
    assert (row["STRASSE"], row["ORT"]) == ("Weg 1", "Berlin")


def test_rule_29_a_new_private_record_loses_its_merkmal_and_stays_private(agency: Agency, server: Server) -> None:
    """Undo of a contact made on the device: its Merkmal goes, the record and its sole rights stay; undo says so."""
    rights = agency.office.tables.rights
    assert rights is not None
    device = server.start('[addresses]\nprivate = "flowfact"\n').device()
    device.put("addresses/p.vcf", payloads.vcard("p", "CATEGORIES:privat"), new=True)
    assert "stays in FlowFact" in command(server, "undo", numbers(server)[0])
    assert [row["BEN_DSN"] for row in agency.office.rows(rights)] == [agency.anna]
    assert agency.office.rows(agency.office.tables.address_merkmal) == []
    assert len(agency.office.rows(agency.office.tables.address)) == 1
    assert contacts(server) == []


def test_rule_29_done_and_sidecar_are_undone(agency: Agency, server: Server) -> None:
    """Undo of a task set done, and of what only the device keeps."""
    agency.task()
    device = server.start().device()
    path, etag, text = only(device, "tasks")
    sent = text.replace("STATUS:NEEDS-ACTION", "STATUS:COMPLETED\r\nLOCATION:Bonn")
    assert device.put(path, sent, etag).status == 204
    assert agency.office.row(agency.office.tables.activity)["ERLEDIGT"] is True
    command(server, "undo", numbers(server)[0])
    assert agency.office.row(agency.office.tables.activity)["ERLEDIGT"] is False
    assert "LOCATION" not in only(device, "tasks")[2]


def test_rule_30_a_sudden_loss_stops_until_the_admin_confirms(agency: Agency, server: Server) -> None:
    """More than 30 % and 20 items would vanish: nothing is removed; additions and changes still flow."""
    dsns = [agency.office.address([agency.own], NAME=f"N{number:02}") for number in range(40)]
    device = server.start().device()
    token = device.sync("addresses").token
    rows = agency.office.rows(agency.office.tables.address_merkmal)
    removed = sorted(rows, key=lambda row: str(row["AD_DSN"]))[:25]
    for row in removed:
        agency.office.remove(agency.office.tables.address_merkmal, **row)
    agency.office.address([agency.own], NAME="Neu")
    agency.office.change(agency.office.tables.address, {"DSN": dsns[-1]}, ORT="Bonn")
    synced = device.sync("addresses", token)
    assert synced.gone == []
    assert len(synced.changed) == 2
    assert "25 of 40 items would vanish" in command(server, "status")
    assert command(server, "confirm", "anna").startswith("Released: addresses")
    assert len(device.sync("addresses", synced.token).gone) == 25
    assert "STOPPED" not in command(server, "status")


def test_rule_30_the_log_says_so_once(agency: Agency, server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """The stop is logged as an error when it begins, with the command that ends it."""
    for number in range(30):
        agency.office.address([agency.own], NAME=f"N{number:02}")
    device = server.start().device()
    device.sync("addresses")
    agency.office.remove(agency.office.tables.address_merkmal)
    for _ in range(3):
        device.sync("addresses")
    told = [record.getMessage() for record in caplog.records if "STOPPED" in record.getMessage()]
    assert len(told) == 1
    assert "30 of 30 items of anna/addresses would vanish" in told[0]
    assert told[0].endswith("radicale-flowfact confirm anna")


def test_rule_30_confirmed_is_what_the_admin_saw(agency: Agency, server: Server) -> None:
    """A database that loses much more between the confirmation and the next look stops again."""
    tags = agency.office.tables.address_merkmal
    for number in range(60):
        agency.office.address([agency.own], NAME=f"N{number:02}")
    device = server.start().device()
    token = device.sync("addresses").token
    rows = sorted(agency.office.rows(tags), key=lambda row: str(row["AD_DSN"]))
    for row in rows[:25]:
        agency.office.remove(tags, **row)
    assert device.sync("addresses", token).gone == []
    command(server, "confirm", "anna")
    agency.office.remove(tags)
    assert device.sync("addresses", token).gone == []
    assert "60 of 60 items would vanish" in command(server, "status")
    command(server, "confirm", "anna")
    assert len(device.sync("addresses", token).gone) == 60


def test_rule_30_an_emptied_database_empties_no_phone(agency: Agency, server: Server) -> None:
    """A FlowFact that answers empty stops too, and goes on by itself once it answers as before."""
    for number in range(30):
        agency.office.address([agency.own], NAME=f"N{number:02}")
    device = server.start().device()
    token = device.sync("addresses").token
    rows = agency.office.rows(agency.office.tables.address_merkmal)
    agency.office.remove(agency.office.tables.address_merkmal)
    assert device.sync("addresses", token).gone == []
    for row in rows:
        agency.office.add(agency.office.tables.address_merkmal, **row)
    synced = device.sync("addresses", token)
    assert (synced.gone, synced.changed) == ([], {})
    assert "STOPPED" not in command(server, "status")


def test_rule_30_what_is_held_cannot_be_written_to(agency: Agency, server: Server) -> None:
    """While the stop holds, an edit or deletion of a held item gets 503 and changes nothing, here and there."""
    for number in range(30):
        agency.office.address([agency.own], NAME=f"N{number:02}")
    device = server.start().device()
    href, text = sorted(device.all("addresses").items())[0]
    token = device.sync("addresses").token
    agency.office.remove(agency.office.tables.address_merkmal)
    agency.office.remove(agency.office.tables.address)
    assert device.sync("addresses", token).gone == []
    before = agency.office.everything()
    assert device.put(f"addresses/{href}", text.replace("N00", "X")).status == 503
    assert device.delete(f"addresses/{href}").status == 503
    assert agency.office.everything() == before
    assert device.put("addresses/new.vcf", payloads.vcard("new"), new=True).status == 201
    assert len(device.sync("addresses").changed) == 31


def test_rule_30_a_small_loss_flows(agency: Agency, server: Server) -> None:
    """Few items, or a small share, vanish at once."""
    for number in range(10):
        agency.office.address([agency.own], NAME=f"N{number}")
    device = server.start().device()
    token = device.sync("addresses").token
    agency.office.remove(agency.office.tables.address_merkmal)
    assert len(device.sync("addresses", token).gone) == 10


def test_rule_31_writing_is_off_until_the_admin_turns_it_on(agency: Agency, server: Server) -> None:
    """Write = false: every PUT and DELETE answers 403 and changes nothing, and reading works."""
    agency.office.address([agency.own])
    device = server.start("write = false\n").device()
    path, etag, text = only(device, "addresses")
    before = agency.office.everything()
    assert device.put(path, text.replace("Muster", "X"), etag).status == 403
    assert device.put("appointments/n.ics", payloads.event("n"), new=True).status == 403
    assert device.delete(path, etag).status == 403
    assert agency.office.everything() == before


def test_rule_31_while_it_is_off_no_other_answer_is_given(agency: Agency, server: Server) -> None:
    """An outdated ETag, an item that is not there and what cannot be read get that 403 too, with its reason."""
    agency.office.address([agency.own])
    device = server.start("write = false\n").device()
    path, _, text = only(device, "addresses")
    answers = [
        device.put(path, text, '"old"'),
        device.put(path, text, new=True),
        device.put("addresses/n.vcf", "garbage"),
        device.put("appointments/n.ics", payloads.todo("n")),
        device.delete(path, '"old"'),
        device.delete("addresses/none.vcf"),
    ]
    assert all((answer.status, "write = true" in answer.text) == (403, True) for answer in answers)


def test_rule_31_it_is_off_by_default_and_the_demo_has_it_on() -> None:
    """The default of write is false; the demo's settings say true."""
    from radicale_flowfact.demo import setup
    from radicale_flowfact.settings import Settings

    assert Settings(database_url="sqlite://").write is False
    assert "write = true" in Path(setup.__file__).read_text(encoding="utf-8")
