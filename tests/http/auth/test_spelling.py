"""A login is found whatever its case and blanks, everywhere it comes in; a new password counts at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from radicale_flowfact.http.app import FlowfactApplication
from radicale_flowfact.server.configuration import load_configuration
from radicale_flowfact.storage import forget_gateways
from tests import payloads
from tests.conftest import Agency, Server, serve_application
from tests.device import Answer, Device
from tests.http.auth.test_remembered_logins import write_passwords

_ANNA = ("Anna ", "ANNA", " anna", "anna\u00a0", "Ａnna")


@contextmanager
def serving_edited(server: Server, *edits: tuple[str, str, str]) -> Iterator[str]:
    """Serve with texts in the files of the configuration replaced; give the base URL."""
    server.write_configuration()
    for name, old, new in edits:
        file = server.folder / name
        file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with serve_application(FlowfactApplication(load_configuration(server.config))) as base:
        yield base
    server.gateway.flush()
    forget_gateways()


def asks(device: Device, path: str = "/anna/addresses/") -> Answer:
    """Ask for a collection's ETags."""
    return device.propfind(path, "<getetag/>", 1)


@pytest.mark.parametrize("written", _ANNA)
def test_a_login_is_found_whatever_its_case_and_blanks(agency: Agency, server: Server, written: str) -> None:
    href = agency.office.address([agency.own], NAME="Muster")
    device = Device(server.start().base, written)
    principal = device.propfind("/", "<current-user-principal/>")
    assert principal.status == 207
    assert "/anna/" in principal.text
    for _ in range(2):  # the second one is a hot request
        answer = asks(device)
        assert answer.status == 207
        assert href.lower() in answer.text.lower()


@pytest.mark.parametrize("written", ["Anna%20", "ANNA", "%20anna"])
def test_a_path_is_found_whatever_its_case_and_blanks(agency: Agency, server: Server, written: str) -> None:
    device = Device(server.start().base, "Anna ")
    card = payloads.vcard("x", name="Neu;Nina;;;")
    put = device.request("PUT", f"/{written}/addresses/x.vcf", card, {"Content-Type": "text/vcard"})
    assert put.status == 201
    told = asks(device, f"/{written}/addresses/")
    assert told.status == 207
    assert "/anna/addresses/x.vcf" in told.text
    assert device.request("GET", f"/{written}/addresses/x.vcf").status == 200
    assert [row["NAME"] for row in agency.office.rows(agency.office.tables.address)] == ["Neu"]


def test_the_spelling_opens_nobody_elses_collection(agency: Agency, server: Server) -> None:
    server.start()
    for path in ("/anna/addresses/", "/Anna%20/addresses/"):
        assert asks(Device(server.base, "BEN "), path).status == 403
    assert asks(Device(server.base, "Anna ", password="no")).status == 401  # noqa: S106 - the tests' own
    assert asks(Device(server.base, "an na")).status == 401


def test_the_password_file_may_spell_a_login_otherwise(agency: Agency, server: Server) -> None:
    server.start()
    write_passwords(server, "ANNA:other", "ben:pw")
    assert asks(Device(server.base, "anna", password="other")).status == 207  # noqa: S106 - the tests' own
    write_passwords(server, "Anna :third", "anna:exact", "ben:pw")
    assert asks(Device(server.base, "Anna", password="exact")).status == 207  # noqa: S106 - the tests' own
    assert asks(Device(server.base, "Anna ", password="third")).status == 401  # noqa: S106 - the tests' own


@pytest.mark.parametrize(
    ("auth", "mapped", "written"),
    [
        ("lc_username = True", "Anna", "ANNA"),
        ("strip_domain = True", "anna", "Anna@example.com"),
        ("urldecode_username = True", "anna", "Anna%20"),
    ],
)
def test_with_what_radicale_does_to_logins(
    agency: Agency, server: Server, auth: str, mapped: str, written: str
) -> None:
    server.logins = (mapped,)
    settings = ("flowfact.toml", 'flowfact = "Anna"', 'flowfact = "anna"')
    with serving_edited(server, ("radicale.ini", "[auth]", f"[auth]\n{auth}"), settings) as base:
        assert asks(Device(base, written), f"/{mapped}/addresses/").status == 207


def test_a_new_password_counts_at_once_where_it_was_tried_before(agency: Agency, server: Server) -> None:
    """Radicale remembers wrong passwords too, and failed logins are throttled by account and address."""
    with serving_edited(server, ("radicale.ini", "[auth]", "[auth]\ncache_logins = True")) as base:
        device = Device(base, "anna", password="new")  # noqa: S106 - the tests' own
        refused = [asks(device).status for _ in range(14)]
        assert refused[:3] == [401, 401, 401]
        assert refused[-1] == 429
        write_passwords(server, "anna:new", "ben:pw")
        assert asks(device).status == 207
        assert asks(Device(base, "anna")).status == 401, "the old one counts no more"


def test_the_change_of_another_password_ends_no_throttling(agency: Agency, server: Server) -> None:
    server.start()
    device = Device(server.base, "anna", password="guess")  # noqa: S106 - the tests' own
    assert [asks(device).status for _ in range(4)][-1] == 429
    write_passwords(server, "anna:pw", "ben:new")
    assert asks(device).status == 429
