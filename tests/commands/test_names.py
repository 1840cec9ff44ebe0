"""Admins name people and things as they call them, and read names and one form of time on each screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

import pytest

from radicale_flowfact.crm.lookup import MOST, find_candidates
from radicale_flowfact.dav.admin import overview, people
from radicale_flowfact.dav.admin.why import Explanation, why
from radicale_flowfact.settings import SettingsError
from tests import payloads
from tests.commands.forked import Commands, running
from tests.commands.test_commands import run
from tests.conftest import Agency, Server

IPHONE = "iOS/26.0 (23A341) dataaccessd/1.0"
CONFIG = ("--config", "radicale.ini")


@pytest.fixture
def commands() -> Iterator[Commands]:
    """Give the process that runs commands in forks of itself."""
    with running() as found:
        yield found


def titles(server: Server, text: str) -> list[str]:
    """Return what a text may mean, by its title."""
    gateway = server.gateway
    with gateway.session() as session:
        return [one.title for one in find_candidates(session.connection, gateway.tables, text)]


def explained(server: Server, what: str, login: str = "anna") -> Explanation:
    """Return what ``why`` finds."""
    return why(server.gateway, login, what)


def test_a_record_is_found_by_a_part_of_what_people_call_it(agency: Agency, server: Server) -> None:
    office = agency.office
    office.address([], NAME="Jäger", VORNAME="Max", FIRMA="Müller & Söhne", ORT="Köln", EMAIL="max@x.de")
    office.address([], NAME="JÄGER", VORNAME="Eva", phones=["+49 (171) 123-4567"])
    agency.appointment(BETREFF="Besichtigung Ölmühle", BEGINN=datetime(2026, 7, 1, 9), ENDE=datetime(2026, 7, 1, 10))
    server.start()
    assert titles(server, "jäger") == ["Max Jäger, Müller & Söhne, Köln", "Eva JÄGER"]
    assert titles(server, "max JÄGER") == ["Max Jäger, Müller & Söhne, Köln"]
    assert titles(server, "söhne köln") == ["Max Jäger, Müller & Söhne, Köln"]
    assert titles(server, "MAX@X") == ["Max Jäger, Müller & Söhne, Köln"]
    assert titles(server, "0171 1234567") == titles(server, "0049171/123 45") == ["Eva JÄGER"]
    assert titles(server, "ölmühle") == ["Besichtigung Ölmühle, 01.07.2026 09:00"]
    assert titles(server, "x%") == titles(server, "_") == titles(server, "  ") == titles(server, "jäger nobody") == []


def test_why_explains_the_only_one_of_that_name_and_lists_several(agency: Agency, server: Server) -> None:
    one = agency.office.address([agency.own], NAME="Jäger", VORNAME="Max")
    other = agency.office.address([], NAME="Jäger", VORNAME="Eva")
    server.start()
    only = explained(server, "max jäger")
    assert (only.lines[0].startswith(f"AD {one} is"), only.candidates) == (True, ())
    assert "so it is in his addresses" in only.lines[-1]
    both = explained(server, "jäger")
    assert {(one.record.dsn, one.title) for one in both.candidates} == {(one, "Max Jäger"), (other, "Eva Jäger")}
    assert both.lines == ()
    done = run("why", "anna", "max", "jäger", "--config", str(server.config))
    assert (done.returncode, "so it is in his addresses" in done.stdout) == (0, True), done.stderr
    listed = run("why", "anna", "jäger", "--config", str(server.config)).stdout
    assert listed.splitlines()[0] == "'jäger' may be any of these, name one by its DSN:"
    assert f"  AD {other}  Eva Jäger" in listed


def test_the_list_of_candidates_is_bounded(agency: Agency, server: Server) -> None:
    for number in range(MOST + 5):
        agency.office.address([], NAME=f"Jäger {number}")
    server.start()
    found = explained(server, "Jäger")
    assert (len(found.candidates), found.more) == (MOST, True)


def test_a_login_is_found_by_its_users_name_and_whatever_its_case(agency: Agency, server: Server) -> None:
    agency.office.change(agency.office.tables.user, {"DSN": agency.anna}, NAME="Anna Albers")
    agency.office.change(agency.office.tables.user, {"DSN": agency.ben}, NAME="Ben Albers")
    dsn = agency.office.address([agency.own])
    server.start()
    for called in ("anna", " Anna ", "anna alb"):
        assert explained(server, dsn, called).login == "anna"
    with pytest.raises(SettingsError, match="'albers' may be any of these logins, name one: anna, ben"):
        explained(server, dsn, "albers")
    with pytest.raises(SettingsError, match="no login is called 'carl'; did you mean "):
        explained(server, dsn, "carl")


def test_each_command_takes_a_login_as_phones_write_it(agency: Agency, server: Server, commands: Commands) -> None:
    """The login of flowfact.toml is the one that is used and shown, as in the credentials of a phone."""
    agency.office.address([agency.own])
    device = server.start().device(agent=IPHONE)
    assert device.put("addresses/n.vcf", payloads.vcard("n"), new=True).status == 201
    server.gateway.flush()
    with server.gateway.session() as session:
        for called in ("ANNA", " Anna ", "\uff21nna"):
            assert people.login_meant(session, called) == "anna"
    for command, told in (
        (("confirm",), "Nothing is stopped for anna."),
        (("why", "n"), "it is in his addresses"),
        (("history",), "  anna  put  "),
        (("undo", "--since", "2026-01-01", "--dry-run"), "  anna  put  "),
        (("erase", "--yes"), "anna is mapped: "),
        (("erase", "--force", "--dry-run"), "Would remove: anna: "),
    ):
        name, *others = command
        login = ["--user", " ANNA"] if name in ("history", "undo") else [" ANNA"]
        done = commands.run(server.folder, name, *login, *others, *CONFIG)
        assert told in done.said, command


def test_a_former_login_is_found_as_it_is_kept(agency: Agency, server: Server, commands: Commands) -> None:
    """What is left of a login that is not mapped any more; ``users rename`` takes that before what is mapped."""
    device = server.start().device(agent=IPHONE)
    device.sync("addresses")
    server.gateway.flush()
    server.stop()
    server.logins = ("ben",)
    server.settings = '[users.ANNA]\nflowfact = "anna"\n'
    server.write_configuration()
    moved = commands.run(server.folder, "users", "rename", " Anna", "anna ", *CONFIG)
    assert moved.out.startswith("ANNA has what anna had: "), moved.err
    again = commands.run(server.folder, "users", "rename", "anna", "ANNA", *CONFIG)
    assert (again.status, "what is kept of ANNA is called so already" in again.err) == (1, True)
    server.settings = ""
    server.write_configuration()
    would = commands.run(server.folder, "erase", "Anna", "--dry-run", *CONFIG)
    assert would.out.startswith("Would remove: ANNA: "), would.err
    assert "ANNA" in commands.run(server.folder, "history", "--user", "anna", *CONFIG).out


def test_what_was_refused_is_found_by_uid_href_and_name(agency: Agency, server: Server) -> None:
    device = server.start().device(agent=IPHONE)
    for _ in range(2):
        card = payloads.vcard("refused-1", name="Jäger;Max;;;")
        assert device.put("tasks/r.ics", card, new=True).status in (403, 409)
    for called in ("refused-1", "r.ics", "JÄGER"):
        (refused,) = explained(server, called).refused or pytest.fail(called)
        assert (refused.times, refused.href, refused.title) == (2, "r.ics", "Eva Meier")
    assert explained(server, "refused-1", "ben").refused == ()
    told = run("why", "anna", "refused-1", "--config", str(server.config)).stdout
    assert re.search(r"refused 2 times, last \d\d\.\d\d\.\d{4} \d\d:\d\d: 4\d\d to PUT: ", told), told
    assert re.search(r"  sent as tasks/r\.ics by .+: Eva Meier; radicale-flowfact history has it as \d+", told)


def test_what_was_refused_before_it_was_read_is_found_by_its_href(agency: Agency, server: Server) -> None:
    device = server.start("write = false\n").device()
    assert device.put("addresses/r.vcf", payloads.vcard("refused-1"), new=True).status == 403
    (refused,) = explained(server, "r.vcf").refused
    assert "the admin sets write = true" in refused.reason


def test_history_and_undo_take_names_and_show_them(agency: Agency, server: Server) -> None:
    agency.office.change(agency.office.tables.user, {"DSN": agency.anna}, NAME="Anna Albers")
    dsn = agency.office.address([agency.own], NAME="Jäger", VORNAME="Max")
    agency.office.address([agency.own], NAME="Jägerin")
    device = server.start().device()
    for href, (etag, text) in device.multiget("addresses", device.sync("addresses").changed).items():
        if "Max" in text:
            assert device.put(f"addresses/{href}", text.replace("Max", "Moritz"), etag).status in (200, 201, 204)
    config = ("--config", str(server.config))
    told = run("history", "--user", "albers", "--record", "moritz", *config)
    assert re.search(rf"\d\d\.\d\d\.\d{{4}} \d\d:\d\d  anna  put  .*  Moritz Jäger \(AD {dsn}\)", told.stdout, re.I), (
        told
    )
    assert told.stdout.endswith("Times are those of Europe/Berlin.\n")
    several = run("history", "--record", "jäger", *config)
    assert (several.returncode, "may be any of these, name one by its DSN" in several.stderr) == (1, True)
    undone = run("undo", "--record", "moritz", "--since", "2026-01-01", *config)
    assert (undone.returncode, "Max Jäger" in undone.stdout, "done: " in undone.stdout) == (0, True, True), undone
    assert "Moritz" not in {row["VORNAME"] for row in agency.office.rows(agency.office.tables.address)}


def test_status_shows_names_and_takes_them(agency: Agency, server: Server) -> None:
    agency.office.change(agency.office.tables.user, {"DSN": agency.anna}, NAME="Anna Albers")
    server.start()
    anna, ben = server.device(agent=IPHONE), server.device("ben", agent=IPHONE)
    anna.put("appointments/s.ics", payloads.event("series", "RRULE:FREQ=DAILY"), new=True)
    for device in (anna, ben):
        device.sync("appointments")
    server.gateway.upkeep()
    told = run("status", "albers", "--config", str(server.config)).stdout
    assert "only on the devices (recurring): s.ics" in told
    assert "ben/" not in told
    assert told.endswith("Times are those of Europe/Berlin.\n")
    everybody = run("status", "--config", str(server.config)).stdout
    assert "ben/appointments" in everybody
    assert not re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d", everybody)
    assert "UTC" not in everybody


@pytest.mark.parametrize("logins", [("anna", "ben", "carl")])
def test_who_gets_nothing_is_named_with_the_reason(agency: Agency, server: Server, logins: tuple[str, ...]) -> None:
    agency.office.change(agency.office.tables.user, {"DSN": agency.ben}, AKTIV=False)
    server.logins = logins
    server.start()
    assert people.without_access(server.gateway) == {
        "ben": "FlowFact user 'ben' is inactive",
        "carl": "FlowFact has no user with the login 'carl'",
    }
    assert overview.users(server.gateway).faults


def test_devices_and_the_history_are_told_in_the_language_of_the_settings(agency: Agency, server: Server) -> None:
    """What is kept stays English, so that either language can be read later."""
    device = server.start('write = false\n[ui]\nlanguage = "de"\n').device()
    answer = device.put("addresses/r.vcf", payloads.vcard("refused-1"), new=True)
    assert (answer.status, "der Administrator setzt write = true" in answer.text) == (403, True)
    (refused,) = explained(server, "r.vcf").refused
    assert refused.reason.endswith("the admin sets write = true in flowfact.toml")
    told = run("history", "--config", str(server.config)).stdout
    assert "403 auf PUT: Änderungen von Geräten sind abgeschaltet" in told
    assert told.endswith("Zeiten sind die von Europe/Berlin.\n")
