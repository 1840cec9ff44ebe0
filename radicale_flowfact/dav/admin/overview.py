"""Lists the mapped users and those who could be mapped, and undoes entries of the history (rule 29)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from radicale_flowfact.crm import scope
from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.crm.users import read_merkmale, read_users
from radicale_flowfact.crm.writes import StaleError
from radicale_flowfact.database.engines import DatabaseError
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.reading import rendering
from radicale_flowfact.dav.store import collections
from radicale_flowfact.dav.store.request import RefusedError
from radicale_flowfact.dav.store.session import Name, Session
from radicale_flowfact.dav.writing.undo import Entry, Outcome, entries, lock_collections
from radicale_flowfact.dav.writing.undo import undo as undo_entry
from radicale_flowfact.records import ListSource, Merkmal, User, dsn_key


@dataclass(frozen=True, slots=True)
class MappedUser:
    """One row of the overview: login, user, his Merkmale, and the number of records of each collection."""

    cells: tuple[str, ...]


@dataclass
class Overview:
    """Who is mapped, what is wrong, and a ready TOML section for each active user who is not mapped."""

    mapped: list[MappedUser] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    sections: list[str] = field(default_factory=list)


def undo(
    gateway: Gateway,
    numbers: Sequence[int],
    login: str | None,
    since: datetime | None,
    *,
    dry_run: bool,
    record: str | None = None,
) -> list[Outcome]:
    """Undo entries of the history, newest first, in one transaction (rule 29).

    They are chosen by their numbers, or else by login, DSN and earliest time (UTC); an undo is undone by its number
    only. A dry run does everything and rolls it back, so that it shows what several entries together would do. Raises
    DatabaseError if FlowFact changes a record in this moment; then nothing is undone.
    """
    outcomes = []
    with gateway.administer() as session:
        savepoint = session.connection.begin_nested()
        found = [
            entry
            for entry in entries(session, numbers, login, record, since)
            if numbers or entry.what in ("put", "delete")
        ]
        lock_collections(session, found)
        for named in found:
            (entry,) = entries(session, [named.number])  # undoing an undo may have changed it
            try:
                outcomes.append(undo_entry(session, entry, _writer(gateway, session, entry)))
            except StaleError as error:
                raise DatabaseError(f"nothing was taken back: {error}; try again") from error
        if dry_run:
            savepoint.rollback()
    return outcomes


def _writer(gateway: Gateway, session: Session, entry: Entry) -> User:
    """Return whose device made the entry, also a user without access: his changes can still be undone."""
    collection = collections.find(session, entry.login, Name(entry.collection))
    people = read_users(session.connection, gateway.tables)
    nobody = User("", name="", login=entry.login, active=False, own_merkmal=None)
    return next((person for person in people if collection and dsn_key(person.dsn) == collection.owner), nobody)


def users(gateway: Gateway) -> Overview:
    """Return the overview of mapped and unmapped users."""
    overview = Overview()
    mapped = {mapping.flowfact.strip().casefold() for mapping in gateway.settings.users.values()}
    with gateway.session() as session:
        merkmale = read_merkmale(session.connection, gateway.tables)
        for login in sorted(gateway.settings.users):
            try:
                user = gateway.user(login)
            except RefusedError as error:
                overview.faults.append(f"users.{login}: {error.reason}")
                continue
            overview.mapped.append(mapped_user(session, login, user, merkmale))
        for person in read_users(session.connection, gateway.tables):
            if person.active and person.login.strip().casefold() not in mapped:
                overview.sections.append(_section(gateway.tables, person, merkmale))
    return overview


def mapped_user(session: Session, login: str, user: User, merkmale: dict[str, Merkmal]) -> MappedUser:
    """Return who a login is, his Merkmale by name, and how many records each of his collections has."""

    def named(keys: Iterable[str], source: ListSource) -> str:
        listed = ", ".join(sorted(merkmale[key].name if key in merkmale else f"? {key}" for key in keys))
        return listed if source is ListSource.FLOWFACT else f"{listed} (from {source})"

    counts = (str(scope.count(session.connection, rendering.scope_of(session, name, user))) for name in Name)
    who = f"{user.name} ({user.login})"
    lists = named(user.address_merkmale, user.address_source), named(user.activity_merkmale, user.activity_source)
    return MappedUser((login, who, *lists, *counts))


def _section(tables: Tables, user: User, merkmale: dict[str, Merkmal]) -> str:
    login = user.login.strip().lower()
    key = login if login.replace("-", "").replace("_", "").isalnum() and login.isascii() else _quoted(login)
    lines = [f"[users.{key}]", f"flowfact = {_quoted(user.login)}"]
    if tables.user_merkmal is None:
        own = merkmale.get(dsn_key(user.own_merkmal or ""))
        listed = f"[{_quoted(own.name)}]" if own else "[]"
        lines += [f"address_merkmale = {listed}", f"activity_merkmale = {listed}"]
    return "\n".join([*lines, ""])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
