"""Who gets in that should not, and who does not that should: found by ``check``, each with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from radicale_flowfact.dav.admin.checking.findings import Group
from radicale_flowfact.server import htpasswd
from tests.server.checking.configured import SETTINGS, Configured, only


@pytest.fixture
def configured(tmp_path: Path, unused_tcp_port: int) -> Configured:
    """Give a configuration without a fault."""
    return Configured(tmp_path, server=[f"hosts = 127.0.0.1:{unused_tcp_port}"])


def test_what_is_right_has_no_fault(configured: Configured) -> None:
    report = configured.report()
    assert report.faults == []
    assert ("[auth] type", "htpasswd") in report.facts
    assert dict(report.facts)["passwords"].startswith("1 in ")


@pytest.mark.parametrize(("kind", "words"), [("none", "gets in as anybody"), ("denyall", "nobody gets in")])
def test_no_authentication_is_a_fault(configured: Configured, kind: str, words: str) -> None:
    configured.auth = [f"type = {kind}"]
    assert "type = htpasswd" in only(configured.report(), words, fault=True).step


def test_a_name_in_a_header_is_a_fault_only_where_others_reach_the_gateway(
    configured: Configured, unused_tcp_port: int
) -> None:
    configured.auth = ["type = http_x_remote_user"]
    report = configured.report()
    assert (report.faults, len(report.notes)) == ([], 1)
    configured.server = [f"hosts = 0.0.0.0:{unused_tcp_port}"]
    assert "firewall" in only(configured.report(), "believes any name", fault=True).step


def test_a_missing_or_unreadable_password_file_is_a_fault(configured: Configured) -> None:
    configured.users = None
    only(configured.report(), "there is no password file", fault=True)
    file = configured.folder / "users"
    file.write_bytes("müller:pw\n".encode("cp1252"))
    only(configured.report_as_it_is(), "cannot be read", fault=True)
    file.unlink()
    file.mkdir()
    only(configured.report_as_it_is(), "cannot be read", fault=True)


def test_rights_of_the_password_file(configured: Configured) -> None:
    configured.report()
    file = configured.folder / "users"
    for mode, fault in ((0o604, False), (0o660, True), (0o602, True)):
        file.chmod(mode)
        assert "chmod 640" in only(configured.report_as_it_is(), f"(mode {mode:03o})", fault=fault).step


@pytest.mark.parametrize(
    ("users", "words"),
    [
        ("ben:pw\n", "users.anna has no password: he does not get in"),
        ("Anna:pw\n", "there is one of 'Anna', spelt otherwise"),
        ("\ufeffanna:pw\n", "spelt otherwise"),
        ("anna:pw\nanna\n", "line 2 of "),
        ("anna:pw\nben:\n", "line 2 of "),
        ("anna:pw\nanna:other\n", "anna has more than one line"),
        ("# only a comment\n\n", "users.anna has no password"),
        ("anna:$6$rounds=30000$abc$def\n", "the password of anna is kept in another form"),
    ],
)
def test_each_fault_of_an_entry_is_named(configured: Configured, users: str, words: str) -> None:
    configured.users = users
    only(configured.report(), words, fault=True)


def test_entries_of_nobody_and_bare_passwords_are_notes(configured: Configured) -> None:
    configured.users = "anna:pw\ncarl:pw\n"
    report = configured.report()
    assert "[users.<login>]" in only(report, "passwords of nobody who is mapped: carl;", fault=False).step
    only(report, "2 passwords stand in", fault=False)
    assert report.faults == []


def test_a_hashed_password_is_neither(configured: Configured) -> None:
    configured.auth = ["type = htpasswd", "htpasswd_encryption = sha512"]
    configured.report()
    htpasswd.set_password(configured.folder / "users", "anna", "geheim")
    report = configured.report_as_it_is()
    assert (report.faults, report.notes) == ([], [])
    configured.auth[1] = "htpasswd_encryption = md5"
    only(configured.report_as_it_is(), "is kept in another form", fault=True)


def test_what_cannot_be_set_up_is_a_fault(configured: Configured) -> None:
    configured.auth = ["type = htpasswd", "htpasswd_encryption = rot13"]
    only(configured.report(), "the logins cannot be checked", fault=True)


def test_a_login_that_radicale_changes_never_arrives(configured: Configured) -> None:
    configured.auth += ["lc_username = True"]
    settings = SETTINGS.model_copy(update={"users": {"Anna": SETTINGS.users["anna"]}})
    assert "[users.anna]" in only(configured.report(settings), "users.Anna never gets in", fault=True).step


def test_no_password_is_in_any_finding(configured: Configured) -> None:
    configured.users = "anna:Geh31m-Wort\nben:Geh31m-Wort\nben:Geh31m-Wort\n:Geh31m-Wort\nGeh31m-Wort\n"
    report = configured.report()
    assert len([one for one in report.findings if one.group is Group.LOGINS]) >= 4
    assert "Geh31m" not in repr(report)
