"""Users in one go: mapped, with passwords that count at once, and a page for each to print."""

from __future__ import annotations

import os
import re
import tomllib
from html import unescape
from pathlib import Path

import pytest

from radicale_flowfact.settings import load_settings
from tests.commands.test_commands import run
from tests.conftest import Agency, Server
from tests.device import Device
from tests.http.auth.test_spelling import serving_edited

_PASSWORD = re.compile(r"\b[a-z2-9]{4}(?:-[a-z2-9]{4}){3}\b")


@pytest.fixture
def configured(agency: Agency, server: Server) -> Server:
    """Write a configuration in which only Anna is mapped, with comments."""
    agency.office.address([agency.own])
    server.logins = ("anna",)
    server.write_configuration()
    file = server.folder / "flowfact.toml"
    file.write_text("# our own words\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
    return server


def users_of(server: Server) -> dict[str, dict[str, object]]:
    """Return the mapped users as they stand in flowfact.toml."""
    text = (server.folder / "flowfact.toml").read_text(encoding="utf-8")
    assert text.startswith("# our own words\n")
    users: dict[str, dict[str, object]] = tomllib.loads(text)["users"]
    return users


def test_add_maps_users_by_login_or_name_and_keeps_the_file(agency: Agency, configured: Server) -> None:
    agency.office.user("FIRMA\\Dora", NAME="Dora Dorn")
    done = run("users", "add", "BEN", "dora dorn", "--generate", "--config", str(configured.config))
    assert done.returncode == 0, done.stderr
    assert users_of(configured) == {
        "anna": {"flowfact": "anna"},
        "ben": {"flowfact": "ben"},
        "dora": {"flowfact": "FIRMA\\Dora"},
    }
    passwords = _PASSWORD.findall(done.stdout)
    assert len(set(passwords)) == 2
    hashes = (configured.folder / "users").read_text(encoding="utf-8")
    assert not any(password in hashes for password in passwords)
    assert hashes.count("$6$") == 2
    if os.name != "nt":
        assert (configured.folder / "flowfact.toml").stat().st_mode & 0o007 == 0
    again = run("users", "add", "ben", "--config", str(configured.config))
    assert (again.returncode, "mapped already" in again.stdout) == (0, True)


def test_add_all_leaves_out_who_would_not_get_in_and_says_why(agency: Agency, configured: Server) -> None:
    office = agency.office
    office.user("gone", AKTIV=False)
    bare = office.user("bare")
    office.change(office.tables.user, {"DSN": bare}, MKM_DSN=None)
    office.user("odd:login")
    done = run("users", "add", "--all", "--config", str(configured.config))
    assert done.returncode == 0, done.stderr
    assert set(users_of(configured)) == {"anna", "ben"}
    assert "bare: not mapped: FlowFact user 'bare' has no own Merkmal" in done.stderr
    assert "odd:login: not mapped: 'odd:login' cannot be a login" in done.stderr
    assert "gone" not in done.stderr + done.stdout
    assert run("check", "--config", str(configured.config)).returncode == 0


def test_add_names_who_is_not_there_and_maps_the_others(agency: Agency, configured: Server) -> None:
    done = run("users", "add", "ben", "nobody", "--config", str(configured.config))
    assert done.returncode == 1
    assert "nobody: FlowFact has no user of that login or name" in done.stderr
    assert set(users_of(configured)) == {"anna", "ben"}
    for arguments in ((), ("ben", "--all")):
        assert run("users", "add", *arguments, "--config", str(configured.config)).returncode == 2


def test_add_writes_the_own_merkmal_where_flowfact_has_no_lists(agency: Agency, configured: Server) -> None:
    file = configured.folder / "flowfact.toml"
    listed = 'flowfact = "anna"\naddress_merkmale = ["Merkmal anna"]\nactivity_merkmale = ["Merkmal anna"]\n'
    text = file.read_text(encoding="utf-8").replace('flowfact = "anna"\n', listed)
    text = re.sub(r'^"BENMKM" = .*\n', "", text, flags=re.MULTILINE).replace("[names]\n", '[names]\n"BENMKM" = ""\n')
    file.write_text(text, encoding="utf-8")
    done = run("users", "add", "ben", "--config", str(configured.config))
    assert done.returncode == 0, done.stderr
    own = ["Merkmal ben"]
    assert users_of(configured)["ben"] == {"flowfact": "ben", "address_merkmale": own, "activity_merkmale": own}
    assert load_settings(file).users["ben"].address_merkmale == ("Merkmal ben",)
    assert run("check", "--config", str(configured.config)).returncode == 0


def test_a_generated_password_opens_the_door_at_once(agency: Agency, server: Server) -> None:
    """The gateway that serves is not restarted; the phone tried the password before it was set."""
    with serving_edited(server, ("radicale.ini", "= plain", "= autodetect\ncache_logins = True")) as base:
        assert Device(base, "anna").propfind("addresses/", "<getetag/>").status == 207
        done = run("users", "password", " ANNA", "--generate", "--config", str(server.config))
        assert done.returncode == 0, done.stderr
        (password,) = _PASSWORD.findall(done.stdout)
        assert Device(base, "Anna ", password=password).propfind("/anna/", "<getetag/>").status == 207
        assert Device(base, "anna").propfind("addresses/", "<getetag/>").status == 401
    lines = (server.folder / "users").read_text(encoding="utf-8").splitlines()
    assert [line.partition(":")[0] for line in lines] == ["ben", "anna"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_the_password_file_keeps_its_rights_and_a_new_one_is_the_owners(agency: Agency, configured: Server) -> None:
    file = configured.folder / "users"
    file.chmod(0o644)
    run("users", "password", "anna", "--config", str(configured.config), given="x\n")
    assert file.stat().st_mode & 0o777 == 0o640
    file.unlink()
    run("users", "password", "anna", "--config", str(configured.config), given="x\n")
    assert file.stat().st_mode & 0o777 == 0o600


def sheet(configured: Server, target: Path, *arguments: str, given: str = "") -> str:
    """Write the page and return it as the text that a person reads."""
    options = ("--address", "dav.example.com", "--output", str(target), *arguments)
    done = run("users", "sheet", "Anna ", *options, "--config", str(configured.config), given=given)
    assert done.returncode == 0, done.stderr
    return unescape(target.read_text(encoding="utf-8"))


@pytest.mark.parametrize("device", ["iphone", "android", "thunderbird", "outlook"])
@pytest.mark.parametrize(("language", "word"), [("de", "Benutzername"), ("en", "User name")])
def test_a_sheet_has_what_is_needed(
    agency: Agency, configured: Server, tmp_path: Path, device: str, language: str, word: str
) -> None:
    before = (configured.folder / "users").read_bytes()
    page = sheet(configured, tmp_path / "page.html", "--device", device, "--language", language)
    assert f'<html lang="{language}">' in page
    assert word in page
    assert "https://dav.example.com/" in page
    assert "<dd>anna</dd>" in page
    assert '<dd class="line"></dd>' in page, "no password was set: a line to write on"
    assert page.count("<li>") == 5
    assert "<svg" in page
    assert "{" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    assert ("dav.example.com/anna/addresses/" in page) == (device == "outlook")
    assert (configured.folder / "users").read_bytes() == before


def test_the_qr_code_is_the_address(agency: Agency, configured: Server, tmp_path: Path) -> None:
    import segno

    for device, url in (
        ("iphone", "https://dav.example.com/.mobileconfig"),
        ("thunderbird", "https://dav.example.com/"),
    ):
        page = sheet(configured, tmp_path / f"{device}.html", "--device", device)
        assert segno.make(url, micro=False, error="m").svg_inline(scale=5, border=4) in page


def test_a_sheet_shows_a_password_only_if_it_was_just_set(agency: Agency, configured: Server, tmp_path: Path) -> None:
    page = sheet(configured, tmp_path / "a.html", "--password-stdin", given="a <b> & c\n")
    assert "<dd>a <b> & c</dd>" in page
    assert "<b>" not in (tmp_path / "a.html").read_text(encoding="utf-8")
    (password,) = set(_PASSWORD.findall(sheet(configured, tmp_path / "b.html", "--generate")))
    assert password not in sheet(configured, tmp_path / "c.html")
    if os.name != "nt":
        assert (tmp_path / "b.html").stat().st_mode & 0o777 == 0o600


def test_a_sheet_overwrites_nothing_and_tells_a_wrong_address(
    agency: Agency, configured: Server, tmp_path: Path
) -> None:
    target = tmp_path / "page.html"
    target.write_text("mine", encoding="utf-8")
    hashes = (configured.folder / "users").read_bytes()
    options = ("--config", str(configured.config), "--output", str(target), "--generate")
    done = run("users", "sheet", "anna", "--address", "https://x/", *options)
    assert (done.returncode, "there already" in done.stderr) == (1, True)
    assert (target.read_text(encoding="utf-8"), (configured.folder / "users").read_bytes()) == ("mine", hashes)
    for wrong in ("ftp://x/", "https://a:b@x/", "https://", "https://x:port/"):
        done = run("users", "sheet", "anna", "--address", wrong, *options, "--force")
        assert (done.returncode, "is no address" in done.stderr) == (1, True), wrong
    assert (configured.folder / "users").read_bytes() == hashes
