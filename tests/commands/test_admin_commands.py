"""``why``, ``history`` and the other commands of the admin, beyond what the rule tests show."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests import payloads
from tests.commands.test_commands import run
from tests.conftest import Agency, Server


def why(server: Server, what: str, login: str = "anna") -> str:
    """Return what ``why`` says."""
    done = run("why", login, what, "--config", str(server.config))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_why_names_each_condition_of_an_address(agency: Agency, server: Server) -> None:
    office = agency.office
    seen = office.address([agency.own], NAME="Da")
    untagged, linked = office.address([]), office.address([])
    appointment = agency.appointment(addresses=[linked], BEGINN=datetime(2030, 1, 1), ENDE=datetime(2030, 1, 2))
    archived, unreadable = office.address([agency.own], ARCHIV=True), office.address([agency.own])
    readable = office.address([agency.own])
    office.restrict("AD", unreadable, "VOLL", user=agency.ben)
    office.restrict("AD", readable, "LESEN", user=agency.anna)
    server.start()
    assert "it carries his Merkmal Merkmal anna" in why(server, seen)
    assert "so it is in his addresses, as flowfact-ad-" in why(server, seen)
    assert "it carries none of the Merkmale that his addresses sync\nso it is not" in why(server, untagged)
    assert f"it is linked to his appointment {appointment}" in why(server, linked)
    assert "archived: out of scope" in why(server, archived)
    assert "does not let him read it" in why(server, unreadable)
    assert "changes from the device are refused" in why(server, readable)
    assert "no address and no activity" in why(server, "nothing")


def test_why_names_window_kind_hidden_and_device_only(agency: Agency, server: Server) -> None:
    office = agency.office
    old = agency.appointment(BEGINN=datetime(2001, 1, 1), ENDE=datetime(2001, 1, 1, 1))
    note = office.activity(office.kind("Notiz"), [agency.own])
    shared = office.merkmal("VIP")
    office.syncs(agency.anna, shared, "OUTLOOK")
    hidden = office.address([agency.own, shared])
    device = server.start("[appointments]\npast_days = 90\n").device()
    device.delete(f"addresses/{next(iter(device.sync('addresses').changed))}")
    device.put("appointments/s.ics", payloads.event("series", "RRULE:FREQ=DAILY"), new=True)
    assert "before the window of 90 days" in why(server, old)
    assert "neither an appointment's nor a task's" in why(server, note)
    assert "hidden until his own Merkmal is set again" in why(server, hidden)
    assert "device-only (recurring), on his devices" in why(server, "series")


def test_why_names_stop_and_missing_access(agency: Agency, server: Server) -> None:
    dsns = [agency.office.address([agency.own]) for _ in range(25)]
    device = server.start().device()
    device.sync("addresses")
    agency.office.remove(agency.office.tables.address_merkmal)
    device.sync("addresses")
    assert "the safety stop keeps it" in why(server, dsns[0])
    agency.office.change(agency.office.tables.user, {"DSN": agency.anna}, AKTIV=False)
    assert "gets nothing at all: FlowFact user 'anna' is inactive" in why(server, dsns[0])
    nobody = run("why", "nobody", dsns[0], "--config", str(server.config))
    assert (nobody.returncode, "no login is called 'nobody'; did you mean " in nobody.stderr) == (1, True)


def test_why_tells_of_what_the_stop_keeps_though_it_is_gone(agency: Agency, server: Server) -> None:
    addresses = [agency.office.address([agency.own]) for _ in range(25)]
    appointments = [agency.appointment() for _ in range(25)]
    device = server.start("[appointments]\npast_days = -1\n").device()
    device.sync("addresses")
    device.sync("appointments")
    agency.office.remove(agency.office.tables.address)
    agency.office.change(agency.office.tables.kind, {"DSN": agency.visit}, KALENDER=False)
    for dsn, reason, name in (
        (addresses[0].lower(), "is gone from FlowFact", "addresses"),
        (appointments[0], "neither an appointment's nor a task's", "appointments"),
    ):
        told = why(server, dsn)
        for part in (reason, "the safety stop keeps it", f"so it is in his {name}, as flowfact-"):
            assert part in told


def test_why_tells_appointment_and_task_of_one_record_apart(agency: Agency, server: Server) -> None:
    both = agency.office.kind("Beides", calendar=True, task=True)
    past, future = datetime(2001, 1, 1), datetime(2090, 1, 1)
    old = agency.office.activity(both, [agency.own], BEGINN=past, ENDE=past, VORLAGE=future)
    done = agency.office.activity(both, [agency.own], BEGINN=future, ENDE=future, VORLAGE=past, ERLEDIGT=True)
    server.start()
    ended = "it ended 01.01.2001, before the window of 90 days (past_days): out of scope\n"
    assert f"{ended}so it is not in his appointments" in why(server, old)
    assert f"anna\nso it is in his tasks, as flowfact-akt-{old.lower()}" in why(server, old)
    assert f"anna\nso it is in his appointments, as flowfact-akt-{done.lower()}" in why(server, done)
    assert f"{ended}so it is not in his tasks" in why(server, done)


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["undo"], 2, "Name entries"),
        (["undo", "99"], 1, "no such entry"),
        (["history", "--since", "gestern"], 1, "is no date"),
        (["history"], 0, "Nothing."),
        (["status"], 0, "No device has asked yet."),
        (["confirm", "anna"], 1, "Nothing is stopped"),
    ],
)
def test_messages_have_the_next_step(
    agency: Agency, server: Server, arguments: list[str], status: int, told: str
) -> None:
    server.write_configuration()
    done = run(*arguments, "--config", str(server.config))
    assert (done.returncode, told in done.stdout + done.stderr) == (status, True), done.stderr


def test_history_is_forgotten_after_its_days(agency: Agency, server: Server) -> None:
    server.start("history_days = 10\n")
    device = server.device()
    device.put("addresses/n.vcf", payloads.vcard("n"), new=True)
    text = device.get("addresses/n.vcf").text
    etag = device.get("addresses/n.vcf").etag
    device.put("addresses/n.vcf", text.replace("Meier", "Huber"), etag)
    server.moment = datetime.fromisoformat("2026-07-15T10:00:00+00:00")
    server.upkeep()
    assert run("history", "--config", str(server.config)).stdout.strip() == "Nothing."
    assert "Huber" in device.get("addresses/n.vcf").text


def test_a_doubted_clock_is_named_by_status_and_confirmed_by_the_admin(agency: Agency, server: Server) -> None:
    server.start().gateway.upkeep()
    config = ("--config", str(server.config))
    refused = run("confirm", "--clock", *config)
    assert (refused.returncode, refused.stderr) == (1, "The clock is not doubted.\n")
    server.moment += timedelta(days=100)
    server.gateway.upkeep()
    told = run("status", *config).stdout
    assert "the upkeep drops nothing, since it ran last at 15.06.2026 12:00" in told
    assert "radicale-flowfact confirm --clock" in told
    confirmed = run("confirm", "--clock", *config)
    assert (confirmed.returncode, "The next upkeep drops what is old" in confirmed.stdout) == (0, True)
    assert "drops nothing" not in run("status", *config).stdout
    unclear = run("confirm", *config)
    assert (unclear.returncode, unclear.stderr) == (2, "Name a login, or say --clock.\n")
