"""``verify``: each thing that must never be is told, with what to do; what merely waits for a look is not."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

import pytest
from radicale.config import Configuration
from sqlalchemy import Connection, delete, insert, select, update

from radicale_flowfact.database.engines import WRITES
from radicale_flowfact.dav.admin import verify
from radicale_flowfact.dav.admin.invariants import Breach
from radicale_flowfact.dav.reading.rendering import etag_of
from radicale_flowfact.dav.store import tables
from radicale_flowfact.server.configuration import load_configuration
from radicale_flowfact.storage import Storage
from tests import payloads
from tests.commands.test_commands import run
from tests.conftest import Agency, Server

_EPOCH = datetime(2026, 1, 1)


@pytest.fixture(autouse=True)
def _no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "_AGAIN", 0.0)


def found(server: Server) -> list[Breach]:
    """Return what ``verify`` tells."""
    return verify.verify(server.gateway).breaches


@pytest.fixture
def filled(agency: Agency, server: Server) -> Server:
    """Give a server with one item of each sort: a record, a new one, a deleted one, a hidden and a private one."""
    office = agency.office
    dsn = office.address([agency.own], ["0221 1"])
    agency.appointment(addresses=[dsn], BEGINN=datetime(2030, 1, 1, 9), ENDE=datetime(2030, 1, 1, 10))
    device = server.start().device()
    (href,) = device.sync("addresses").changed
    device.get(f"addresses/{href}")
    assert device.put("addresses/a.vcf", payloads.vcard("a", "TEL;TYPE=WORK:0221 2", "NICKNAME:Evi")).status == 201
    assert device.put("addresses/p.vcf", payloads.vcard("p", "CATEGORIES:privat")).status == 201
    assert device.delete(f"addresses/{href}").status == 200  # its appointment keeps it in scope: hidden
    server.gateway.flush()
    assert found(server) == []
    return server


def broken(server: Server, change: Callable[[Connection], object]) -> list[Breach]:
    """Break the tables; return what is told of it."""
    with server.database.engine.connect().execution_options(**WRITES) as connection, connection.begin():
        change(connection)
    return found(server)


ITEM, VERSION, JOURNAL, COLLECTION = tables.item, tables.version, tables.journal, tables.collection
_OF_A = ITEM.c.href == "a.vcf"
_OF_P = ITEM.c.href == "p.vcf"
_ADDRESSES = COLLECTION.c.name == "addresses"
_JOURNAL_ROW = {"first_number": 2, "last_number": 900, "nonce": "x", "made": _EPOCH}
_HIDDEN = ITEM.c.hidden == True  # noqa: E712

SABOTAGE: dict[str, tuple[Callable[[Connection], object], str]] = {
    "href hash": (lambda c: c.execute(update(ITEM).where(_OF_A).values(href_hash="x")), "whose hashes are wrong"),
    "sidecar": (lambda c: c.execute(update(ITEM).where(_OF_A).values(sidecar="[1]")), "keeps for the devices cannot"),
    "shown and hidden": (lambda c: c.execute(update(ITEM).where(_HIDDEN).values(live=True)), "both shown and hidden"),
    "neither": (lambda c: c.execute(update(ITEM).where(_OF_A).values(live=False)), "neither shown nor hidden"),
    "component": (lambda c: c.execute(update(ITEM).where(_OF_A).values(component="VTODO")), "does not belong here"),
    "record name": (lambda c: c.execute(update(ITEM).where(_OF_A).values(record="AD:x")), "contradict each other"),
    "device-only": (lambda c: c.execute(update(ITEM).where(_OF_P).values(device_only="")), "not marked so"),
    "no record": (lambda c: c.execute(update(ITEM).where(_OF_P).values(record="AD:x")), "kept as if it had"),
    "number": (lambda c: c.execute(update(ITEM).where(_OF_A).values(number=99)), "numbers that its journal does not"),
    "one number": (lambda c: c.execute(update(ITEM).values(number=3, born=1)), "several items have one number"),
    "never told": (lambda c: c.execute(update(ITEM).where(_OF_A).values(born=0)), "no journal entry tells of"),
    "id": (lambda c: c.execute(update(COLLECTION).values(items=0)), "ids that it may give out again"),
    "same UID": (lambda c: c.execute(update(ITEM).values(uid="a", uid_hash=tables.text_hash("a"))), "have one UID"),
    "sums": (lambda c: c.execute(update(ITEM).where(_OF_A).values(sums="0:1:1")), "sums are not those of its items"),
    "unreadable sums": (lambda c: c.execute(update(ITEM).where(_OF_A).values(sums="x:")), "sums of an item cannot"),
    "unreadable props": (lambda c: c.execute(update(COLLECTION).values(props="{")), "its row cannot be read"),
    "text": (lambda c: c.execute(update(VERSION).values(text="x")), "its text is not what its ETag says"),
    "no text": (lambda c: c.execute(delete(VERSION)), "its text is missing"),
    "no journal": (lambda c: c.execute(delete(JOURNAL)), "it has no journal"),
    "gap": (lambda c: c.execute(delete(JOURNAL).where(JOURNAL.c.last_number == 1)), "a gap or an overlap"),
    "nonce": (lambda c: c.execute(update(JOURNAL).values(nonce="")), "has no nonce"),
    "last entry": (lambda c: c.execute(update(COLLECTION).values(nonce="x")), "not that of its last journal entry"),
    "orphaned items": (lambda c: c.execute(delete(COLLECTION)), "dav_item rows without a collection"),
    "orphaned versions": (lambda c: c.execute(delete(ITEM)), "dav_version rows without an item"),
    "devices": (lambda c: c.execute(delete(tables.device)), "dav_fetched rows without a device"),
    "missed": (lambda c: c.execute(delete(ITEM).where(_HIDDEN)), "there is no item for it"),
    "rendered": (lambda c: c.execute(update(ITEM).where(_OF_A).values(rendered="x")), "shown otherwise now"),
    "history": (lambda c: c.execute(update(tables.history).values(actions="[{}]")), "cannot be read"),
    "undone": (lambda c: c.execute(update(tables.history).values(undone=999)), "taken back by 999, which is not there"),
    "overlap": (
        lambda c: c.execute(insert(JOURNAL).values({"collection_id": _first(c), **_JOURNAL_ROW})),
        "a gap or an overlap",
    ),
    "made twice": (lambda c: _made_twice(c), "it may be there twice"),
}


def _first(connection: Connection) -> int:
    found: int = connection.execute(COLLECTION.select().where(_ADDRESSES)).one().id
    return found


def _made_twice(connection: Connection) -> None:
    """Let the item of what a device made stand for another record, as a second record for one PUT would."""
    connection.execute(update(ITEM).where(_OF_A).values(record="AD:x", dsn="x"))


@pytest.mark.parametrize("name", SABOTAGE)
def test_each_breach_is_told(filled: Server, name: str) -> None:
    change, told = SABOTAGE[name]
    breaches = broken(filled, change)
    assert any(told in breach.what for breach in breaches), breaches
    assert all(breach.step for breach in breaches)
    filled.base = ""  # it is not to be found whole


def test_the_served_text_must_say_what_flowfact_says(filled: Server) -> None:
    text = payloads.vcard("a", "TEL;TYPE=WORK:0221 999")
    etag = etag_of(text)
    a = ITEM.select().where(_OF_A)
    breaches = broken(
        filled,
        lambda c: (
            c.execute(insert(VERSION).values(item_id=c.execute(a).one().id, etag=etag, text=text, made=_EPOCH)),
            c.execute(update(ITEM).where(_OF_A).values(etag=etag)),
        ),
    )
    assert [breach.what.partition(": ")[2] for breach in breaches] == ["what is served says other than FlowFact"]
    assert "basis = ''" in breaches[0].step
    filled.base = ""


def test_what_waits_for_a_look_is_no_fault_and_following_the_advice_mends(filled: Server, agency: Agency) -> None:
    agency.office.address([agency.own], NAME="Neu")
    report = verify.verify(filled.gateway)
    assert report.breaches == []
    assert any("FlowFact changed since its last sync" in note for note in report.notes)
    filled.device().sync("addresses")
    rendered = broken(filled, lambda c: c.execute(update(ITEM).where(_OF_A).values(rendered="x")))
    (breach,) = rendered
    assert breach.step.startswith("UPDATE ")
    with filled.database.engine.connect().execution_options(**WRITES) as connection, connection.begin():
        connection.exec_driver_sql(breach.step.partition(";")[0])
    filled.device().sync("addresses")
    assert verify.verify(filled.gateway).notes == []


def test_an_unmapped_login_and_a_held_collection_are_noted(agency: Agency, server: Server) -> None:
    for number in range(30):
        agency.office.address([agency.own], NAME=f"N{number}")
    server.start().device().sync("addresses")
    agency.office.remove(agency.office.tables.address_merkmal)
    server.device().sync("addresses")
    assert [note.partition(": ")[2] for note in verify.verify(server.gateway).notes] == [
        "the safety stop holds it; only what did not change was compared"
    ]
    server.logins = ("ben",)
    server.start()
    report = verify.verify(server.gateway)
    assert ["not mapped" in note for note in report.notes] == [True]
    assert report.breaches == []


def test_what_is_gone_again_at_the_second_look_is_not_told(filled: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    mended: list[float] = []

    def mend(seconds: float) -> None:
        mended.append(seconds)
        with filled.database.engine.connect().execution_options(**WRITES) as connection, connection.begin():
            connection.execute(update(COLLECTION).where(_ADDRESSES).values(items=4))

    monkeypatch.setattr(time, "sleep", mend)
    assert broken(filled, lambda c: c.execute(update(COLLECTION).values(items=0))) == []
    assert len(mended) == 1


def test_the_command_and_radicales_own_verify(filled: Server) -> None:
    done = run("verify", "--config", str(filled.config))
    assert (done.returncode, "No faults in 1 collections" in done.stdout) == (0, True), done.stderr
    with filled.database.engine.connect() as connection:
        sidecar = connection.scalar(select(ITEM.c.sidecar).where(_OF_A))
    broken(filled, lambda c: c.execute(update(ITEM).where(_OF_A).values(sidecar="{")))
    done = run("verify", "--config", str(filled.config))
    assert done.returncode == 1
    assert "fault: anna/addresses: item a.vcf" in done.stderr
    assert "next: UPDATE" in done.stderr
    configuration: Configuration = load_configuration(filled.config)
    assert Storage(configuration).verify() is False
    broken(filled, lambda c: c.execute(update(ITEM).where(_OF_A).values(sidecar=sidecar)))
    assert Storage(configuration).verify() is True


def test_a_hidden_contact_whose_record_went_does_not_come_back_as_private_under_its_uid(
    agency: Agency, server: Server
) -> None:
    office = agency.office
    dsn = office.address([agency.own])
    agency.appointment(addresses=[dsn])
    device = server.start().device()
    (href,) = device.sync("addresses").changed
    text = device.get(f"addresses/{href}").text
    assert device.delete(f"addresses/{href}").status == 200
    office.remove(office.tables.address, DSN=dsn)
    device.sync("addresses")
    private = text.replace("END:VCARD", "CATEGORIES:privat\r\nEND:VCARD")
    assert device.put(f"addresses/{href}", private).status == 412, "the office deleted it (rule 15)"
    assert device.get(f"addresses/{href}").status == 404
    fresh = private.replace("UID:", "UID:new-")
    assert device.put("addresses/new.vcf", fresh, new=True).status == 201
    assert device.get("addresses/new.vcf").status == 200


def test_a_record_does_not_share_its_uid_with_what_the_device_made(agency: Agency, server: Server) -> None:
    office = agency.office
    bens = office.address([agency.bens], NAME="Bens")
    device = server.start().device()
    (of_ben,) = server.device("ben").all("addresses").values()
    uid = next(line[4:] for line in payloads.lines_of(of_ben) if line.startswith("UID:"))
    assert device.put("addresses/imported.vcf", payloads.vcard(uid)).status == 201
    office.tag_address(bens, agency.own)
    texts = device.all("addresses").values()
    assert len({line for text in texts for line in payloads.lines_of(text) if line.startswith("UID:")}) == 2


def test_the_screen_is_german_where_the_settings_say_so(filled: Server) -> None:
    """Where, what, how much and the next step; SQL and names stay as they are."""
    filled.stop()
    filled.start('[ui]\nlanguage = "de"\n')
    broken(filled, lambda c: c.execute(update(ITEM).where(_OF_A).values(sidecar="{", href_hash="x")))
    broken(filled, lambda c: c.execute(update(COLLECTION).values(number=77)))
    done = run("verify", "--config", str(filled.config))
    assert done.returncode == 1
    for told in (
        "Fehler: anna/addresses: Eintrag a.vcf (AD:",
        "): was er für die Geräte aufbewahrt, ist nicht lesbar\n",
        "; der nächste Abgleich bringt es dann in Ordnung\n",
        "Fehler: anna/addresses: ihre Nummer ist nicht die des letzten Journaleintrags (sie hat 77-",
        "nächster Schritt: die Geräte von vorn abgleichen lassen: UPDATE ",
    ):
        assert told in done.stderr, done.stderr
    english = (" it ", "the ", " then ", " is ", "item ", "entry ")
    assert [line for line in done.stderr.splitlines() for word in english if word in line] == []
    filled.base = ""  # it is not to be found whole
