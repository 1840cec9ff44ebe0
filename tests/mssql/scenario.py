"""An office's day: a device and an admin do everything that makes the gateway ask or tell its database something."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, LargeBinary, MetaData, String, Table, Unicode, cast, literal, update

from radicale_flowfact.database.engines import WRITES
from radicale_flowfact.dav.admin import check, devices, erase, overview, people, rename, schema_watch, status, verify
from radicale_flowfact.dav.admin.why import why
from radicale_flowfact.dav.store import schema
from radicale_flowfact.dav.store.items import Item
from radicale_flowfact.dav.store.request import RefusedError
from radicale_flowfact.dav.store.session import Name
from radicale_flowfact.dav.store.upkeep import device_rows
from radicale_flowfact.dav.writing import undo
from tests import payloads
from tests.conftest import Agency, Server
from tests.sites.kinds import Code, Dsn, Flag, Kind, Time
from tests.sites.making import Made, make
from tests.sites.serving import Places
from tests.sites.ten import Site, ValuesSection


def live_through(agency: Agency, server: Server, other: Made) -> None:
    """Do all of it."""
    _fill(agency)
    server.start("[addresses]\nprivate = 'flowfact'\n")
    _read(server)
    _read_oddly(agency, server)
    _write(agency, server)
    _write_oddly(agency, server)
    _send_again(agency, server)
    _lose(agency, server)
    _administer(agency, server)
    _hand_over(agency, server)
    _do_without(agency, server)
    _change_another_site(server, other)


def another_site(folder: Path) -> Made:
    """Make a site whose DSNs have case, flags are letters, times are texts, and records are views."""
    kinds: dict[str, Kind] = {
        "dsns": Dsn(str.lower, cased=True),
        "flags": Flag("CHAR(1)", "J", "N"),
        "times": Time("text"),
        "*.TOUCH": Time(),
        "AKT.ENDE": Time(),
        "BENMKM.BEREICH": Code("SMALLINT", {"OUTLOOK": 1, "VORLAGE": 2}),
    }
    values: ValuesSection = {"BENMKM.BEREICH.OUTLOOK": 1, "BENMKM.BEREICH.VORLAGE": 2, "RECHTE.RECHT.VOLL": ["VOLL"]}
    site = Site("other", "All at once.", kinds=kinds, values=values, views=frozenset({"AD"}))
    made = make(site, f"sqlite:///{(folder / 'other.sqlite').as_posix()}")
    schema.upgrade(made.engine, made.schema)
    return made


def _change_another_site(server: Server, made: Made) -> None:
    """Read, write and check there."""
    with Places(server.folder, "other").serving(made, "[addresses]\nprivate = 'flowfact'\n") as other:
        device = other.device()
        for name in Name:
            device.all(name)
        token = device.sync("addresses").token
        assert device.put("addresses/new.vcf", payloads.vcard("new", "TEL:0221 9"), new=True).status == 201
        changed = payloads.vcard("new", "TEL:0221 8", "NOTE:m")
        assert device.put("addresses/new.vcf", changed, device.get("addresses/new.vcf").etag).status == 204
        assert device.put("addresses/p.vcf", payloads.vcard("p", "CATEGORIES:privat"), new=True).status == 201
        assert device.delete("addresses/new.vcf").status == 200
        assert device.put("appointments/a.ics", payloads.event("a", payloads.alarm()), new=True).status == 201
        assert device.put("tasks/t.ics", payloads.todo("t"), new=True).status == 201
        assert device.put("tasks/t.ics", payloads.todo("t", "STATUS:COMPLETED")).status == 204
        assert "p.vcf" in device.sync("addresses", token).changed
        made.run(f"ALTER TABLE {made.place('MKM')} ADD COLUMN further INTEGER")
        assert other.gateway.reread_schema()
        assert not other.gateway.reread_schema()
        assert not check.check(other.gateway.settings, draft=True).faults


def _send_again(agency: Agency, server: Server) -> None:
    """Make a contact whose Kennung is taken: what this user made with it is looked through."""
    made: dict[str, Any] = {
        "ANGELEGT": datetime(2026, 6, 15, 12),
        "ANGELEGT_VON": agency.anna,
        "KENNUNG": "Zweimal, Eva",
    }
    agency.office.address([agency.own], NAME="Zweimal", VORNAME="Eva", **made)
    server.device().put("addresses/again.vcf", payloads.vcard("again", name="Zweimal;Eva;;;"), new=True)


def _fill(agency: Agency) -> None:
    office = agency.office
    office.add(office.tables.group, DSN="GRP-1", NAME="Team")  # type: ignore[arg-type] # mapped in the tests
    office.add(office.tables.user_group, BEN_DSN=agency.anna, GRP_DSN="GRP-1")  # type: ignore[arg-type]
    linked = office.address([], phones=["0221 1"], NAME="Linked", STRASSE="Weg 1", PLZ="50667", ORT="Köln")
    office.restrict("AD", linked, "LESEN", group="GRP-1")
    agency.appointment(addresses=[linked], merkmale=[agency.own, agency.bens])
    private = agency.appointment()
    office.restrict("AKT", private, "VOLL", user=agency.anna)
    agency.task()
    for number in range(30):
        office.address([agency.own], phones=["0221 2", "0171 3"], NAME=f"N{number}")


def _read(server: Server) -> None:
    device = server.device()
    for collection in Name:
        device.propfind(f"{collection}/", "<getetag/>", depth=1)
        device.propfind(f"{collection}/", "<getetag/><displayname/>", depth=1)
        token = device.sync(collection).token
        device.all(collection)
        device.sync(collection, token)
    href = next(iter(device.sync("addresses").changed))
    device.get(f"addresses/{href}")
    span = '<C:time-range start="20260101T000000Z" end="20270101T000000Z"/>'
    inner = f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">{span}</C:comp-filter></C:comp-filter>'
    device.report("appointments/", "C:calendar-query", f"<prop><getetag/></prop><C:filter>{inner}</C:filter>")
    data = "<prop><getetag/><C:calendar-data/></prop>"
    device.report("appointments/", "C:calendar-query", f"{data}<C:filter>{inner}</C:filter>")
    limited = "<sync-token/><sync-level>1</sync-level><limit><nresults>5</nresults></limit><prop><getetag/></prop>"
    answer = device.report("addresses/", "sync-collection", limited)
    token = answer.xml.findtext("{DAV:}sync-token") or ""
    device.sync("addresses", token)
    device.report(
        "addresses/", "sync-collection", limited.replace("<sync-token/>", f"<sync-token>{token}</sync-token>")
    )
    some = '<C:comp-filter name="VCALENDAR"><C:comp-filter name="VTODO"><C:prop-filter name="SUMMARY">'
    some += "<C:text-match>x</C:text-match></C:prop-filter></C:comp-filter></C:comp-filter>"
    device.report("tasks/", "C:calendar-query", f"<prop><getetag/></prop><C:filter>{some}</C:filter>")
    device.report("tasks/", "sync-collection", "<sync-token/><sync-level>1</sync-level><prop><getcontenttype/></prop>")
    text = '<CR:prop-filter name="FN"><CR:text-match>x</CR:text-match></CR:prop-filter>'
    device.report("addresses/", "CR:addressbook-query", f"<prop><getetag/></prop><CR:filter>{text}</CR:filter>")
    props = "<prop><displayname>X</displayname></prop>"
    device.request("PROPPATCH", "addresses/", f'<propertyupdate xmlns="DAV:"><set>{props}</set></propertyupdate>')


def _read_oddly(agency: Agency, server: Server) -> None:
    """Let a text be read that is none."""
    office, address = agency.office, agency.office.tables.address
    dsn = office.address([agency.own], NAME="Odd")
    no_text = cast(literal(b"a\xff", LargeBinary), String)
    with office.engine.connect().execution_options(**WRITES) as connection, connection.begin():
        connection.execute(update(address).where(address.c.DSN == dsn).values({address.c.ORT: no_text}))
    server.device().all("addresses")
    office.change(address, {"DSN": dsn}, ORT="")


def _write(agency: Agency, server: Server) -> None:
    device, office = server.device(), agency.office
    assert device.put("addresses/new.vcf", payloads.vcard("new", "TEL:0221 9", "NOTE:n"), new=True).status == 201
    etag = device.get("addresses/new.vcf").etag
    changed = payloads.vcard("new", "TEL:0221 8", "NOTE:m", "X-ODD:1")
    assert device.put("addresses/new.vcf", changed, etag).status == 204
    assert device.put("addresses/new.vcf", payloads.vcard("new")).status == 204
    assert device.delete("addresses/new.vcf").status == 200
    assert device.put("addresses/new.vcf", payloads.vcard("new"), new=True).status == 201
    assert device.delete("addresses/new.vcf").status == 200
    assert device.put("addresses/other.vcf", payloads.vcard("new"), new=True).status == 201
    assert device.put("addresses/new.vcf", payloads.vcard("another"), new=True).status == 201
    assert device.put("addresses/p.vcf", payloads.vcard("p", "CATEGORIES:privat"), new=True).status == 201
    assert device.put("appointments/a.ics", payloads.event("a", payloads.alarm()), new=True).status == 201
    titled = payloads.event("a", payloads.alarm(), summary="Besichti: x")
    assert device.put("appointments/a.ics", titled, device.get("appointments/a.ics").etag).status == 204
    assert device.put("appointments/s.ics", payloads.event("s", "RRULE:FREQ=DAILY"), new=True).status == 201
    assert device.delete("appointments/s.ics").status == 200
    assert device.put("tasks/d.ics", payloads.todo("d"), new=True).status == 201
    assert device.delete("tasks/d.ics").status == 200
    assert device.put("tasks/t.ics", payloads.todo("t"), new=True).status == 201
    assert device.put("tasks/t.ics", payloads.todo("t", "STATUS:COMPLETED")).status == 204
    assert device.put("tasks/t.ics", payloads.todo("t"), '"outdated"').status == 412
    assert device.put("addresses/long.vcf", payloads.vcard("long", f"ORG:{'x' * 500}"), new=True).status == 201
    assert device.put("addresses/odd.vcf", "no card", new=True).status == 409
    device.get("tasks/t.ics")
    server.device(agent="Reader/1.0").all("addresses")  # its device is made when what it fetched is written
    server.gateway.flush()
    device.put("tasks/t.ics", payloads.todo("t", "STATUS:COMPLETED", "LOCATION:x"))
    device.get("tasks/t.ics")
    server.gateway.flush()
    for _ in range(2):
        server.gateway.familiar.add(("anna", "192.0.2.7"))
        server.gateway.familiar.flush()
    for name in ("N3", "N4"):
        office.change(office.tables.address, {"NAME": name}, ORT="Bonn")
    device.sync("addresses")


def _look(there: Item | None, was_stored_last: Callable[[], bool]) -> None:
    """Ask what a PUT asks that is sent again."""
    was_stored_last()


def _write_oddly(agency: Agency, server: Server) -> None:
    server.gateway.put("anna", Name.TASKS, "t.ics", payloads.todo("t"), _look)
    device, office = server.device(), agency.office
    remarked = office.address([agency.own], phones=["0221 5"], NAME="Remarked", VORNAME="R")
    href = next(name for name in device.sync("addresses").changed if remarked.lower() in name)
    text = device.get(f"addresses/{href}").text
    assert device.put(f"addresses/{href}", payloads.without(text, "TEL")).status == 204
    text = device.get(f"addresses/{href}").text
    assert device.put(f"addresses/{href}", text.replace("END:VCARD", "TEL;TYPE=WORK:0221 6\r\nEND:VCARD")).status == 204
    shared = office.merkmal("VIP")
    office.syncs(agency.anna, shared, "OUTLOOK")
    server.gateway.forget()
    hidden = office.address([agency.own, shared], NAME="Hidden")
    href = next(name for name in device.sync("addresses").changed if hidden.lower() in name)
    assert device.delete(f"addresses/{href}").status == 200
    office.tag_address(hidden, agency.own)
    assert href in device.sync("addresses").changed
    bare = office.address([agency.own], NAME="Bare")
    office.add(office.tables.phone, AD_DSN=bare, POS=1, NUMMER="0221 7", BEMERKUNG="")
    href = next(name for name in device.sync("addresses").changed if bare.lower() in name)
    text = device.get(f"addresses/{href}").text
    assert device.put(f"addresses/{href}", payloads.without(text, "TEL")).status == 204
    office.remove(office.tables.address, DSN=bare)


def _lose(agency: Agency, server: Server) -> None:
    device, office = server.device(), agency.office
    device.sync("addresses")
    kept = office.rows(office.tables.address_merkmal)
    office.remove(office.tables.address_merkmal)
    device.sync("addresses")
    with server.gateway.administer() as session:
        assert status.confirm(session, "anna") == ["addresses"]
    for row in kept:
        office.add(office.tables.address_merkmal, **row)
    device.sync("addresses")


def _administer(agency: Agency, server: Server) -> None:
    gateway, office = server.gateway, agency.office
    version = Table("DbVersion", MetaData(schema=server.database.schema or None), Column("Version", Unicode(20)))
    version.create(office.engine)  # the check reads what is named so
    for _ in range(2):  # the second compares with what the first one kept
        assert not check.check(gateway.settings).faults
    assert schema_watch.missing_now(gateway) == ()
    version.drop(office.engine)
    overview.users(gateway)
    verify.verify(gateway)
    with gateway.session() as session:
        status.status(session)
        devices.device_status(session)
        devices.refusals(session)
        found = undo.entries(session)
        undo.entries(
            session, [found[0].number], "anna", office.rows(office.tables.address)[0]["DSN"], datetime(2026, 1, 1)
        )
    for record in (*office.rows(office.tables.address), *office.rows(office.tables.activity)):
        why(gateway, "anna", record["DSN"])
    for called in ("nothing", "n1", "0221 3344", "köln"):
        why(gateway, "anna", called)
    with gateway.session() as session:
        people.titles_of(session, [f"AD:{row['DSN']}" for row in agency.office.rows(agency.office.tables.address)])
        people.titles_of(session, [f"AKT:{row['DSN']}" for row in agency.office.rows(agency.office.tables.activity)])
        people.names_of(session)
        people.device_only_titles(session, [])
    overview.undo(gateway, [], "anna", datetime(2026, 1, 1), dry_run=False)
    again = [entry.number for entry in found if entry.what in ("put", "delete")]
    overview.undo(gateway, again, None, None, dry_run=False)
    with gateway.administer() as session:
        erase.erase(session, "nobody")
        rename.rename(session, "anna", "anna2")
        rename.rename(session, "anna2", "anna")
    with pytest.MonkeyPatch.context() as bounds:
        for bound in ("MOST_FETCHED", "MOST"):
            bounds.setattr(device_rows, bound, 0)
            server.upkeep()
    server.moment += timedelta(days=100)
    server.upkeep()
    server.moment -= timedelta(days=100)


def _hand_over(agency: Agency, server: Server) -> None:
    office = agency.office
    office.change(office.tables.user, {"DSN": agency.anna}, LOGIN="gone")
    office.change(office.tables.user, {"DSN": agency.ben}, LOGIN="anna")
    server.gateway.forget()
    server.gateway.open("anna", Name.ADDRESSES)
    office.change(office.tables.user, {"DSN": agency.ben}, LOGIN="ben")
    office.change(office.tables.user, {"DSN": agency.anna}, LOGIN="anna")


def _do_without(agency: Agency, server: Server) -> None:
    """Do the same where tables and columns are not mapped."""
    absent = dict.fromkeys(("BENMKM", "RECHTE", "GRP", "BENGRP", "AKT.GANZTAGS", "AKT.ARCHIV", "AD.ARCHIV"), "")
    absent |= {"Aktivitätenarten.AUFGABE": "", "Aktivitätenarten.MAIL": ""}
    server.logins = ()
    merkmale = f'address_merkmale = ["{agency.own}"]\nactivity_merkmale = ["{agency.own}"]\n'
    server.start(f'refresh_seconds = 0\n[users.anna]\nflowfact = "anna"\n{merkmale}', absent)
    gateway = server.gateway
    for name in Name:
        gateway.open("anna", name)
    with pytest.raises(RefusedError):
        gateway.delete("anna", Name.TASKS, "none.ics")
