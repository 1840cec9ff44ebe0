"""How many statements a request costs: exactly so many, and no more with 1,000 items than with 10."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event

from radicale_flowfact.database.engines import WRITES
from tests import payloads
from tests.conftest import Agency, Server
from tests.http.hot.two_ways import Answer, Asked, TwoWays

_SPACES = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CR="urn:ietf:params:xml:ns:carddav"'
_NOT_COUNTED = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
_RANGE = '<C:time-range start="20260701T000000Z" end="20260708T000000Z"/>'
_FROM = '<C:time-range start="20260703T000000Z"/>'  # DAVx5 lists its events so, and asks for the ETags alone

_READ = {"poll": 1, "listing": 2, "first sync": 2, "sync, no change": 1, "multiget": 2, "GET": 1}
_READ |= {"query": 2, "open query": 2}
_LOOKING = {"poll": 5, "listing": 6, "first sync": 6, "sync, no change": 5, "multiget": 6, "GET": 6}
_LOOKING |= {"query": 6, "open query": 6}
# A new contact takes its Kennung under a lock that all gateways share (rule 14): two of its statements. Where another
# one has it, a free one is found with a third, and two more tell whether that is the same one, whose item was lost.
_WRITTEN = {"PUT, change": 18, "DELETE": 12, "PUT, new": 17, "PUT, taken": 20, "PUT, series": 8}
_LOOKING_TOO = {"PUT, change": 24, "DELETE": 18, "PUT, new": 23, "PUT, taken": 26, "PUT, series": 14}
# SQLite can tell that nothing was committed since the row was read, and since the last look.
_UNCOMMITTED = ("poll", "listing", "first sync", "sync, no change", "multiget")
_RENDERED = {"sync, 1 changed": 1, "sync, 10 changed": 10, "PUT, change": 1}
_RENDERED |= {"PUT, new": 1, "PUT, taken": 1}  # nothing else renders

# By refresh_seconds: with 3600 no look at FlowFact is due, with 0 each request looks, for the user's rights as well.
EXPECTED: dict[str, dict[str, int]] = {
    "3600": {**_READ, **_WRITTEN},
    "0": {**_LOOKING, "sync, 1 changed": 19, "sync, 10 changed": 20, **_LOOKING_TOO},
}


class Office:
    """So many contacts and appointments, and a device whose requests are counted."""

    def __init__(self, agency: Agency, server: Server, size: int, refresh_seconds: str) -> None:
        self._agency, self._size = agency, size
        self._fill(size)
        server.settings = f"refresh_seconds = {refresh_seconds}\n[safety]\nmax_vanish_percent = 100\n"
        self._ways = TwoWays(server)
        self._ways.propfind("appointments")
        self._seen: list[str] = []
        self._thread = threading.get_ident()
        self.costs: dict[str, tuple[int, int]] = {}
        event.listen(self._ways.gateway.engine, "before_cursor_execute", self._note)

    def _fill(self, size: int) -> None:
        tables, own = self._agency.office.tables, self._agency.own
        with self._agency.office.engine.connect().execution_options(**WRITES) as connection, connection.begin():
            contacts = [{"DSN": f"A{number}", "NAME": f"N{number}", "ARCHIV": False} for number in range(size)]
            connection.execute(tables.address.insert(), contacts)
            tags = [{"AD_DSN": f"A{number}", "MKM_DSN": own} for number in range(size)]
            connection.execute(tables.address_merkmal.insert(), tags)
            row = {"ART_DSN": self._agency.visit, "BETREFF": "x", "GANZTAGS": False, "ERLEDIGT": False}
            row |= {"ARCHIV": False, "VORLAGE_ZEIT": False}
            days = [datetime(2026, 7, 1, 10) + timedelta(days=number) for number in range(size)]
            dates = [{"DSN": f"T{number}", "BEGINN": day, "ENDE": day, **row} for number, day in enumerate(days)]
            connection.execute(tables.activity.insert(), dates)
            tags = [{"AKT_DSN": f"T{number}", "MKM_DSN": own} for number in range(size)]
            connection.execute(tables.activity_merkmal.insert(), tags)

    def _note(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        is_mine = threading.get_ident() == self._thread  # another thread writes what was fetched
        if is_mine and not statement.lstrip().upper().startswith(_NOT_COUNTED):
            self._seen.append(statement)

    def ask(self, name: str, method: str, path: str, body: str = "", **headers: str) -> Answer:
        """Send a request and note its cost under this name."""
        gateway = self._ways.gateway
        gateway.flush()
        self._seen.clear()
        rendered = gateway.stats.rendered
        answer = self._ways.send(Asked(method, f"/anna/{path}", headers, body.encode()))
        assert answer.status[0] == "2", (name, answer)
        self.costs[name] = (len(self._seen), gateway.stats.rendered - rendered)
        return answer

    def read(self) -> None:
        """Ask for everything that is hot."""
        poll = '<propfind xmlns="DAV:"><prop><getetag/><sync-token/></prop></propfind>'
        listed = '<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>'
        self.ask("-", "PROPFIND", "addresses/", poll, HTTP_DEPTH="0")  # the answer is remembered from now on
        self.ask("poll", "PROPFIND", "addresses/", poll, HTTP_DEPTH="0")
        self.ask("-", "PROPFIND", "addresses/", listed, HTTP_DEPTH="1")
        self.ask("listing", "PROPFIND", "addresses/", listed, HTTP_DEPTH="1")
        self.ask("first sync", "REPORT", "addresses/", self._sync(""))
        for _ in range(2):  # which token was presented is written a second later, once: nothing of it from here on
            self.ask("-", "REPORT", "addresses/", self._sync(self._token()))
        self.ask("sync, no change", "REPORT", "addresses/", self._sync(self._token()))
        hrefs = "".join(f"<href>/anna/addresses/flowfact-ad-a{number}.vcf</href>" for number in range(10))
        inner = f"<prop><getetag/><CR:address-data/></prop>{hrefs}"
        found = self.ask("multiget", "REPORT", "addresses/", _report("CR:addressbook-multiget", inner))
        assert found.body.count(b"BEGIN:VCARD") == 10
        found = self.ask("query", "REPORT", "appointments/", _query("<getetag/><C:calendar-data/>", _RANGE))
        assert found.body.count(b"BEGIN:VEVENT") == 7
        found = self.ask("open query", "REPORT", "appointments/", _query("<getetag/>", _FROM))
        assert found.body.count(b"<getetag>") == self._size - 2
        self.ask("GET", "GET", "addresses/flowfact-ad-a1.vcf")

    def follow(self) -> None:
        """Let FlowFact change one record, then ten, and sync."""
        for count in (1, 10):
            token = self._token()
            for number in range(count):
                self._agency.office.change(
                    self._agency.office.tables.address, {"DSN": f"A{number}"}, ORT=f"Ort {count}"
                )
            answer = self.ask(f"sync, {count} changed", "REPORT", "addresses/", self._sync(token))
            assert answer.body.count(b"<getetag>") == count

    def write(self) -> None:
        """Change, make and delete an item."""
        path = "addresses/flowfact-ad-a2.vcf"
        found = self.ask("-", "GET", path)
        text = found.body.decode().replace("N2", "M2")
        self.ask("PUT, change", "PUT", path, text, HTTP_IF_MATCH=found.headers["etag"])
        found = self.ask("-", "GET", path)
        self.ask("DELETE", "DELETE", path, HTTP_IF_MATCH=found.headers["etag"])
        self.ask(
            "-", "PUT", "addresses/first.vcf", payloads.vcard("first"), HTTP_IF_NONE_MATCH="*"
        )  # makes the lock's row
        new = payloads.vcard("new", name="Neu;Eva;;;")
        self.ask("PUT, new", "PUT", "addresses/new.vcf", new, HTTP_IF_NONE_MATCH="*")
        self.ask("PUT, taken", "PUT", "addresses/same.vcf", payloads.vcard("same"), HTTP_IF_NONE_MATCH="*")
        self.ask("PUT, series", "PUT", "appointments/s.ics", payloads.event("s", "RRULE:FREQ=WEEKLY"))

    def _token(self) -> str:
        return self._ways.propfind("addresses").findtext(".//{DAV:}sync-token") or ""

    def _sync(self, token: str) -> str:
        return _report("sync-collection", f"<sync-token>{token}</sync-token><prop><getetag/></prop>")


def _query(props: str, time_range: str) -> str:
    filter_ = (
        f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">{time_range}</C:comp-filter></C:comp-filter>'
    )
    return _report("C:calendar-query", f"<prop>{props}</prop><C:filter>{filter_}</C:filter>")


def _report(name: str, inner: str) -> str:
    return f"<{name} {_SPACES}>{inner}</{name}>"


@pytest.mark.parametrize("size", [10, 1000])
@pytest.mark.parametrize("refresh_seconds", EXPECTED)
def test_each_request_costs_so_many_statements(agency: Agency, server: Server, refresh_seconds: str, size: int) -> None:
    office = Office(agency, server, size, refresh_seconds)
    office.read()
    if refresh_seconds == "0":
        office.follow()
    office.write()
    office.costs.pop("-")
    counted = {name: cost for name, (cost, _) in office.costs.items()}
    expected = dict(EXPECTED[refresh_seconds])
    if not server.database.schema:
        saved = 1 if refresh_seconds == "3600" else 2
        expected |= {name: expected[name] - saved for name in _UNCOMMITTED}
    assert counted == expected
    assert all(rendered == _RENDERED.get(name, 0) for name, (_, rendered) in office.costs.items()), office.costs
