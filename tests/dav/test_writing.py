"""What a device writes: exactly its change reaches FlowFact, and nothing of the rest is lost."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests import payloads
from tests.conftest import Agency, Server
from tests.device import Device

LATER = datetime(2026, 6, 15, 11, 30)


def only(device: Device, collection: str) -> tuple[str, str, str]:
    """Return path, ETag and text of the one item in a collection."""
    ((href, (etag, text)),) = device.multiget(collection, device.sync(collection).changed).items()
    return f"{collection}/{href}", etag, text


def test_one_field_changed_on_the_device_changes_one_column(agency: Agency, server: Server) -> None:
    dsn = agency.office.address([agency.own], ["0221 / 12 34"], FIRMA="Alt", STRASSE="Weg 1", ANREDE="Herr")
    other = agency.office.address([agency.bens])
    device = server.start().device()
    path, etag, text = only(device, "addresses")
    before = agency.office.everything()
    assert device.put(path, text.replace("Weg 1", "Weg 2"), etag).status == 204
    after = agency.office.everything()
    row = next(row for row in before["AD"] if row["DSN"] == dsn)
    row |= {"STRASSE": "Weg 2", "TOUCH": datetime(2026, 6, 15, 12), "TOUCH_VON": agency.anna}
    assert after == before
    assert other


def test_own_write_does_not_come_back(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own], STRASSE="Weg 1")
    device = server.start().device()
    path, etag, text = only(device, "addresses")
    token = device.sync("addresses").token
    put = device.put(path, text.replace("Weg 1", "Weg 2"), etag)
    synced = device.sync("addresses", token)
    assert list(synced.changed.values()) == [put.etag]  # the version the device has already
    assert device.sync("addresses", synced.token).changed == {}
    assert device.get(path).etag == put.etag


def test_a_change_that_flowfact_spells_otherwise_comes_back(agency: Agency, server: Server) -> None:
    agency.appointment(BETREFF="Weg 1")
    device = server.start().device()
    path, etag, text = only(device, "appointments")
    put = device.put(path, text.replace("SUMMARY:Besichtigung: Weg 1", "SUMMARY:Weg 2"), etag)
    again, new_etag, new_text = only(device, "appointments")
    assert again == path
    assert put.etag == ""  # what is served is not what was sent (RFC 4791 §5.3.4)
    assert new_etag != etag
    assert "SUMMARY:Besichtigung: Weg 2" in new_text
    assert agency.office.rows(agency.office.tables.activity)[0]["BETREFF"] == "Weg 2"


def test_an_alarms_own_words_make_no_second_version(agency: Agency, server: Server) -> None:
    """Outlook's CalDav Synchronizer writes a text of its own into each alarm."""
    agency.appointment(VORLAGE=datetime(2026, 6, 20, 9, 45), VORLAGE_ZEIT=True)
    device = server.start().device()
    path, etag, text = only(device, "appointments")
    sent = text.replace("DESCRIPTION:Besichtigung: Betreff", "DESCRIPTION:This is an event reminder")
    assert device.put(path, sent, etag).etag == device.get(path).etag != etag


def test_a_device_that_only_reorders_finds_its_own_version(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own], EMAIL="a@example.com")
    agency.appointment(VORLAGE=datetime(2026, 6, 20, 9, 45), VORLAGE_ZEIT=True)
    device = server.start().device()
    two = {
        "addresses": ("EMAIL;TYPE=INTERNET,WORK:a@example.com\n", "EMAIL;TYPE=WORK:b@example.com\n"),
        "appointments": (
            payloads.alarm().replace("\r", "").replace("DESCRIPTION:x", "DESCRIPTION:Besichtigung: Betreff") + "\n",
            payloads.alarm("TRIGGER:-P1D\nX-OWN:1").replace("\r", "") + "\n",
        ),
    }
    before = agency.office.everything()
    for collection, (ours, own) in two.items():
        for sent in (ours + own, own + ours):
            path, etag, text = only(device, collection)
            assert ours in text
            put = device.put(path, text.replace(own, "").replace(ours, sent), etag)
            assert (put.status, device.get(path).etag) == (204, put.etag)
    assert agency.office.everything() == before


def test_delete_takes_the_own_merkmal_off_and_nothing_else(agency: Agency, server: Server) -> None:
    dsn = agency.office.address([agency.own, agency.bens], ["0221 1"])
    device = server.start().device()
    path, etag, _ = only(device, "addresses")
    before = agency.office.everything()
    assert device.delete(path, etag).status == 200
    after = agency.office.everything()
    before["ADMKM"].remove({"AD_DSN": dsn, "MKM_DSN": agency.own})
    assert after == before
    assert device.get(path).status == 404
    assert len(server.device("ben").sync("addresses").changed) == 1


def test_put_after_delete_attaches_the_same_record(agency: Agency, server: Server) -> None:
    dsn = agency.office.address([agency.own], STRASSE="Weg 1")
    device = server.start().device()
    path, etag, text = only(device, "addresses")
    before = agency.office.everything()
    device.delete(path, etag)
    assert device.put(path, text).status == 201
    assert agency.office.everything() == before
    assert agency.office.rows(agency.office.tables.address_merkmal) == [{"AD_DSN": dsn, "MKM_DSN": agency.own}]


def test_put_after_delete_under_another_href_attaches_the_same_record(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own])
    device, other = server.start().device(), server.device(agent="Other/1.0")
    path, etag, text = only(device, "addresses")
    token = other.sync("addresses").token
    device.delete(path, etag)
    assert device.put("addresses/elsewhere.vcf", text).status == 201
    synced = other.sync("addresses", token)
    assert list(synced.changed) == ["elsewhere.vcf"]
    assert synced.gone == [path.partition("/")[2]]
    assert len(agency.office.rows(agency.office.tables.address)) == 1


def test_deleted_item_in_scope_by_another_merkmal_stays_hidden(agency: Agency, server: Server) -> None:
    shared = agency.office.merkmal("VIP")
    agency.office.syncs(agency.anna, shared, "OUTLOOK")
    dsn = agency.office.address([agency.own, shared])
    device = server.start().device()
    path, _, _ = only(device, "addresses")
    token = device.sync("addresses").token
    device.delete(path)
    gone = device.sync("addresses", token)
    assert (len(gone.gone), gone.changed) == (1, {})
    agency.office.change(agency.office.tables.address, {"DSN": dsn}, ORT="Bonn", TOUCH=LATER)
    assert device.sync("addresses", gone.token).changed == {}
    agency.office.tag_address(dsn, agency.own)
    assert len(device.sync("addresses", gone.token).changed) == 1


def test_unmapped_lines_come_back_and_flowfact_gets_only_its_own_fields(agency: Agency, server: Server) -> None:
    device = server.start().device()
    photo = "PHOTO;ENCODING=b;TYPE=JPEG:" + "/9j/4AAQSkZJRg" * 200 + "=="
    extra = [
        photo,
        "BDAY:1970-03-04",
        "ADR;TYPE=HOME:;;Heimweg 3;Bonn;;53111;",
        "EMAIL;TYPE=HOME:privat@example.com",
        "X-CUSTOM;X-P=1:a\\, b",
        "item1.URL:https://example.com",
        "item1.X-ABLabel:Seite",
    ]
    mapped = ["EMAIL;TYPE=WORK:buero@example.com", "ADR;TYPE=WORK:;;Büroweg 1;Köln;;50667;", "NOTE:Hallo"]
    assert device.put("addresses/x.vcf", payloads.vcard("u-1", *extra, *mapped), new=True).status == 201
    text = device.get("addresses/x.vcf").text
    kept = {line.lower() for line in payloads.lines_of(text)}
    for line in extra:
        assert line.lower() in kept
    row = agency.office.row(agency.office.tables.address)
    wanted = {"NAME": "Meier", "VORNAME": "Eva", "STRASSE": "Büroweg 1", "PLZ": "50667", "NOTIZ": "Hallo"}
    assert {key: row[key] for key in wanted} == wanted
    assert (row["EMAIL"], row["KENNUNG"], row["ANGELEGT_VON"]) == ("buero@example.com", "Meier, Eva", agency.anna)
    assert "privat" not in str(agency.office.everything())

    # The office changes the street: the new version still has all of it.
    agency.office.change(agency.office.tables.address, {"DSN": row["DSN"]}, STRASSE="Neu 2", TOUCH=LATER)
    newer = {line.lower() for line in payloads.lines_of(device.all("addresses")["x.vcf"])}
    for line in extra:
        assert line.lower() in newer
    assert any("neu 2" in line for line in newer)


def test_two_devices_edit_one_contact_the_second_gets_412(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own], STRASSE="Weg 1")
    device, other = server.start().device(), server.device(agent="Other/1.0")
    path, etag, text = only(device, "addresses")
    assert device.put(path, text.replace("Weg 1", "Weg 2"), etag).status == 204
    before = agency.office.everything()
    assert other.put(path, text.replace("Weg 1", "Weg 3"), etag).status == 412
    assert agency.office.everything() == before


def test_flowfact_changed_between_read_and_put_gives_412(agency: Agency, server: Server) -> None:
    dsn = agency.office.address([agency.own], STRASSE="Weg 1")
    device = server.start("refresh_seconds = 3600\n").device()
    path, etag, text = only(device, "addresses")
    agency.office.change(agency.office.tables.address, {"DSN": dsn}, ORT="Bonn", TOUCH=LATER)
    before = agency.office.everything()
    assert device.put(path, text.replace("Weg 1", "Weg 3"), etag).status == 412
    assert agency.office.everything() == before


def test_without_if_match_the_last_fetched_version_counts(agency: Agency, server: Server) -> None:
    """An old client that changes the phone number does not undo the new street from the office."""
    dsn = agency.office.address([agency.own], ["0221 11"], STRASSE="Weg 1")
    device = server.start().device(agent="Thunderbird")
    path, _, text = only(device, "addresses")
    agency.office.change(agency.office.tables.address, {"DSN": dsn}, STRASSE="Weg 9", TOUCH=LATER)
    server.device(agent="Phone").all("addresses")
    assert device.put(path, text.replace("0221 11", "0221 22")).status == 204
    row = agency.office.row(agency.office.tables.address, DSN=dsn)
    assert row["STRASSE"] == "Weg 9"
    assert agency.office.row(agency.office.tables.phone)["NUMMER"] == "0221 22"


def test_new_appointment_gets_the_preset_kind_and_the_own_merkmal(agency: Agency, server: Server) -> None:
    device = server.start().device()
    sent = payloads.event("e-1", "LOCATION:Köln", payloads.alarm(), "DESCRIPTION:Unterlagen")
    put = device.put("appointments/e.ics", sent, new=True)
    assert put.status == 201
    row = agency.office.row(agency.office.tables.activity)
    assert (row["ART_DSN"], row["BETREFF"], row["NOTIZ"]) == (agency.visit, "Notar", "Unterlagen")
    assert (row["BEGINN"], row["ENDE"]) == (datetime(2026, 7, 1, 10), datetime(2026, 7, 1, 11))
    assert (row["VORLAGE"], row["VORLAGE_ZEIT"]) == (datetime(2026, 7, 1, 9, 45), True)
    assert agency.office.rows(agency.office.tables.activity_merkmal) == [{"AKT_DSN": row["DSN"], "MKM_DSN": agency.own}]
    _, _, text = only(device, "appointments")
    assert "LOCATION:Köln" in text
    assert "SUMMARY:Besichtigung: Notar" in text


def test_new_task_without_due_date_is_due_today(agency: Agency, server: Server) -> None:
    device = server.start().device()
    assert device.put("tasks/t.ics", payloads.todo("t-1", "PRIORITY:1"), new=True).status == 201
    row = agency.office.row(agency.office.tables.activity)
    assert (row["VORLAGE"], row["VORLAGE_ZEIT"], row["PRIORITAET"]) == (datetime(2026, 6, 15), False, 1)


@pytest.mark.parametrize(
    ("lines", "due"),
    [
        (["DTSTART;VALUE=DATE:20260708"], datetime(2026, 7, 8)),
        (["DTSTART:20260708T060000Z"], datetime(2026, 7, 8)),
        (["DTSTART:20260708T200000Z", "DURATION:PT6H"], datetime(2026, 7, 9)),
        (["DTSTART;VALUE=DATE:20260708", "DURATION:P2D"], datetime(2026, 7, 10)),
    ],
)
def test_new_task_without_due_date_is_due_when_its_duration_ends_or_it_starts(
    agency: Agency, server: Server, lines: list[str], due: datetime
) -> None:
    device = server.start().device()
    assert device.put("tasks/t.ics", payloads.todo("t-1", *lines), new=True).status == 201
    assert agency.office.row(agency.office.tables.activity)["VORLAGE"] == due
    _, etag, text = only(device, "tasks")
    assert lines[0] in payloads.lines_of(text)
    before = agency.office.everything()
    assert device.put("tasks/t.ics", text, etag).status == 204
    assert agency.office.everything() == before


def test_a_second_edit_before_the_next_sync_goes_through(agency: Agency, server: Server) -> None:
    device = server.start().device()
    sent = device.put("appointments/e.ics", payloads.event("e", summary="Notar"), new=True)
    again = device.put("appointments/e.ics", payloads.event("e", summary="Notar 2"), sent.etag)
    assert again.status == 204
    assert agency.office.row(agency.office.tables.activity)["BETREFF"] == "Notar 2"


def test_task_done_on_the_device_is_done_in_flowfact(agency: Agency, server: Server) -> None:
    agency.task()
    device = server.start().device()
    path, etag, text = only(device, "tasks")
    done = text.replace("STATUS:NEEDS-ACTION", "STATUS:COMPLETED\r\nCOMPLETED:20260615T090000Z")
    assert device.put(path, done, etag).status == 204
    assert agency.office.row(agency.office.tables.activity)["ERLEDIGT"] is True


def test_past_appointment_with_its_alarm_switched_off_is_done(agency: Agency, server: Server) -> None:
    agency.appointment(VORLAGE=datetime(2026, 6, 20, 9), VORLAGE_ZEIT=True)
    device = server.start().device()
    path, etag, text = only(device, "appointments")
    server.moment = datetime.fromisoformat("2026-06-21T10:00:00+00:00")
    assert device.put(path, payloads.without_component(text, "VALARM"), etag).status == 204
    row = agency.office.row(agency.office.tables.activity)
    assert (row["ERLEDIGT"], row["VORLAGE_ZEIT"]) == (True, False)


def test_a_series_stays_on_the_users_devices(agency: Agency, server: Server) -> None:
    device = server.start().device()
    before = agency.office.everything()
    sent = payloads.event("s-1", "RRULE:FREQ=WEEKLY;COUNT=5")
    assert device.put("appointments/s.ics", sent, new=True).status == 201
    assert agency.office.everything() == before
    assert "RRULE:FREQ=WEEKLY;COUNT=5" in server.device(agent="Other").all("appointments")["s.ics"]
    assert server.device("ben").sync("appointments").changed == {}
    assert device.delete("appointments/s.ics").status == 200
    assert device.get("appointments/s.ics").status == 404


def test_a_guessed_uid_attaches_to_nothing(agency: Agency, server: Server) -> None:
    dsn = agency.office.address([agency.bens], NAME="Geheim")
    device = server.start().device()
    href = next(iter(server.device("ben").sync("addresses").changed))
    before = agency.office.row(agency.office.tables.address, DSN=dsn)
    assert device.put(f"addresses/{href}", payloads.vcard(href.removesuffix(".vcf")), new=True).status == 201
    assert agency.office.row(agency.office.tables.address, DSN=dsn) == before
    assert len(agency.office.rows(agency.office.tables.address)) == 2
    assert "Geheim" not in "".join(device.all("addresses").values())
    agency.office.tag_address(dsn, agency.own)
    assert len(device.all("addresses")) == 2


def test_display_name_and_colour_are_kept_for_each_user(agency: Agency, server: Server) -> None:
    device = server.start().device()
    patch = (
        '<propertyupdate xmlns="DAV:" xmlns:I="http://apple.com/ns/ical/"><set><prop><displayname>Büro</displayname>'
        "<I:calendar-color>#FF0000FF</I:calendar-color></prop></set></propertyupdate>"
    )
    assert device.request("PROPPATCH", "appointments/", patch).status == 207
    wanted = "<displayname/><I:calendar-color/>"
    assert "Büro" in device.propfind("appointments/", wanted).text
    assert "#FF0000FF" in device.propfind("appointments/", wanted).text
    assert "Büro" not in server.device("ben").propfind("appointments/", wanted).text
