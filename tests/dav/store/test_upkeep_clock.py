"""A clock that jumped ahead makes nothing old: the daily upkeep drops nothing until the time is sure."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from radicale_flowfact.dav.store import tables
from radicale_flowfact.dav.store.upkeep import clock as upkeep_clock
from tests import payloads
from tests.conftest import Agency, Server
from tests.rules.test_safety import command


def _history(server: Server) -> int:
    with server.gateway.session() as session:
        return session.connection.scalar(select(func.count()).select_from(tables.history)) or 0


@pytest.fixture
def used(agency: Agency, server: Server) -> Server:
    """Give a server that was written to, and whose upkeep ran."""
    device = server.start().device()
    assert device.put("addresses/n.vcf", payloads.vcard("n"), new=True).status == 201
    server.gateway.upkeep()
    assert _history(server) == 1
    return server


def test_rule_30_after_a_jump_the_upkeep_drops_nothing(used: Server, caplog: pytest.LogCaptureFixture) -> None:
    jumped = used.moment + timedelta(days=1000)
    used.moment = jumped
    used.device().sync("addresses")  # what is written now bears the wrong time itself
    used.gateway.upkeep()
    assert _history(used) == 1
    assert "radicale-flowfact confirm --clock" in caplog.text
    assert "the upkeep drops nothing" in command(used, "status")
    used.moment = jumped - timedelta(days=999)  # somebody set it right
    used.gateway.upkeep()
    assert "the upkeep drops nothing" not in command(used, "status")
    assert _history(used) == 1


def test_rule_30_a_clock_that_runs_on_is_believed(used: Server) -> None:
    used.moment += timedelta(days=1000)
    for _ in range(3):
        used.gateway.upkeep()
        assert _history(used) == 1
        used.moment += timedelta(days=1)
    used.gateway.upkeep()
    assert _history(used) == 0


def test_rule_30_a_second_jump_is_doubted_anew(used: Server) -> None:
    for _ in range(3):
        used.moment += timedelta(days=1000)
        used.gateway.upkeep()
        assert _history(used) == 1


def test_rule_30_the_admin_says_that_the_clock_is_right(used: Server) -> None:
    used.moment += timedelta(days=1000)
    used.gateway.upkeep()
    with used.gateway.administer() as session:
        assert upkeep_clock.trust(session)
    used.gateway.upkeep()
    assert _history(used) == 0


def test_rule_30_a_pause_of_some_days_is_no_jump(used: Server) -> None:
    for _ in range(16):
        used.moment += timedelta(days=6)
        used.gateway.upkeep()
    assert _history(used) == 0


def test_rule_30_a_gateway_without_an_upkeep_yet_compares_with_what_it_knows(agency: Agency, server: Server) -> None:
    device = server.start().device()
    assert device.put("addresses/n.vcf", payloads.vcard("n"), new=True).status == 201
    with server.gateway.administer() as session:
        session.connection.execute(tables.upkeep.delete())
    server.moment += timedelta(days=1000)
    server.gateway.upkeep()
    assert _history(server) == 1
