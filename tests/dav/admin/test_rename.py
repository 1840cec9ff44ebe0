"""A login that is called otherwise in the settings keeps all that it had."""

from __future__ import annotations

import pytest

from radicale_flowfact.dav.admin.rename import rename
from radicale_flowfact.dav.store.request import RefusedError
from tests import payloads
from tests.commands.test_commands import run
from tests.conftest import Agency, Server
from tests.dav.admin.test_erase import rows


def _use(agency: Agency, server: Server) -> tuple[dict[str, str], str]:
    """Let Anna's device make and hide something; return her cards and her sync token."""
    hidden = agency.office.address([agency.own], NAME="Versteckt")
    agency.appointment(addresses=[hidden])
    device = server.start().device("anna")
    assert device.put("addresses/c.vcf", payloads.vcard("c", "X-OWN:1", "CATEGORIES:privat"), new=True).status == 201
    href = next(href for href, text in device.all("addresses").items() if "Versteckt" in text)
    assert device.delete(f"addresses/{href}").status == 200
    server.gateway.flush()
    return device.all("addresses"), device.sync("addresses").token


def test_a_renamed_login_goes_on_where_it_was(agency: Agency, server: Server) -> None:
    cards, token = _use(agency, server)
    kept = rows(server)
    server.stop()
    server.logins = ("ben",)
    server.settings = '[users.anna2]\nflowfact = "anna"\n'
    server.write_configuration()
    (server.folder / "users").write_text("anna2:pw\nben:pw\n", encoding="utf-8")
    done = run("users", "rename", "anna", "anna2", "--config", str(server.config))
    assert done.returncode == 0, done.stderr
    server.logins = ("ben", "anna2")
    server.settings = ""
    toml = server._toml().replace('flowfact = "anna2"', 'flowfact = "anna"')
    server._toml = lambda: toml  # type: ignore[method-assign]
    made = {"dav_collection": 2, "dav_journal": 2, "dav_history": 1}  # the other two, and who he was
    assert rows(server) == {name: count + made.get(name, 0) for name, count in kept.items()}
    device = server.start().device("anna2")
    synced = device.sync("addresses", token)
    assert (synced.changed, synced.gone) == ({}, [])
    assert device.all("addresses") == cards


def test_a_name_with_data_of_its_own_is_not_overwritten(agency: Agency, server: Server) -> None:
    _use(agency, server)
    server.device("ben").sync("addresses")
    server.gateway.flush()  # or it is written meanwhile
    before = rows(server)
    with pytest.raises(RefusedError, match="data of its own"), server.gateway.administer() as session:
        rename(session, "anna", "ben")
    with pytest.raises(RefusedError, match="nothing is kept"), server.gateway.administer() as session:
        rename(session, "carl", "dora")
    assert rows(server) == before
