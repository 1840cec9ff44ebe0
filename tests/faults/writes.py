"""Every kind of write, each made ready anew for every attempt: what a device sends, and what must come of it once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tests import payloads
from tests.conftest import Agency, Server
from tests.device import Answer, Device

DONE = (200, 201, 204, 207)
_FUTURE = {"BEGINN": datetime(2030, 1, 1, 9), "ENDE": datetime(2030, 1, 1, 10)}


@dataclass(frozen=True)
class Attempt:
    """One write. ``send`` is one request; ``proof`` fails unless it was carried out, and only once.

    ``fine``: what the client may be told when it tries again.
    """

    send: Callable[[Device], Answer]
    proof: Callable[[], None]
    fine: tuple[int, ...] = DONE


@dataclass(frozen=True)
class World:
    """Where it happens."""

    agency: Agency
    server: Server

    @property
    def device(self) -> Device:
        """A device that meets no fault."""
        return self.server.device()

    def addresses(self, **where: object) -> list[dict[str, object]]:
        """Return FlowFact's addresses."""
        return self.agency.office.rows(self.agency.office.tables.address, **where)

    def contact(self, number: int, *lines: str) -> str:
        """Put a contact as a device does, and return its name."""
        href = f"addresses/{number}.vcf"
        assert self.device.put(href, _card(number, *lines)).status == 201
        return href


def _card(number: int, *lines: str) -> str:
    return payloads.vcard(f"u-{number}", "TEL;TYPE=WORK:0221 1", *lines, name=f"N{number};;;;")


def _gone(world: World, href: str) -> None:
    assert world.device.get(href).status == 404


def new_contact(world: World, number: int) -> Attempt:
    """Make a contact on the device."""

    def proof() -> None:
        (row,) = world.addresses(NAME=f"N{number}")
        tables = world.agency.office.tables
        assert len(world.agency.office.rows(tables.address_merkmal, AD_DSN=row["DSN"])) == 1
        assert len(world.agency.office.rows(tables.phone, AD_DSN=row["DSN"])) == 1
        assert f"{number}.vcf" in world.device.sync("addresses").changed

    return Attempt(lambda device: device.put(f"addresses/{number}.vcf", _card(number, "NICKNAME:Evi")), proof)


def new_appointment(world: World, number: int) -> Attempt:
    """Make an appointment on the device."""

    def proof() -> None:
        rows = world.agency.office.rows(world.agency.office.tables.activity, BETREFF=f"E{number}")
        assert len(rows) == 1

    text = payloads.event(f"e-{number}", summary=f"E{number}")
    return Attempt(lambda device: device.put(f"appointments/{number}.ics", text), proof)


def changed_contact(world: World, number: int) -> Attempt:
    """Change a contact's number and street."""
    href = world.contact(number)
    got = world.device.get(href)
    changed = got.text.replace("0221 1", f"0221 {number + 2}").replace(
        "END:VCARD", f"ADR;TYPE=WORK:;;Weg {number};;;;\r\nEND:VCARD"
    )

    def proof() -> None:
        (row,) = world.addresses(NAME=f"N{number}")
        (phone,) = world.agency.office.rows(world.agency.office.tables.phone, AD_DSN=row["DSN"])
        assert (row["STRASSE"], phone["NUMMER"]) == (f"Weg {number}", f"0221 {number + 2}")

    # A retry of what was carried out: 412, and the device fetches it.
    return Attempt(lambda device: device.put(href, changed, got.etag), proof, (204, 412))


def private_contact(world: World, number: int) -> Attempt:
    """Make a contact that stays on the device."""

    def proof() -> None:
        assert world.addresses(NAME=f"N{number}") == []
        assert world.device.get(f"addresses/{number}.vcf").status == 200

    text = _card(number, "CATEGORIES:privat")
    return Attempt(lambda device: device.put(f"addresses/{number}.vcf", text), proof)


def changed_private_contact(world: World, number: int) -> Attempt:
    """Change a contact that only the device has."""
    href = world.contact(number, "CATEGORIES:privat")
    text = _card(number, "CATEGORIES:privat", "NOTE:anders")

    def proof() -> None:
        assert "anders" in world.device.get(href).text

    return Attempt(lambda device: device.put(href, text), proof)


def series(world: World, number: int) -> Attempt:
    """Make a series, which stays on the device."""

    def proof() -> None:
        assert "RRULE" in world.device.get(f"appointments/{number}.ics").text
        assert world.agency.office.rows(world.agency.office.tables.activity) == []

    text = payloads.event(f"e-{number}", "RRULE:FREQ=WEEKLY;COUNT=5")
    return Attempt(lambda device: device.put(f"appointments/{number}.ics", text), proof)


def put_after_delete(world: World, number: int) -> Attempt:
    """Bring back under another name what was deleted: the same record (rule 15)."""
    href = world.contact(number)
    assert world.device.delete(href).status == 200

    def proof() -> None:
        (row,) = world.addresses(NAME=f"N{number}")
        tables = world.agency.office.tables
        assert len(world.agency.office.rows(tables.address_merkmal, AD_DSN=row["DSN"])) == 1
        _gone(world, href)

    return Attempt(lambda device: device.put(f"addresses/again-{number}.vcf", _card(number)), proof)


def deleted_record(world: World, number: int) -> Attempt:
    """Delete a contact: its Merkmal goes, its record stays."""
    href = world.contact(number)

    def proof() -> None:
        (row,) = world.addresses(NAME=f"N{number}")
        assert world.agency.office.rows(world.agency.office.tables.address_merkmal, AD_DSN=row["DSN"]) == []
        _gone(world, href)

    return Attempt(lambda device: device.delete(href), proof, (200, 404))


def hidden_record(world: World, number: int) -> Attempt:
    """Delete a contact that an appointment keeps in scope: it is hidden."""
    href = world.contact(number)
    (row,) = world.addresses(NAME=f"N{number}")
    world.agency.appointment(addresses=[row["DSN"]], **_FUTURE)
    return Attempt(lambda device: device.delete(href), lambda: _gone(world, href), (200, 404))


def deleted_private_contact(world: World, number: int) -> Attempt:
    """Delete for good what only the device has."""
    href = world.contact(number, "CATEGORIES:privat")
    return Attempt(lambda device: device.delete(href), lambda: _gone(world, href), (200, 404))


def proppatch(world: World, number: int) -> Attempt:
    """Give a collection a name."""
    body = f"<D:displayname>Name {number}</D:displayname>"
    sent = f'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>{body}</D:prop></D:set></D:propertyupdate>'

    def proof() -> None:
        assert f"Name {number}" in world.device.propfind("addresses/", "<displayname/>").text

    return Attempt(lambda device: device.request("PROPPATCH", "addresses/", sent), proof)


def refused_put(world: World, number: int) -> Attempt:
    """Send a contact that is refused, since it was cut off: nothing of it is in FlowFact."""

    def proof() -> None:
        assert world.addresses() == []
        _gone(world, f"addresses/{number}.vcf")

    text = _card(number).replace("END:VCARD", "")
    return Attempt(lambda device: device.put(f"addresses/{number}.vcf", text), proof, (409,))


def undone(world: World, number: int) -> Attempt:
    """Take a change back, as the admin."""
    href = world.contact(number)
    got = world.device.get(href)
    assert world.device.put(href, got.text.replace("0221 1", "0221 77"), got.etag).status == 204
    with world.server.gateway.session() as session:
        entry = max(row.id for row in session.connection.exec_driver_sql(_HISTORY(world)))

    def proof() -> None:
        (row,) = world.addresses(NAME=f"N{number}")
        (phone,) = world.agency.office.rows(world.agency.office.tables.phone, AD_DSN=row["DSN"])
        assert phone["NUMMER"] == "0221 1"
        assert "0221 1" in world.device.get(href).text

    return Attempt(lambda device: device.request("POST", f"/.undo/{entry}"), proof)


def _HISTORY(world: World) -> str:  # noqa: N802
    schema = world.server.database.schema
    return f"SELECT id FROM {f'{schema}.' if schema else ''}dav_history"  # noqa: S608 - a name of our own


def confirmed(world: World, number: int) -> Attempt:
    """Let go what the safety stop holds, as the admin."""
    office = world.agency.office
    for count in range(4):
        office.address([world.agency.own], NAME=f"V{number}-{count}")
    world.device.sync("addresses")
    office.remove(office.tables.address_merkmal)
    there = world.device.sync("addresses").changed
    assert len(there) == 4

    def proof() -> None:
        assert world.device.sync("addresses").changed == {}

    return Attempt(lambda device: device.request("POST", "/.confirm/anna"), proof)


def refreshed(world: World, number: int) -> Attempt:
    """Look at FlowFact, where one record is new, one changed, one gone."""
    office, tables = world.agency.office, world.agency.office.tables
    changed, gone = (office.address([world.agency.own], NAME=f"{what}{number}") for what in "CG")
    kept = [office.address([world.agency.own], NAME=f"K{number}-{count}") for count in range(2)]
    world.device.sync("addresses")
    office.change(tables.address, {"DSN": changed}, NAME=f"D{number}")
    office.remove(tables.address_merkmal, AD_DSN=gone)
    office.address([world.agency.own], NAME=f"A{number}")

    def proof() -> None:
        texts = world.device.all("addresses").values()
        names = [line for text in texts for line in payloads.lines_of(text) if line.startswith("N:")]
        found = {name[2:].partition(";")[0] for name in names}
        assert {f"D{number}", f"A{number}"} <= found
        assert not {f"C{number}", f"G{number}"} & found
        assert len(names) == len(found)
        for dsn in (*kept, changed):
            office.remove(tables.address, DSN=dsn)
        office.remove(tables.address, NAME=f"A{number}")
        world.device.sync("addresses")

    return Attempt(lambda device: device.try_sync("addresses"), proof)


KINDS: dict[str, Callable[[World, int], Attempt]] = {
    kind.__name__: kind
    for kind in (
        *(new_contact, new_appointment, changed_contact, private_contact, changed_private_contact, series),
        *(put_after_delete, deleted_record, hidden_record, deleted_private_contact, proppatch, refused_put),
        *(undone, confirmed, refreshed),
    )
}
