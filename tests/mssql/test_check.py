"""What ``check`` says of a SQL Server that would make the gateway show less than there is."""

from __future__ import annotations

import pytest
from sqlalchemy.dialects.mssql import NVARCHAR
from sqlalchemy.engine import make_url

from radicale_flowfact.connecting import version_fault
from radicale_flowfact.crm.check import _wrong_type
from tests.conftest import Agency, Server


@pytest.mark.parametrize("collation", ["Latin1_General_CS_AS", "Latin1_General_BIN", "SQL_Latin1_General_CP1_CS_AS"])
def test_a_dsn_compared_with_case_is_a_fault(collation: str) -> None:
    assert "compared without case" in _wrong_type("AD_DSN", NVARCHAR(36, collation=collation))


def test_other_collations_and_columns_are_none() -> None:
    assert not _wrong_type("AD_DSN", NVARCHAR(36, collation="Latin1_General_CI_AS"))
    assert not _wrong_type("NAME", NVARCHAR(36, collation="Latin1_General_CS_AS"))


@pytest.mark.parametrize(("version", "is_fault"), [((12, 0, 2000), True), ((13, 0, 5026), False), ((16,), False)])
def test_a_server_before_2016_is_a_fault(version: tuple[int, ...], is_fault: bool) -> None:
    dialect = make_url("mssql+pyodbc://").get_dialect()()
    setattr(dialect, "server_version_info", version)  # noqa: B010 - known once it was connected to
    assert bool(version_fault(dialect)) is is_fault


def test_rights_are_read_however_they_are_spelt(agency: Agency, server: Server) -> None:
    """Not every database compares without case, and some fill a column up with blanks."""
    mine, others = agency.office.address([agency.own]), agency.office.address([agency.own])
    agency.office.restrict("ad ", mine, "Lesen", user=agency.anna)
    agency.office.restrict("Ad", others, "voll", user=agency.ben)
    device = server.start().device()
    (href,) = device.all("addresses")
    assert mine.lower() in href
    assert device.delete(f"addresses/{href}").status == 403
