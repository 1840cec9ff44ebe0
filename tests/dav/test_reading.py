"""What a device reads: its own collections, each change once, and nothing that costs more than it must."""

from __future__ import annotations

import threading
from datetime import datetime

from sqlalchemy import event

from tests.conftest import Agency, Server

LATER = datetime(2026, 6, 15, 11, 30)


def test_home_shows_the_three_collections_of_the_login(agency: Agency, server: Server) -> None:
    device = server.start().device()
    answer = device.propfind("", "<resourcetype/><displayname/><C:supported-calendar-component-set/>", depth=1)
    names = {device.name_of(response): "".join(response.itertext()) for response in answer.xml}
    assert answer.status == 207
    assert set(names) == {"anna", "addresses", "appointments", "tasks"}
    components = answer.text.count('name="VEVENT"'), answer.text.count('name="VTODO"')
    assert components == (1, 1)


def test_each_user_sees_his_records_and_no_other(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own], NAME="Annas")
    agency.office.address([agency.bens], NAME="Bens")
    agency.office.address([], NAME="Keines")
    server.start()
    assert ["FN:Annas" in text for text in server.device("anna").all("addresses").values()] == [True]
    assert ["FN:Bens" in text for text in server.device("ben").all("addresses").values()] == [True]


def test_changes_made_in_flowfact_arrive_once_each(agency: Agency, server: Server) -> None:
    office, tables = agency.office, agency.office.tables
    kept, changed, untagged, deleted = (office.address([agency.own], NAME=name) for name in "KCUD")
    stranger = office.address([], NAME="S")
    linked = office.address([], NAME="L")
    agency.appointment(addresses=[linked])
    device = server.start().device()
    first = device.sync("addresses")
    assert len(first.changed) == 5

    new = office.address([agency.own], NAME="N")
    office.change(tables.address, {"DSN": changed}, ORT="Bonn", TOUCH=LATER)
    office.change(tables.address, {"DSN": linked}, ORT="Bonn", TOUCH=LATER)
    office.tag_address(stranger, agency.own)
    office.remove(tables.address_merkmal, AD_DSN=untagged)
    office.remove(tables.address_merkmal, AD_DSN=deleted)
    office.remove(tables.address, DSN=deleted)

    second = device.sync("addresses", first.token)
    assert sorted(second.changed) == sorted(
        f"flowfact-ad-{dsn.lower()}.vcf" for dsn in (changed, linked, new, stranger)
    )
    assert sorted(second.gone) == sorted(f"flowfact-ad-{dsn.lower()}.vcf" for dsn in (untagged, deleted))
    assert kept.lower() not in "".join(second.changed)
    third = device.sync("addresses", second.token)
    assert (third.changed, third.gone, third.token) == ({}, [], second.token)


def test_linked_address_edited_changes_the_appointment_too(agency: Agency, server: Server) -> None:
    linked = agency.office.address([], NAME="Linke", FIRMA="Alt GmbH")
    agency.appointment(addresses=[linked])
    device = server.start().device()
    before = device.sync("appointments")
    agency.office.change(agency.office.tables.address, {"DSN": linked}, FIRMA="Neu GmbH", TOUCH=LATER)
    after = device.sync("appointments", before.token)
    assert len(after.changed) == 1
    assert "Neu GmbH" in "".join(device.all("appointments").values())


def test_what_no_item_shows_is_no_change(agency: Agency, server: Server) -> None:
    dsn = agency.office.address([agency.own])
    device = server.start().device()
    before = device.sync("addresses")
    agency.office.change(agency.office.tables.address, {"DSN": dsn}, ANREDE="Herr", TOUCH=LATER)
    assert device.sync("addresses", before.token).changed == {}


def test_first_sync_does_not_list_old_deletions(agency: Agency, server: Server) -> None:
    dsn = agency.office.address([agency.own])
    agency.office.address([agency.own])
    device = server.start().device()
    device.sync("addresses")
    agency.office.remove(agency.office.tables.address_merkmal, AD_DSN=dsn)
    device.sync("addresses")
    assert server.device().sync("addresses").gone == []


def test_appeared_and_gone_between_two_syncs_is_told_as_gone(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own])
    device = server.start().device()
    before = device.sync("addresses")
    dsn = agency.office.address([agency.own])
    device.sync("addresses")
    agency.office.remove(agency.office.tables.address_merkmal, AD_DSN=dsn)
    synced = device.sync("addresses", before.token)
    assert (synced.changed, synced.gone) == ({}, [f"flowfact-ad-{dsn.lower()}.vcf"])


def test_what_came_back_and_went_again_is_told_as_gone(agency: Agency, server: Server) -> None:
    dsn = agency.office.address([agency.own])
    device, other = server.start().device(), server.device(agent="Other/1.0")
    token = device.sync("addresses").token
    tags = agency.office.tables.address_merkmal
    agency.office.remove(tags, AD_DSN=dsn)
    other.sync("addresses")
    agency.office.tag_address(dsn, agency.own)
    other.sync("addresses")
    agency.office.remove(tags, AD_DSN=dsn)
    assert len(device.sync("addresses", token).gone) == 1


def test_the_token_of_an_empty_collection_stays_good(agency: Agency, server: Server) -> None:
    device = server.start().device()
    token = device.sync("addresses").token
    agency.office.address([agency.own])
    device.sync("addresses")
    agency.office.address([agency.own])
    assert len(device.sync("addresses", token).changed) == 2


def test_a_token_of_elsewhere_is_refused(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own])
    device = server.start().device()
    token = device.sync("addresses").token
    for wrong in (token[:-4] + "0000", token.replace("/1-", "/7-"), "http://radicale.org/ns/sync/x", "data:,1"):
        answer = device.try_sync("addresses", wrong)
        assert answer.status == 403
        assert "valid-sync-token" in answer.text


def test_calendar_query_answers_by_time_range(agency: Agency, server: Server) -> None:
    inside = agency.appointment()
    agency.appointment(BEGINN=datetime(2026, 7, 20, 10), ENDE=datetime(2026, 7, 20, 11))
    device = server.start().device()
    query = (
        '<prop><getetag/><C:calendar-data/></prop><C:filter><C:comp-filter name="VCALENDAR">'
        '<C:comp-filter name="VEVENT"><C:time-range start="20260619T000000Z" end="20260621T000000Z"/>'
        "</C:comp-filter></C:comp-filter></C:filter>"
    )
    answer = device.report("appointments/", "C:calendar-query", query)
    assert list(device.items_in(answer, "appointments")) == [f"flowfact-akt-{inside.lower()}.ics"]


def test_addressbook_query_finds_a_name(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own], NAME="Öztürk")
    agency.office.address([agency.own], NAME="Meier")
    device = server.start().device()
    query = (
        '<prop><getetag/><CR:address-data/></prop><CR:filter><CR:prop-filter name="FN">'
        "<CR:text-match>Özt</CR:text-match></CR:prop-filter></CR:filter>"
    )
    answer = device.report("addresses/", "CR:addressbook-query", query)
    assert len(device.items_in(answer, "addresses")) == 1


def test_get_of_a_collection_gives_everything(agency: Agency, server: Server) -> None:
    for name in ("A", "B", "C"):
        agency.office.address([agency.own], NAME=name)
    answer = server.start().device().get("addresses/")
    assert (answer.status, answer.text.count("BEGIN:VCARD")) == (200, 3)


class Statements:
    """Counts what the gateway asks the database to answer requests, and which texts it loads."""

    def __init__(self, server: Server) -> None:
        self.seen: list[str] = []
        self._engine = server.gateway.engine
        event.listen(self._engine, "before_cursor_execute", self._note)

    def _note(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not isinstance(threading.current_thread(), threading.Timer):  # which writes what was fetched
            self.seen.append(statement)

    def stop(self) -> None:
        """Count no more."""
        event.remove(self._engine, "before_cursor_execute", self._note)

    @property
    def texts(self) -> int:
        """How many statements read texts of items."""
        return sum("dav_version.text" in statement for statement in self.seen)


def _idle_poll(agency: Agency, server: Server, addresses: int) -> tuple[int, int]:
    """Return statements and rendered items of one idle poll with so many contacts."""
    office, tables = agency.office, agency.office.tables
    with office.engine.connect() as connection, connection.begin():
        dsns = [f"{addresses}-{number}" for number in range(addresses)]
        rows = [{"DSN": dsn, "NAME": f"N{dsn}", "ARCHIV": False} for dsn in dsns]
        connection.execute(tables.address.insert(), rows)
        tags = [{"AD_DSN": dsn, "MKM_DSN": agency.own} for dsn in dsns]
        connection.execute(tables.address_merkmal.insert(), tags)
    device = server.start().device()
    props = "<CS:getctag/><sync-token/>"
    assert device.propfind("addresses/", props).status == 207
    rendered = server.gateway.stats.rendered
    server.gateway.flush()  # what is committed a second later would have the next poll look
    statements = Statements(server)
    assert device.propfind("addresses/", props).status == 207
    statements.stop()
    assert rendered == addresses
    assert statements.texts == 0
    return len(statements.seen), server.gateway.stats.rendered - rendered


def test_idle_poll_costs_the_same_on_10000_contacts_as_on_100(agency: Agency, server: Server) -> None:
    few = _idle_poll(agency, server, 100)
    server.stop()
    for table in (agency.office.tables.address, agency.office.tables.address_merkmal):
        agency.office.remove(table)
    server.settings = "[safety]\nmax_vanish_percent = 100"
    many = _idle_poll(agency, server, 10_000)
    assert few == many
    assert many[1] == 0


def test_a_write_looks_at_its_record_only(agency: Agency, server: Server) -> None:
    dsns = [agency.office.address([agency.own], NAME=f"N{number}") for number in range(5)]
    device = server.start().device()
    href = f"flowfact-ad-{dsns[0].lower()}.vcf"
    ((etag, text),) = device.multiget("addresses", [href]).values()
    before = server.gateway.stats.rendered
    statements = Statements(server)
    assert device.put(f"addresses/{href}", text.replace("N0", "N9"), etag).status == 204
    statements.stop()
    looks = [statement for statement in statements.seen if "flowfact_digest" in statement or "hashtext" in statement]
    assert looks
    assert all('"DSN" = ' in statement for statement in looks)
    assert server.gateway.stats.rendered - before == 1
    assert len(device.sync("addresses").changed) == 5


def test_an_etag_listing_loads_no_text_and_a_multiget_loads_them_at_once(agency: Agency, server: Server) -> None:
    for number in range(30):
        agency.office.address([agency.own], NAME=f"N{number}")
    device = server.start().device()
    device.sync("addresses")
    statements = Statements(server)
    hrefs = device.sync("addresses").changed
    assert device.propfind("addresses/", "<getetag/>", depth=1).status == 207
    assert statements.texts == 0
    device.multiget("addresses", hrefs)
    statements.stop()
    assert statements.texts == 1


def test_one_changed_record_renders_one_item(agency: Agency, server: Server) -> None:
    dsns = [agency.office.address([agency.own], NAME=f"N{number}") for number in range(20)]
    device = server.start().device()
    token = device.sync("addresses").token
    rendered = server.gateway.stats.rendered
    agency.office.change(agency.office.tables.address, {"DSN": dsns[3]}, ORT="Bonn", TOUCH=LATER)
    device.sync("addresses", token)
    assert server.gateway.stats.rendered - rendered == 1


def test_refresh_seconds_spares_flowfact(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own])
    device = server.start("refresh_seconds = 3600\n").device()
    before = device.sync("addresses")
    agency.office.address([agency.own])
    assert device.sync("addresses", before.token).changed == {}
