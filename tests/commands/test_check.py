"""``radicale-flowfact check`` as an admin runs it: one screen with problems first, JSON, exit status."""

from __future__ import annotations

import json

import pytest

from radicale_flowfact.commands import check_report
from radicale_flowfact.crm.site.tally import Reason
from radicale_flowfact.dav.admin.checking.findings import Counts, Group, Report
from radicale_flowfact.dav.store.session import Name
from radicale_flowfact.language.texts import GERMAN, using
from tests.commands.test_commands import run
from tests.conftest import Agency, Server

_KEYS = {"format", "ok", "error", "faults", "notes", "findings", "facts", "users", "draft"}
_PASSWORD = "Geh31m-Wort"  # noqa: S105 - to be looked for


@pytest.fixture
def configured(agency: Agency, server: Server) -> Server:
    """Write a configuration for the agency."""
    agency.office.address([agency.own])
    agency.office.address([agency.own], ARCHIV=True)
    server.write_configuration()
    return server


def test_problems_come_first_by_group_with_the_next_step(agency: Agency, configured: Server) -> None:
    agency.office.change(agency.office.tables.user, {"DSN": agency.ben}, AKTIV=False)
    text = configured.config.read_text(encoding="utf-8")
    configured.config.write_text(text.replace("type = htpasswd", "type = none"), encoding="utf-8")
    done = run("check", "--config", str(configured.config))
    assert done.returncode == 1
    faults = done.stderr.splitlines()
    assert faults[0] == "Users"
    assert faults[1] == "  fault: users.ben: FlowFact user 'ben' is inactive"
    assert "[users.ben]" in faults[2]
    assert faults[3] == "Logins"
    assert faults[4].startswith("  fault: [auth] type = none: whoever reaches")
    assert faults[5].startswith("        -> [auth] type = htpasswd in ")
    assert faults[-1].startswith("2 faults, ")
    for title in ("database", "name map", "own tables", "grants", "FlowFact", "writing", "schema", "proxies"):
        assert title in done.stdout
    assert "  anna/addresses: 2 rows of ADMKM with his Merkmale, 2 records; 1 in the collection; not: 1 archived" in (
        done.stdout
    )


def test_json_has_stable_keys_and_no_password(configured: Server) -> None:
    (configured.folder / "users").write_text(f"anna:{_PASSWORD}\nben:{_PASSWORD}\n{_PASSWORD}\n", encoding="utf-8")
    done = run("check", "--json", "--config", str(configured.config))
    found = json.loads(done.stdout)
    assert set(found) == _KEYS
    assert (done.returncode, found["ok"], found["format"], found["error"]) == (1, False, 1, "")
    assert found["faults"] == len([one for one in found["findings"] if one["level"] == "fault"]) == 1
    assert all(set(one) == {"group", "level", "text", "step"} for one in found["findings"])
    assert all(set(one) == {"group", "title", "text"} for one in found["facts"])
    (anna,) = [user for user in found["users"] if user["login"] == "anna"]
    assert anna["collections"]["addresses"]["left_out"]["archived"] == 1
    assert "Geh31m" not in done.stdout + done.stderr
    (configured.folder / "users").write_text("anna:pw\nben:pw\n", encoding="utf-8")
    done = run("check", "--json", "--config", str(configured.config))
    assert (done.returncode, json.loads(done.stdout)["ok"], done.stderr) == (0, True, "")


@pytest.mark.parametrize(
    ("line", "where", "words"),
    [
        ("wrong = 1\n", "error", "unknown key wrong"),
        ('database_url = "postgresql+psycopg://x@127.0.0.1:1/x"\n', "database", "cannot be reached"),
        ('database_url = "sqlite:///x.sqlite"\n[names]\n"AD.FIRMEN" = "x"\n"ADTELL" = "y"\n', "names", "'AD.FIRMA'"),
    ],
)
def test_json_tells_also_why_there_was_no_check(configured: Server, line: str, where: str, words: str) -> None:
    """And what is no matter of the database is checked all the same."""
    (configured.folder / "flowfact.toml").write_text(line, encoding="utf-8")
    done = run("check", "--json", "--config", str(configured.config))
    found = json.loads(done.stdout)
    assert (done.returncode, found["ok"]) == (1, False)
    if where == "error":
        assert words in found["error"]
        return
    assert words in " ".join(one["text"] for one in found["findings"] if one["group"] == where)
    assert [fact["text"] for fact in found["facts"] if fact["title"] == "[auth] type"] == ["htpasswd"]


def test_a_screen_in_german_says_all_of_it_in_german() -> None:
    """Also what lower layers find: cause, next step and facts."""
    report = Report()
    report.fault(Group.LOGINS, "[auth] type is not set (denyall): nobody gets in", "make a new key and certificate")
    error = "the own Merkmal of FlowFact user 'anna' is not among the Merkmale his addresses sync; "
    error += "add it in FlowFact's user settings (Dienste/Outlook) or under address_merkmale in flowfact.toml"
    report.fault(Group.USERS, f"users.anna: {error}", is_message=True)
    report.tell(Group.OWN, "own tables", "up to date (0013), beside FlowFact's")
    report.counts = [Counts("anna", Name.TASKS, 1, 3, 3, {Reason.ARCHIVED: 2}, 0)]
    with using(GERMAN):
        faults = list(check_report.problem_lines(report, faults=True))
        facts = list(check_report.fact_lines(report))
        (counted,) = check_report.count_lines(report)
        assert check_report.summary(report).startswith("2 Fehler, 0 Hinweise.")
    assert (faults[0], faults[3]) == ("Benutzer", "Logins")
    assert faults[1].startswith("  Fehler: users.anna: ")
    assert "Benutzereinstellungen" in faults[2]
    assert faults[4:] == [
        "  Fehler: [auth] type ist nicht gesetzt (denyall): Niemand kommt hinein",
        "        -> Schlüssel und Zertifikat neu erstellen",
    ]
    assert facts[1].split("  ")[1] == "eigene Tabellen"
    assert facts[1].endswith("aktuell (0013), neben denen von FlowFact")
    assert counted.endswith("1 in der Sammlung; nicht: 2 archiviert")
