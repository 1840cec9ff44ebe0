"""What ``check`` says of a SQL Server that would make the gateway show less than there is."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.dialects.mssql import DATETIME2, NVARCHAR, VARCHAR
from sqlalchemy.engine import make_url
from sqlalchemy.types import DATETIME, TypeEngine

from radicale_flowfact.crm.site.check import _wrong_type, remarks
from radicale_flowfact.crm.site.real import has_case
from radicale_flowfact.database.connections import version_fault
from radicale_flowfact.database.tsql import waiting_note
from tests.conftest import Agency, Server
from tests.mssql import driver
from tests.mssql.engine import sql_server


@pytest.mark.parametrize("collation", ["Latin1_General_CS_AS", "Latin1_General_BIN", "SQL_Latin1_General_CP1_CS_AS"])
def test_a_dsn_compared_with_case_is_recognised_and_no_fault(collation: str) -> None:
    kind = NVARCHAR(36, collation=collation)
    assert has_case(kind)
    assert not _wrong_type("AD.DSN", kind)


def test_other_collations_have_no_case() -> None:
    assert not has_case(NVARCHAR(36, collation="Latin1_General_CI_AS"))
    assert not has_case(NVARCHAR(36))


@pytest.mark.parametrize(("version", "is_fault"), [((12, 0, 2000), True), ((13, 0, 5026), False), ((16,), False)])
def test_a_server_before_2016_is_a_fault(version: tuple[int, ...], is_fault: bool) -> None:
    dialect = make_url("mssql+pyodbc://").get_dialect()()
    setattr(dialect, "server_version_info", version)  # noqa: B010 - known once it was connected to
    assert bool(version_fault(dialect)) is is_fault


def test_varchar_with_an_older_collation_and_datetime2_are_told_of() -> None:
    older = VARCHAR(40, collation="SQL_Latin1_General_CP1_CI_AS")
    real: dict[tuple[str, str], TypeEngine[Any]] = {
        ("AD", name): older for name in ("DSN", "NAME", "ORT", "PLZ", "FAX", "EMAIL", "LAND")
    }
    one, other = remarks({**real, ("AD", "TOUCH"): DATETIME2(7)})  # type: ignore[no-untyped-call]
    assert "SQL_Latin1_General_CP1_CI_AS" in one
    assert "AD.EMAIL and 1 more" in one
    assert other.startswith("AD.TOUCH is a datetime2")


def test_what_is_as_usual_is_not_told_of() -> None:
    usual: dict[tuple[str, str], TypeEngine[Any]] = {
        ("AD", "NAME"): VARCHAR(40, collation="Latin1_General_CI_AS"),
        ("AD", "TOUCH"): DATETIME(),
    }
    assert remarks({**usual, ("AD", "ORT"): NVARCHAR(40, collation="SQL_Latin1_General_CP1_CI_AS")}) == []


@pytest.mark.parametrize(("answer", "is_told"), [(0, True), (False, True), (1, False), (True, False)])
def test_read_committed_snapshot_off_is_told_of(answer: int, *, is_told: bool) -> None:
    with sql_server() as (engine, server), engine.connect() as connection:
        server.answers.append([driver.Rows((answer,))])
        assert ("READ_COMMITTED_SNAPSHOT is off" in waiting_note(connection)) is is_told
        assert "sys.databases" in server.sent[-1].sql.replace("[", "").replace("]", "")


def test_rights_are_read_however_they_are_spelt(agency: Agency, server: Server) -> None:
    """Not every database compares without case, and some fill a column up with blanks."""
    mine, others = agency.office.address([agency.own]), agency.office.address([agency.own])
    agency.office.restrict("ad ", mine, "Lesen", user=agency.anna)
    agency.office.restrict("Ad", others, "voll", user=agency.ben)
    device = server.start().device()
    (href,) = device.all("addresses")
    assert mine.lower() in href
    assert device.delete(f"addresses/{href}").status == 403
