"""Rule 28: a write for which the gateway's database user lacks a grant is refused, with its reason and once.

It would not pass by itself: called an outage, a phone would send it again for ever, and nobody would be told.
PostgreSQL has a role that lacks the grant; on SQLite a trigger keeps the table from being written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests import payloads
from tests.conftest import Agency, Server, not_on_mssql
from tests.dav.test_refused_by_database import is_postgresql, refused, run_ddl, without_right
from tests.device import Answer, Device

pytestmark = not_on_mssql("its triggers and rights are in the words of SQLite and PostgreSQL")

PRIVATE = '[addresses]\nprivate = "flowfact"\n[appointments]\nprivate = "flowfact"\n'
Write = Callable[[Device], Answer]


def _new(path: str, body: str) -> Write:
    return lambda device: device.put(path, body, new=True)


def _edited(collection: str, before: str, after: str) -> Write:
    """Return the write that replaces a text in the one item of a collection."""

    def write(device: Device) -> Answer:
        (href,) = device.all(collection)
        there = device.get(f"{collection}/{href}")
        assert before in there.text
        return device.put(f"{collection}/{href}", there.text.replace(before, after), there.etag)

    return write


def _deleted(collection: str) -> Write:
    def write(device: Device) -> Answer:
        (href,) = device.all(collection)
        return device.delete(f"{collection}/{href}")

    return write


WRITES: list[tuple[str, str, Write]] = [
    ("AD", "INSERT", _new("addresses/n.vcf", payloads.vcard("n"))),
    ("AD", "UPDATE", _edited("addresses", "Meier", "Huber")),
    ("ADTEL", "INSERT", _new("addresses/n.vcf", payloads.vcard("n", "TEL;TYPE=WORK:0221 9"))),
    ("ADTEL", "UPDATE", _edited("addresses", "0221 1", "0221 9")),
    ("ADMKM", "INSERT", _new("addresses/n.vcf", payloads.vcard("n"))),
    ("ADMKM", "DELETE", _deleted("addresses")),
    ("AKT", "INSERT", _new("tasks/n.ics", payloads.todo("n"))),
    ("AKT", "UPDATE", _edited("appointments", "SUMMARY:", "SUMMARY:X ")),
    ("AKTMKM", "INSERT", _new("appointments/n.ics", payloads.event("n"))),
    ("AKTMKM", "DELETE", _deleted("appointments")),
    ("RECHTE", "INSERT", _new("addresses/p.vcf", payloads.vcard("p", "CATEGORIES:privat"))),
]


@contextmanager
def lacking(agency: Agency, server: Server, table: str, verb: str) -> Iterator[Server]:
    """Serve with a database user that may not do one thing with one table."""
    server.settings = PRIVATE
    if is_postgresql(server):
        with without_right(agency, server, verb, table) as poor:
            yield poor.start()
        return
    refuse = f"BEFORE {verb} ON \"{table}\" BEGIN SELECT RAISE(ABORT, 'no {verb} on {table}'); END"
    run_ddl(agency, f"CREATE TRIGGER lacking {refuse}")
    yield server.start()
    run_ddl(agency, "DROP TRIGGER lacking")
    server.start()


@pytest.mark.parametrize(("table", "verb", "write"), WRITES, ids=[f"{table}-{verb}" for table, verb, _ in WRITES])
def test_a_write_without_its_grant_is_refused_once_with_its_reason(
    agency: Agency, server: Server, table: str, verb: str, write: Write
) -> None:
    agency.office.address([agency.own], ["0221 1"], NAME="Meier")
    agency.appointment()
    before = _rows(agency)
    with lacking(agency, server, table, verb) as poor:
        device = poor.device()
        answers = [write(device) for _ in range(2)]
        assert [answer.status for answer in answers] == [403, 403]
        assert all("need-privileges" in answer.text for answer in answers)
        assert all(table in answer.text for answer in answers), "the reason names the table"
        ((reason, _, repeats),) = refused(poor)
        assert (table in reason, repeats) == (True, 1)
        assert _rows(agency) == before, "nothing is half-written"
        assert [len(device.sync(name).changed) for name in ("addresses", "appointments")] == [1, 1]
    assert write(server.device()).status in (200, 201, 204), "with the grant the same goes through"


def _rows(agency: Agency) -> dict[str, object]:
    return {name: agency.office.rows(table) for name, table in agency.office.all_tables().items()}
