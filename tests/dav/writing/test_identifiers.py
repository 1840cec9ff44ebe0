"""A new address's Kennung is nobody else's, however many make the same contact at once (rule 14)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

import pytest
from sqlalchemy import ColumnElement, Index, func

from radicale_flowfact.database.engines import WRITES
from radicale_flowfact.dav.store import request as dav_request
from radicale_flowfact.dav.store.session import Name
from tests import payloads
from tests.conftest import Agency, Server

_USERS = ("anna", "ben", "cora", "dirk")


@contextmanager
def unique(agency: Agency, expression: ColumnElement[str]) -> Iterator[None]:
    """Let FlowFact refuse what is there already, as a site's own index may."""
    index = Index("uq_kennung", expression, unique=True, _table=agency.office.tables.address)
    engine = agency.office.engine
    with engine.connect().execution_options(**WRITES) as connection, connection.begin():
        index.create(connection)
    try:
        yield
    finally:
        agency.office.tables.address.indexes.discard(index)
        with engine.connect().execution_options(**WRITES) as connection, connection.begin():
            index.drop(connection)


@pytest.mark.parametrize("is_unique", [False, True])
def test_rule_14_users_who_make_the_same_contact_at_once_get_different_kennungen(
    agency: Agency, server: Server, *, is_unique: bool
) -> None:
    for login in _USERS[2:]:
        agency.office.user(login)
    server.logins = _USERS
    server.start()
    second = server.another()

    def make(number: int) -> int:
        login, text = _USERS[number % 4], payloads.vcard(f"u{number}", name="Meier;Eva;;;")
        if number % 8 < 4:
            return server.device(login).put(f"addresses/{number}.vcf", text, new=True).status
        dav_request.begin("Test/1.0", "")
        with second.writing(login, Name.ADDRESSES):
            return 201 if second.put(login, Name.ADDRESSES, f"{number}.vcf", text).is_new else 204

    with unique(agency, agency.office.tables.address.c.KENNUNG) if is_unique else nullcontext():
        with ThreadPoolExecutor(16) as pool:
            assert list(pool.map(make, range(32))) == [201] * 32
        second.flush()
        taken = [row["KENNUNG"] for row in agency.office.rows(agency.office.tables.address)]
        assert len(set(taken)) == 32


def test_rule_14_a_kennung_that_only_flowfacts_index_knows_is_followed_by_the_next(
    agency: Agency, server: Server
) -> None:
    agency.office.address(KENNUNG="MEIER, EVA", NAME="Desktop")
    device = server.start().device()
    text = payloads.vcard("x", name="Meier;Eva;;;")
    with unique(agency, func.lower(agency.office.tables.address.c.KENNUNG)):
        assert device.put("addresses/x.vcf", text, new=True).status == 201
    (made,) = agency.office.rows(agency.office.tables.address, NAME="Meier")
    assert made["KENNUNG"].endswith("(2)")
    assert device.get("addresses/x.vcf").status == 200
