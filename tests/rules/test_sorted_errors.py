"""A database's error is sorted by its code, never by its words: what will never be taken is refused (rule 28)."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from radicale_flowfact.database import faults
from radicale_flowfact.database.fault_codes import Kind
from tests import payloads
from tests.conftest import Agency, Server, not_on_mssql
from tests.dav.test_refused_by_database import forbid, href, put_note, require_refusal, tidied
from tests.mssql.engine import sql_server
from tests.mssql.test_faults import of_server

__all__ = ["href", "tidied"]  # fixtures
_WORDS = "Abfragetimeout abgelaufen, Deadlock, connection lost"
_WRITE = "UPDATE [AD] SET [ORT] = 'x'"


@not_on_mssql("its trigger is in the words of SQLite and PostgreSQL")
def test_rule_28_what_a_trigger_will_never_take_is_refused_and_kept_once(
    agency: Agency, server: Server, href: str
) -> None:
    """A trigger's refusal is answered 403 with its words and kept once, however often it is sent; others go on."""
    forbid(agency, server)
    device = server.device()
    answers = [put_note(device, href, "verboten") for _ in range(3)]
    require_refusal(server, answers, "Preisabsprachen sind verboten")
    assert put_note(device, href, "erlaubt").status == 204
    assert device.put("tasks/t.ics", payloads.todo("t"), new=True).status == 201


@pytest.mark.parametrize(
    ("number", "state", "kind"),
    [
        (50000, "42000", Kind.REFUSAL),
        (547, "23000", Kind.REFUSAL),
        (3609, "42000", Kind.REFUSAL),
        (229, "42000", Kind.RIGHT),
        (1205, "40001", Kind.PASSING),
        (3960, "42000", Kind.PASSING),
        (1222, "42000", Kind.OUTAGE),
        (9002, "42000", Kind.OUTAGE),
    ],
)
def test_rule_28_sql_servers_errors_are_sorted_by_their_numbers(number: int, state: str, kind: Kind) -> None:
    """SQL Server's error is a refusal, a missing right or a passing fault by its number, whatever it says."""
    with sql_server() as (engine, server):
        server.answers.append([of_server(number, state, _WORDS)])
        with engine.connect() as connection, pytest.raises(DBAPIError) as told:
            connection.execute(text(_WRITE))
    assert faults.kind_of(told.value) is kind


class _PostgresqlError(Exception):
    def __init__(self, sqlstate: str) -> None:
        super().__init__(_WORDS)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("23514", Kind.REFUSAL),
        ("23503", Kind.REFUSAL),
        ("P0001", Kind.REFUSAL),
        ("ZX001", Kind.REFUSAL),
        ("42501", Kind.RIGHT),
        ("40P01", Kind.PASSING),
        ("53300", Kind.OUTAGE),
        ("55P03", Kind.OUTAGE),
    ],
)
def test_rule_28_other_errors_are_sorted_by_their_sqlstate(state: str, kind: Kind) -> None:
    """Other databases' errors are sorted by their SQLSTATE, whatever they say."""
    assert faults.kind_of(DBAPIError(_WRITE, None, _PostgresqlError(state))) is kind
