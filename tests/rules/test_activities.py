"""Rules 16 to 24: appointments and tasks."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests import payloads
from tests.conftest import Agency, Server
from tests.device import Answer, Device
from tests.rules.client import entries, only


def stored(agency: Agency) -> dict[str, object]:
    """Return the one activity in FlowFact."""
    return agency.office.row(agency.office.tables.activity)


def edit(device: Device, name: str, *changes: tuple[str, str]) -> Answer:
    """Replace texts in the one item of a collection and put it back."""
    path, etag, text = only(device, name)
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return device.put(path, text, etag)


def test_rule_16_the_kind_is_part_of_the_subject_and_cut_off_again(agency: Agency, server: Server) -> None:
    """{kind}: {subject} on the device; FlowFact gets the subject alone."""
    agency.appointment(BETREFF="Weg 1")
    device = server.start().device()
    assert entries(server, "appointments") == ["Besichtigung: Weg 1"]
    assert edit(device, "appointments", ("Weg 1", "Weg 2")).status == 204
    assert stored(agency)["BETREFF"] == "Weg 2"


def test_rule_16_the_subject_is_configurable(agency: Agency, server: Server) -> None:
    """Another template is applied and cut off the same way."""
    agency.appointment(BETREFF="Weg 1")
    device = server.start('[appointments]\nsubject = "{subject} ({kind})"\n').device()
    assert edit(device, "appointments", ("Weg 1 (Besichtigung)", "Weg 2 (Besichtigung)")).status == 204
    assert stored(agency)["BETREFF"] == "Weg 2"


@pytest.mark.parametrize("changed", [{}, {"BETREFF": "Weg 9"}])
def test_rule_16_a_kind_renamed_meanwhile_does_not_get_into_the_subject(
    agency: Agency, server: Server, changed: dict[str, object]
) -> None:
    """A device without If-Match changes the subject under the kind's old name: that name is cut off, too."""
    agency.appointment(BETREFF="Weg 1")
    device = server.start().device(agent="Evolution")
    path, _, text = only(device, "appointments")
    agency.office.change(agency.office.tables.kind, {"DSN": agency.visit}, NAME="Ortstermin")
    if changed:
        agency.office.change(agency.office.tables.activity, {}, TOUCH=datetime(2026, 6, 15, 11, 30), **changed)
    assert device.put(path, text.replace("Weg 1", "Weg 2")).status == 204
    assert stored(agency)["BETREFF"] == "Weg 2"
    assert entries(server, "appointments") == ["Ortstermin: Weg 2"]


def test_rule_16_times_alarm_and_note_map_both_ways(agency: Agency, server: Server) -> None:
    """Start, end, alarm and note 1:1; no alarm is Vorlage without time; further alarms stay on the device."""
    agency.appointment(NOTIZ="Alt", VORLAGE=datetime(2026, 6, 20, 9, 45), VORLAGE_ZEIT=True)
    device = server.start().device()
    changes = [("T100000", "T093000"), ("T110000", "T120000"), ("-PT15M", "-PT1H"), ("Alt", "Neu\\, ja")]
    assert edit(device, "appointments", *changes).status == 204
    row = stored(agency)
    assert (row["BEGINN"], row["ENDE"]) == (datetime(2026, 6, 20, 9, 30), datetime(2026, 6, 20, 12))
    assert (row["VORLAGE"], row["VORLAGE_ZEIT"], row["NOTIZ"]) == (datetime(2026, 6, 20, 8, 30), True, "Neu, ja")
    more = payloads.alarm("TRIGGER:-P1D")
    assert edit(device, "appointments", ("END:VEVENT", f"{more}\r\nEND:VEVENT")).status == 204
    path, etag, text = only(device, "appointments")
    assert text.count("BEGIN:VALARM") == 2
    assert device.put(path, payloads.without_component(text, "VALARM"), etag).status == 204
    assert stored(agency)["VORLAGE_ZEIT"] is False


def test_rule_17_participants_and_addresses_stand_in_the_note(agency: Agency, server: Server) -> None:
    """Colleagues and linked addresses are told below the note; ORGANIZER and ATTENDEE are never sent."""
    linked = agency.office.address([], ["0221 5"], NAME="Meier", FIRMA="ACME", EMAIL="m@example.com")
    agency.appointment(merkmale=[agency.own, agency.bens], addresses=[linked], NOTIZ="Meine Notiz")
    text = only(server.start().device(), "appointments")[2].replace("\n ", "").replace("\r", "")
    section = "[FFDATA]\\nTeilnehmer: Ben\\nAdresse: Meier\\, ACME\\, 0221 5\\, m@example.com\\n[/FFDATA]"
    assert f"DESCRIPTION:Meine Notiz\\n\\n{section}" in text
    assert "ATTENDEE" not in text
    assert "ORGANIZER" not in text


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("\\n", " "),
        lambda text: text.replace("\\n", "\\n\\n  "),
        lambda text: text.replace("\\n", "\\r\\n".replace("\\r", "")) + " ",
        lambda text: f"{text}\\n{text.partition('Notiz')[2]}",
        lambda text: text.replace("Ben", "Bernd und alle anderen"),
    ],
)
def test_rule_17_edits_inside_the_section_never_reach_flowfact(agency: Agency, server: Server, damage: object) -> None:
    """Re-wrapped, trimmed, duplicated or edited: what reaches FlowFact is the note; the section comes back."""
    agency.appointment(merkmale=[agency.own, agency.bens], NOTIZ="Notiz")
    device = server.start().device()
    path, etag, text = only(device, "appointments")
    (line,) = [line for line in payloads.lines_of(text) if line.startswith("DESCRIPTION")]
    assert callable(damage)
    sent = "\r\n".join(damage(found) if found == line else found for found in payloads.lines_of(text))
    before = agency.office.everything()
    assert device.put(path, sent, etag).status == 204
    assert agency.office.everything() == before
    (again,) = [found for found in payloads.lines_of(only(device, "appointments")[2]) if found.startswith("DESC")]
    assert again.replace("\\n", " ").split() == line.replace("\\n", " ").split()


def test_rule_17_text_around_the_section_is_the_note(agency: Agency, server: Server) -> None:
    """Text appended behind the section becomes part of the note."""
    agency.appointment(merkmale=[agency.own, agency.bens], NOTIZ="Notiz")
    device = server.start().device()
    assert edit(device, "appointments", ("[/FFDATA]", "[/FFDATA]\\nNachtrag")).status == 204
    assert stored(agency)["NOTIZ"] == "Notiz\nNachtrag"


def test_rule_17_private_addresses_of_others_are_not_told(agency: Agency, server: Server) -> None:
    """A linked address that the user may not read is neither in FFDATA nor among his contacts."""
    linked = agency.office.address([], NAME="Geheim")
    agency.office.restrict("AD", linked, "VOLL", user=agency.ben)
    agency.appointment(addresses=[linked])
    device = server.start().device()
    assert "Geheim" not in only(device, "appointments")[2]
    assert device.all("addresses") == {}


@pytest.mark.parametrize("line", ["CLASS:PRIVATE", "CLASS:CONFIDENTIAL", "X-CALENDARSERVER-ACCESS:CONFIDENTIAL"])
def test_rule_18_a_private_appointment_stays_on_the_device(agency: Agency, server: Server, line: str) -> None:
    """Policy "device": FlowFact never sees it, the user's other devices do, colleagues do not."""
    device = server.start().device()
    before = agency.office.everything()
    assert device.put("appointments/p.ics", payloads.event("p", line), new=True).status == 201
    assert agency.office.everything() == before
    assert entries(server, "appointments") == ["Notar"]
    assert entries(server, "appointments", "ben") == []


def test_rule_18_apples_word_for_private_stands_around_the_entry(agency: Agency, server: Server) -> None:
    """IOS writes X-CALENDARSERVER-ACCESS into the VCALENDAR: read there, and sent there."""
    device = server.start('[appointments]\nprivate = "flowfact"\n').device()
    sent = payloads.event("p").replace("BEGIN:VEVENT", "X-CALENDARSERVER-ACCESS:CONFIDENTIAL\r\nBEGIN:VEVENT")
    assert device.put("appointments/p.ics", sent, new=True).status == 201
    assert len(agency.office.rows(agency.office.tables.rights)) == 1  # type: ignore[arg-type]
    text = only(device, "appointments")[2].replace("\r", "")
    assert "X-CALENDARSERVER-ACCESS:CONFIDENTIAL\nBEGIN:VTIMEZONE" in text
    own = agency.appointment(BETREFF="Eigener")
    agency.office.restrict("AKT", own, "VOLL", user=agency.anna)
    other = device.all("appointments")[f"flowfact-akt-{own.lower()}.ics"].replace("\r", "")
    assert "X-CALENDARSERVER-ACCESS:PRIVATE\nBEGIN:VTIMEZONE" in other


def test_rule_18_a_private_appointment_is_taken_over_with_sole_rights(agency: Agency, server: Server) -> None:
    """Policy "flowfact": the user alone gets rights on it, and it comes back as PRIVATE."""
    rights = agency.office.tables.rights
    assert rights is not None
    device = server.start('[appointments]\nprivate = "flowfact"\n').device()
    assert device.put("appointments/p.ics", payloads.event("p", "CLASS:PRIVATE"), new=True).status == 201
    (row,) = agency.office.rows(rights)
    assert (row["BEN_DSN"], row["RECHT"], row["OBJ_DSN"]) == (agency.anna, "VOLL", stored(agency)["DSN"])
    agency.office.add(agency.office.tables.activity_merkmal, AKT_DSN=row["OBJ_DSN"], MKM_DSN=agency.bens)
    assert entries(server, "appointments", "ben") == []


def test_rule_18_a_record_for_this_user_only_is_shown_as_private(agency: Agency, server: Server) -> None:
    """A rights list that names only this user shows as CLASS:PRIVATE; one with others does not."""
    dsn = agency.appointment()
    agency.office.restrict("AKT", dsn, "VOLL", user=agency.anna)
    device = server.start().device()
    assert "CLASS:PRIVATE" in only(device, "appointments")[2]
    agency.office.restrict("AKT", dsn, "LESEN", user=agency.ben)
    assert "CLASS:PRIVATE" not in only(device, "appointments")[2]


def test_rule_18_the_devices_word_public_does_not_unveil_it(agency: Agency, server: Server) -> None:
    """CLASS:PUBLIC of a device, kept from before or sent now, gives way while FlowFact shows it to this user only."""
    dsn = agency.appointment()
    device = server.start().device()
    public = ("BEGIN:VEVENT", "X-CALENDARSERVER-ACCESS:PUBLIC\r\nBEGIN:VEVENT\r\nCLASS:PUBLIC")
    assert edit(device, "appointments", public).status == 204
    agency.office.restrict("AKT", dsn, "VOLL", user=agency.anna)
    assert edit(device, "appointments", ("CLASS:PRIVATE", "CLASS:PUBLIC")).status == 204
    text = only(device, "appointments")[2]
    assert "PUBLIC" not in text
    assert text.count("CLASS:PRIVATE") == text.count("X-CALENDARSERVER-ACCESS:PRIVATE") == 1


def test_rule_19_delete_takes_only_the_own_merkmal(agency: Agency, server: Server) -> None:
    """The colleague keeps the appointment, and the activity's row is untouched."""
    dsn = agency.appointment(merkmale=[agency.own, agency.bens])
    device = server.start().device()
    path, etag, _ = only(device, "appointments")
    before = agency.office.everything()
    assert device.delete(path, etag).status == 200
    before["AKTMKM"].remove({"AKT_DSN": dsn, "MKM_DSN": agency.own})
    assert agency.office.everything() == before
    assert entries(server, "appointments") == []
    assert entries(server, "appointments", "ben") == ["Besichtigung: Betreff"]


def test_rule_19_deleted_but_still_in_scope_is_hidden(agency: Agency, server: Server) -> None:
    """In scope by a team Merkmal: hidden until the own Merkmal is set again in FlowFact."""
    team = agency.office.merkmal("Team")
    agency.office.syncs(agency.anna, team, "VORLAGE")
    dsn = agency.appointment(merkmale=[agency.own, team])
    device = server.start().device()
    device.delete(only(device, "appointments")[0])
    assert entries(server, "appointments") == []
    agency.office.add(agency.office.tables.activity_merkmal, AKT_DSN=dsn, MKM_DSN=agency.own)
    assert entries(server, "appointments") == ["Besichtigung: Betreff"]


def ringing(agency: Agency, server: Server, **values: object) -> Device:
    """Give a device that has a past appointment, with an alarm unless ``values`` say otherwise."""
    agency.appointment(**{"VORLAGE": datetime(2026, 6, 20, 9), "VORLAGE_ZEIT": True, **values})
    device = server.start().device()
    device.all("appointments")
    server.moment = datetime.fromisoformat("2026-06-21T10:00:00+00:00")
    return device


@pytest.mark.parametrize(
    ("before", "after", "done"),
    [
        ("END:VALARM", "ACKNOWLEDGED:20260620T100000Z\r\nEND:VALARM", True),
        ("BEGIN:VALARM", "X-MOZ-LASTACK:20260620T100000Z\r\nBEGIN:VALARM", True),
        ("END:VALARM", "ACKNOWLEDGED:20260620T070000Z\r\nEND:VALARM", False),
        ("END:VALARM", "X-WR-ALARMUID:1\r\nEND:VALARM", False),
    ],
)
def test_rule_20_acknowledged_at_or_after_the_end_is_done(
    agency: Agency, server: Server, before: str, after: str, done: bool
) -> None:
    """ACKNOWLEDGED or X-MOZ-LASTACK at or after the end sets a past appointment done; earlier does not."""
    device = ringing(agency, server)
    assert edit(device, "appointments", (before, after)).status == 204
    assert stored(agency)["ERLEDIGT"] is done


def test_rule_20_the_alarm_taken_off_a_past_appointment_sets_it_done(agency: Agency, server: Server) -> None:
    """The VALARM of a past appointment is gone: done in FlowFact."""
    device = ringing(agency, server)
    path, etag, text = only(device, "appointments")
    assert device.put(path, payloads.without_component(text, "VALARM"), etag).status == 204
    assert stored(agency)["ERLEDIGT"] is True


def test_rule_20_without_a_transition_nothing_is_done(agency: Agency, server: Server) -> None:
    """An edit of an appointment that never had an alarm, or is not over yet, sets nothing done."""
    device = ringing(agency, server, VORLAGE_ZEIT=False, NOTIZ="Alt")
    assert edit(device, "appointments", ("Alt", "Neu")).status == 204
    assert stored(agency)["ERLEDIGT"] is False
    server.moment = datetime.fromisoformat("2026-06-20T08:30:00+00:00")  # it is running
    agency.office.change(agency.office.tables.activity, {}, VORLAGE_ZEIT=True)
    path, etag, text = only(device, "appointments")
    assert device.put(path, payloads.without_component(text, "VALARM"), etag).status == 204
    assert stored(agency)["ERLEDIGT"] is False


def test_rule_21_a_new_appointment_has_the_preset_kind(agency: Agency, server: Server) -> None:
    """The user's preset kind, his own Merkmal, and without an alarm the day it begins as Vorlage."""
    device = server.start().device()
    assert device.put("appointments/n.ics", payloads.event("n"), new=True).status == 201
    row = stored(agency)
    assert (row["ART_DSN"], row["ANGELEGT_VON"]) == (agency.visit, agency.anna)
    assert (row["VORLAGE"], row["VORLAGE_ZEIT"]) == (datetime(2026, 7, 1), False)
    assert agency.office.row(agency.office.tables.activity_merkmal)["MKM_DSN"] == agency.own


def test_rule_21_a_new_task_is_due_on_its_day(agency: Agency, server: Server) -> None:
    """A task's Vorlage is the day it is due."""
    device = server.start().device()
    sent = payloads.todo("n", "DUE;VALUE=DATE:20260703")
    assert device.put("tasks/n.ics", sent, new=True).status == 201
    row = stored(agency)
    assert (row["ART_DSN"], row["VORLAGE"], row["VORLAGE_ZEIT"]) == (agency.todo, datetime(2026, 7, 3), False)


def test_rule_21_without_preset_the_settings_kind_else_403(agency: Agency, server: Server) -> None:
    """No preset: the kind of the settings, by name, short name or DSN; none of that name: 403 with the reason."""
    agency.office.change(agency.office.tables.user, {"DSN": agency.anna}, ART_TERMIN_DSN=None)
    device = server.start().device()
    answer = device.put("appointments/n.ics", payloads.event("n"), new=True)
    assert (answer.status, "no kind for new appointments" in answer.text) == (403, True)
    assert agency.office.rows(agency.office.tables.activity) == []
    device = server.start('[appointments]\nkind = "besichti"\n').device()
    assert device.put("appointments/n.ics", payloads.event("n"), new=True).status == 201
    assert stored(agency)["ART_DSN"] == agency.visit


def test_rule_22_tasks_map_both_ways(agency: Agency, server: Server) -> None:
    """Subject, note, due, alarm, priority and done."""
    agency.task(BETREFF="Alt", NOTIZ="Notiz", PRIORITAET=5, VORLAGE=datetime(2026, 6, 20, 9), VORLAGE_ZEIT=True)
    device = server.start().device()
    text = only(device, "tasks")[2]
    for line in ("SUMMARY:Aufgabe: Alt", "PRIORITY:5", "DUE;TZID=Europe/Berlin:20260620T090000", "BEGIN:VALARM"):
        assert line in text
    changes = [
        ("Aufgabe: Alt", "Aufgabe: Neu"),
        ("DESCRIPTION:Notiz", "DESCRIPTION:Andere"),
        ("PRIORITY:5", "PRIORITY:1"),
        ("20260620T090000", "20260622T080000"),
        ("TRIGGER;VALUE=DATE-TIME:20260620T070000Z", "TRIGGER;VALUE=DATE-TIME:20260622T060000Z"),
        ("STATUS:NEEDS-ACTION", "STATUS:COMPLETED"),
    ]
    assert edit(device, "tasks", *changes).status == 204
    row = stored(agency)
    assert (row["BETREFF"], row["NOTIZ"], row["PRIORITAET"], row["ERLEDIGT"]) == ("Neu", "Andere", 1, True)
    assert (row["VORLAGE"], row["VORLAGE_ZEIT"]) == (datetime(2026, 6, 22, 8), True)


def test_rule_22_a_task_opened_again_is_open_in_flowfact(agency: Agency, server: Server) -> None:
    """Done taken back on the device is taken back in FlowFact."""
    agency.task(ERLEDIGT=True)
    device = server.start().device()
    changes = [("STATUS:COMPLETED", "STATUS:NEEDS-ACTION"), ("PERCENT-COMPLETE:100", "PERCENT-COMPLETE:0")]
    assert edit(device, "tasks", *changes).status == 204
    assert stored(agency)["ERLEDIGT"] is False


def test_rule_23_an_internal_mail_is_changed_only_by_its_sender(agency: Agency, server: Server) -> None:
    """Others get 403 to PUT and DELETE, and nothing changes; the sender may."""
    agency.task(kind=agency.mail, ABSENDER=agency.ben, BETREFF="Mail", merkmale=[agency.own, agency.bens])
    device = server.start().device()
    path, etag, text = only(device, "tasks")
    before = agency.office.everything()
    refused = device.put(path, text.replace("Mail", "Neu"), etag)
    assert (refused.status, "sender" in refused.text) == (403, True)
    assert device.delete(path, etag).status == 403
    assert agency.office.everything() == before
    assert edit(server.device("ben"), "tasks", ("intern: Mail", "intern: Neu")).status == 204
    assert stored(agency)["BETREFF"] == "Neu"


@pytest.mark.parametrize(
    ("start", "end", "begin"),
    [
        ("DTSTART:20260701T080000Z", "DTEND:20260701T090000Z", datetime(2026, 7, 1, 10)),
        ("DTSTART:20260701T100000", "DTEND:20260701T110000", datetime(2026, 7, 1, 10)),
        ("DTSTART;TZID=America/New_York:20260701T040000", "DURATION:PT1H", datetime(2026, 7, 1, 10)),
        ("DTSTART;TZID=Eastern Standard Time:20260701T040000", "DURATION:PT1H", datetime(2026, 7, 1, 10)),
        ("DTSTART:20260329T003000Z", "DTEND:20260329T013000Z", datetime(2026, 3, 29, 1, 30)),
        ("DTSTART:20261025T013000Z", "DTEND:20261025T023000Z", datetime(2026, 10, 25, 2, 30)),
    ],
)
def test_rule_24_every_form_of_time_arrives_as_local_time(
    agency: Agency, server: Server, start: str, end: str, begin: datetime
) -> None:
    """UTC, floating, IANA and Windows zones, also across both clock changes."""
    device = server.start("[appointments]\npast_days = -1\n").device()
    sent = payloads.event("z", end, start=start).replace("DTEND:20260701T090000Z\r\n", "", 1)
    assert device.put("appointments/z.ics", sent, new=True).status == 201
    assert stored(agency)["BEGINN"] == begin


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        ("DTSTART;TZID=Europe/Berlin:20261024T230000", "DURATION:PT8H", datetime(2026, 10, 25, 6)),
        ("DTSTART;TZID=Europe/Berlin:20270327T230000", "DURATION:PT8H", datetime(2027, 3, 28, 8)),
        ("DTSTART;TZID=Europe/Berlin:20270327T230000", "DURATION:P1DT8H", datetime(2027, 3, 29, 7)),
        ("DTSTART;TZID=Europe/Berlin:20270327T230000", "DURATION:P1D", datetime(2027, 3, 28, 23)),
    ],
)
def test_rule_24_a_duration_over_a_clock_change(
    agency: Agency, server: Server, start: str, duration: str, end: datetime
) -> None:
    """A DURATION has hours that pass and days of the calendar, also over a clock change."""
    device = server.start().device()
    sent = payloads.event("d", duration, start=start).replace("DTEND:20260701T090000Z\r\n", "")
    assert device.put("appointments/d.ics", sent, new=True).status == 201
    assert stored(agency)["ENDE"] == end


def test_rule_24_all_day_and_over_midnight(agency: Agency, server: Server) -> None:
    """All-day events end exclusively at midnight; an event over midnight keeps its times."""
    device = server.start().device()
    sent = payloads.event("a", "DTEND;VALUE=DATE:20260703", start="DTSTART;VALUE=DATE:20260701")
    assert device.put("appointments/a.ics", sent.replace("DTEND:20260701T090000Z\r\n", ""), new=True).status == 201
    row = stored(agency)
    assert (row["BEGINN"], row["ENDE"], row["GANZTAGS"]) == (datetime(2026, 7, 1), datetime(2026, 7, 3), True)
    text = device.get("appointments/a.ics").text
    assert "DTSTART;VALUE=DATE:20260701" in text
    assert "DTEND;VALUE=DATE:20260703" in text
    late = payloads.event("b", start="DTSTART:20260701T200000Z").replace("20260701T090000Z", "20260702T000000Z")
    assert device.put("appointments/b.ics", late, new=True).status == 201
    found = agency.office.row(agency.office.tables.activity, BEGINN=datetime(2026, 7, 1, 22))
    assert found["ENDE"] == datetime(2026, 7, 2, 2)


def test_rule_24_without_the_column_midnight_to_midnight_is_all_day(agency: Agency, server: Server) -> None:
    """Where GANZTAGS is not mapped, 00:00 to 00:00 of a later day is an all-day event."""
    agency.appointment(BEGINN=datetime(2026, 7, 1), ENDE=datetime(2026, 7, 2))
    device = server.start(names={"AKT.GANZTAGS": ""}).device()
    assert "DTSTART;VALUE=DATE:20260701" in only(device, "appointments")[2]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("BEGIN:VALARM", "X-MOZ-SNOOZE-TIME:20260620T083000Z\r\nBEGIN:VALARM"),
        (
            "END:VALARM",
            "UID:first\r\nEND:VALARM\r\nBEGIN:VALARM\r\nUID:second\r\nRELATED-TO;RELTYPE=SNOOZE:first\r\n"
            "ACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER;VALUE=DATE-TIME:20260620T073500Z\r\nEND:VALARM",
        ),
        ("END:VEVENT", "BEGIN:VALARM\r\nACTION:NONE\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT"),
    ],
)
def test_rule_16_snoozed_and_silent_alarms_stay_with_the_device(
    agency: Agency, server: Server, before: str, after: str
) -> None:
    """A snoozed alarm, or one that does not ring, moves no Vorlage and comes back as it was."""
    agency.appointment(VORLAGE=datetime(2026, 6, 20, 9, 30), VORLAGE_ZEIT=True)
    device = server.start().device()
    rows = agency.office.everything()
    assert edit(device, "appointments", (before, after)).status == 204
    assert agency.office.everything() == rows
    agency.office.change(agency.office.tables.activity, {}, NOTIZ="neu")
    text = only(device, "appointments")[2].replace("\r", "")
    assert all(line in text for line in after.split("\r\n"))
