"""Stores which versions each device fetched or made, its sync tokens, and when it last synced (rule 43).

A device is a login and an identity: its program, whatever the version. So two real devices may share one; what they
have is a set of versions, ordered by the journal's numbers, never by a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError, NoResultFound

from radicale_flowfact.dav.store import chains, collections, history, tables
from radicale_flowfact.dav.store.chains import Chain, Move
from radicale_flowfact.dav.store.items import chunks
from radicale_flowfact.dav.store.request import kept_agent
from radicale_flowfact.dav.store.session import Name, Session
from radicale_flowfact.dav.store.tables import text_hash
from radicale_flowfact.dav.store.user_agents import program

_ATTEMPTS = 5
ENOUGH = 2
"""So often a version is fetched at least, if two devices may have it; more is not counted."""

Versions = Mapping[tuple[int, str], "Fetch"]
"""What a device fetched or made, by item id and ETag."""


_EVIDENCE = (
    select(
        tables.device.c.shared,
        tables.device_sync.c.chains,
        tables.fetched.c.etag,
        tables.fetched.c.number,
        tables.fetched.c.fetches,
    )
    .select_from(
        tables.device.outerjoin(
            tables.device_sync,
            and_(tables.device_sync.c.device_id == tables.device.c.id, tables.device_sync.c.name == bindparam("name")),
        ).outerjoin(
            tables.fetched,
            and_(tables.fetched.c.device_id == tables.device.c.id, tables.fetched.c.item_id == bindparam("item")),
        )
    )
    .where(tables.device.c.login == bindparam("whose"), tables.device.c.identity_hash == bindparam("hash"))
)


@dataclass(frozen=True, slots=True, order=True)
class Device:
    """The sender of a request: a login, and the identity that tells its devices apart. ``agent``: the User-Agent."""

    login: str
    identity: str
    agent: str = field(compare=False)


def device_of(login: str, agent: str) -> Device:
    """Return the device of a request; its identity is its program, never the program's version (rule 43)."""
    sent = kept_agent(agent)
    return Device(login, program(sent), sent)


@dataclass(frozen=True, slots=True)
class Fetch:
    """The item's journal number when a version was fetched last, and how often it was; 0 times: a PUT made it."""

    number: int
    times: int = 1

    def merged(self, other: Fetch) -> Fetch:
        """Return both as one. A version fetched under a newer number counts anew: one device does that, too."""
        if self.number != other.number:
            return max(self, other, key=lambda fetch: fetch.number)
        return Fetch(self.number, self.times + other.times)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of the devices of one identity and an item.

    ``fetched``: the versions that they fetched or made, by ETag; ``chains``: their sync tokens in its collection;
    ``shared``: whether any version was fetched twice within ``history_days``, so that there may be two devices.
    """

    fetched: Mapping[str, Fetch]
    chains: tuple[Chain, ...]
    shared: bool


def evidence(session: Session, device: Device, name: Name, item_id: int) -> Evidence:
    """Return what is stored of the devices of an identity and an item. One statement."""
    asked = {"whose": device.login, "hash": text_hash(device.identity), "name": name.value, "item": item_id}
    rows = session.connection.execute(_EVIDENCE, asked).all()
    found = {row.etag: Fetch(row.number, row.fetches) for row in rows if row.etag is not None}
    kept = chains.read(rows[0].chains) if rows and rows[0].chains else ()
    since = session.utc - timedelta(days=session.settings.history_days)
    return Evidence(found, kept, bool(rows and rows[0].shared and rows[0].shared >= since))


def moved(session: Session, device: Device, moves: Iterable[tuple[Name, Move]]) -> None:
    """Store which sync tokens the device presented and was given."""
    found = list(moves)
    _again(session, lambda: _moved(session, device, found))


def remember(session: Session, device: Device, versions: Versions, *, is_writing: bool = False) -> None:
    """Store that the device fetched or made these versions.

    Phones send several requests at once, so another request may add the same rows at the same time. ``is_writing``:
    the caller holds a collection of the login.
    """
    _again(session, lambda: _remember(session, device, versions, is_writing=is_writing))


def synced(session: Session, device: Device, names: Iterable[Name]) -> None:
    """Store that the device was told now what is new in these collections."""
    _again(session, lambda: _synced(session, device, names))


def lock(session: Session, which: ColumnElement[bool]) -> None:
    """Lock the rows of these devices: writes about them wait until this transaction ends."""
    device = tables.device
    session.connection.execute(update(device).where(which).values(login=device.c.login))


def _again(session: Session, write: Callable[[], None]) -> None:
    """Write; repeat it if another request inserted the same rows at the same time."""
    for attempt in range(_ATTEMPTS):
        try:
            with session.connection.begin_nested():
                write()
        except IntegrityError:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return


def _locked(session: Session, device: Device, *, is_writing: bool = False, **values: object) -> int | None:
    """Return the device's id with its row locked, so that nobody deletes it before this transaction ends.

    ``values`` are written into the row. None: the login was erased meanwhile.
    """
    for _ in range(_ATTEMPTS):
        mine = _id_of(session, device, is_writing=is_writing)
        if mine is None:
            return None
        seen = update(tables.device).where(tables.device.c.id == mine).values(seen=session.utc, **values)
        if session.connection.execute(seen).rowcount:
            return mine
    raise NoResultFound(f"a device of {device.login!r} is forgotten again and again")


def _id_of(session: Session, device: Device, *, is_writing: bool) -> int | None:
    """Return the device's id; insert a new device. None if the login has no collections, so that it was erased."""
    found = _find(session, device)
    if found is not None:
        return found
    login = device.login if is_writing else _present_login(session, device.login)
    if login is None:
        return None
    device = replace(device, login=login)
    if (moved := _find(session, device)) is not None:
        return moved
    row = {
        "login": device.login,
        "identity": device.identity,
        "identity_hash": text_hash(device.identity),
        "agent": device.agent,
        "seen": session.utc,
    }
    session.connection.execute(insert(tables.device).values(row))
    made = _find(session, device)
    assert made is not None  # noqa: S101 - the row was just written in this transaction
    return made


def _present_login(session: Session, login: str) -> str | None:
    """Return what a login is called now, with its collections locked; None if it has none.

    What a device fetched is written a second later. An admin may have renamed or erased the login since, or does so
    now: then this waits for him.
    """
    if collections.hold_all(session, login):
        return login
    return next((new for new in history.renamed_to(session, login) if collections.hold_all(session, new)), None)


def _synced(session: Session, device: Device, names: Iterable[Name]) -> None:
    mine, table = _locked(session, device, agent=device.agent), tables.device_sync
    if mine is None:
        return
    for name in sorted(names):
        this = (table.c.device_id == mine, table.c.name == name.value)
        if session.connection.execute(update(table).where(*this).values(synced=session.utc)).rowcount == 0:
            row = {"device_id": mine, "name": name.value, "synced": session.utc, "chains": "[]"}
            session.connection.execute(insert(table).values(row))


def _moved(session: Session, device: Device, moves: Sequence[tuple[Name, Move]]) -> None:
    mine, table = _locked(session, device), tables.device_sync  # locked, since what is read next is written back
    if mine is None:
        return
    rows = session.connection.execute(select(table.c.name, table.c.chains).where(table.c.device_id == mine))
    known = {row.name: row.chains for row in rows}
    for name in sorted({name for name, _ in moves}):
        before = chains.read(known.get(name.value, "[]"))
        mine_of_name = [move for one, move in moves if one is name]
        after = chains.advanced(before, mine_of_name, session.utc.date(), session.settings.history_days)
        if name.value not in known:
            row = {"device_id": mine, "name": name.value, "synced": session.utc, "chains": chains.written(after)}
            session.connection.execute(insert(table).values(row))
        elif after != before:
            this = (table.c.device_id == mine, table.c.name == name.value)
            session.connection.execute(update(table).where(*this).values(chains=chains.written(after)))


def _remember(session: Session, device: Device, versions: Versions, *, is_writing: bool) -> None:
    device_id = _locked(session, device, is_writing=is_writing)
    if device_id is None:
        return
    fetched = tables.fetched
    known: dict[tuple[int, str], Fetch] = {}
    for chunk in chunks(sorted({item_id for item_id, _ in versions})):
        columns = (fetched.c.item_id, fetched.c.etag, fetched.c.number, fetched.c.fetches)
        query = select(*columns).where(fetched.c.device_id == device_id, fetched.c.item_id.in_(chunk))
        for item_id, etag, number, fetches in session.connection.execute(query):
            known[item_id, etag] = Fetch(number, fetches)
    there = _existing(session, sorted({item_id for item_id, etag in versions if (item_id, etag) not in known}))
    new = [
        {
            "device_id": device_id,
            "item_id": item_id,
            "etag": etag,
            "number": fetch.number,
            "fetches": min(fetch.times, ENOUGH),
        }
        for (item_id, etag), fetch in sorted(versions.items(), key=lambda one: one[0])
        if (item_id, etag) not in known and item_id in there
    ]
    if new:
        session.connection.execute(insert(fetched), new)
    merged = {key: known[key].merged(fetch) for key, fetch in versions.items() if key in known}
    changed = [
        {"this_item": key[0], "this_etag": key[1], "new_number": fetch.number, "new_fetches": min(fetch.times, ENOUGH)}
        for key, fetch in sorted(merged.items(), key=lambda one: one[0])
        if fetch.number != known[key].number or min(fetch.times, ENOUGH) != known[key].times
    ]
    if any(row["fetches"] == ENOUGH for row in new) or any(row["new_fetches"] == ENOUGH for row in changed):
        mark_shared = update(tables.device).where(tables.device.c.id == device_id).values(shared=session.utc)
        session.connection.execute(mark_shared)
    if changed:
        this = (fetched.c.item_id == bindparam("this_item"), fetched.c.etag == bindparam("this_etag"))
        refetch = update(fetched).where(fetched.c.device_id == device_id, *this)
        session.connection.execute(
            refetch.values(number=bindparam("new_number"), fetches=bindparam("new_fetches")), changed
        )


def _existing(session: Session, ids: Sequence[int]) -> set[int]:
    """Return which of these items still exist."""
    found: set[int] = set()
    for chunk in chunks(ids):
        found |= set(session.connection.scalars(select(tables.item.c.id).where(tables.item.c.id.in_(chunk))))
    return found


@dataclass(frozen=True, slots=True)
class Sync:
    """When a device last synced a collection (UTC, without zone); ``agent``: the User-Agent that it sent last."""

    login: str
    identity: str
    agent: str
    name: str
    synced: datetime


def syncs(session: Session) -> list[Sync]:
    """Return the last sync of every device and collection, ordered by login, identity and collection."""
    device, sync = tables.device.c, tables.device_sync.c
    query = select(device.login, device.identity, device.agent, sync.name, sync.synced).join_from(
        tables.device, tables.device_sync, device.id == sync.device_id
    )
    return [Sync(*row) for row in session.connection.execute(query.order_by(device.login, device.identity, sync.name))]


def _find(session: Session, device: Device) -> int | None:
    table = tables.device
    return session.connection.scalar(
        select(table.c.id).where(table.c.login == device.login, table.c.identity_hash == text_hash(device.identity))
    )
