"""The face of this room: what a storage asks of it, one method for each thing that DAV does.

Reading takes short transactions of its own. A write holds one transaction from the moment the collection is
locked until the answer is sent, so that preconditions are checked against what will be changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, Row

from radicale_flowfact import faults
from radicale_flowfact.commits import Commits
from radicale_flowfact.contentlines import PayloadError
from radicale_flowfact.crm.names import NameMap
from radicale_flowfact.crm.tables import build_tables
from radicale_flowfact.database import engine_for
from radicale_flowfact.dav import (
    agenda,
    collections,
    devices,
    history,
    items,
    journal,
    listing,
    refresh,
    schema,
    search,
    writing,
)
from radicale_flowfact.dav.collections import Collection
from radicale_flowfact.dav.fetches import Device, Fetches
from radicale_flowfact.dav.history import Event
from radicale_flowfact.dav.items import Item
from radicale_flowfact.dav.journal import Changes
from radicale_flowfact.dav.looking import Looks
from radicale_flowfact.dav.owners import Owners
from radicale_flowfact.dav.payload import read_payload
from radicale_flowfact.dav.refresh import Buckets
from radicale_flowfact.dav.request import RefusedError, current
from radicale_flowfact.dav.session import Name, Session, Stats
from radicale_flowfact.dav.syncs import Syncs
from radicale_flowfact.dav.transactions import Transactions
from radicale_flowfact.filtering import CardFilter, TimeRange
from radicale_flowfact.records import User
from radicale_flowfact.settings import Settings

Clock = Callable[[], datetime]
Tag = tuple[str, str]
"""Href and ETag of an item."""
Text = tuple[int, str, str, str]
"""Id, href, ETag and text of an item."""


def utc_now() -> datetime:
    """Return the present moment, with zone."""
    return datetime.now(UTC)


Check = Callable[[Item | None], None]
"""Raises RefusedError if the item there is, or that there is none, forbids a write."""


@dataclass(frozen=True, slots=True)
class Put:
    """What became of a PUT: its item with the ETag of the text as sent, and whether that text is what is served."""

    item: Item
    is_new: bool
    is_as_sent: bool


def _matches(wanted: CardFilter, text: str) -> bool:
    try:
        return wanted.matches(text)
    except PayloadError:
        return True


class Gateway:
    """FlowFact as three collections for each login. One for each settings file and process; thread-safe."""

    def __init__(self, settings: Settings, clock: Clock = utc_now) -> None:
        self.settings = settings
        self.stats = Stats()
        self.tables = build_tables(NameMap.from_overrides(settings.names))
        self.engine: Engine = engine_for(settings.database_url, settings.state_schema, settings.patience)
        self.clock = clock
        self._transactions = Transactions(self.engine, self.tables, settings, self.stats, lambda: self.clock())
        self._owners = Owners(settings, self._transactions)
        self._looks = Looks(settings.refresh_seconds, Commits(self.engine), lambda: self.clock())
        self._fetches = Fetches(self._remember)
        self._syncs = Syncs(self._remember_sync)
        schema.upgrade(self.engine, settings.state_schema)

    def user(self, login: str) -> User:
        """Return the FlowFact user of a login. Raises RefusedError (403) with the reason (rule 1)."""
        return self._owners.user(login)

    def forget(self) -> None:
        """Forget what is remembered between requests: users, and when FlowFact was last looked at."""
        self._owners.forget()
        self._looks.forget()

    def session(self) -> AbstractContextManager[Session]:
        """Open a short transaction that reads, or join the thread's open write."""
        return self._transactions.reading()

    def snapshot(self) -> AbstractContextManager[Session]:
        """Open a transaction that reads one state of the database from its begin to its end, where it can."""
        return self._transactions.snapshot()

    @contextmanager
    def writing(self, login: str, name: Name) -> Iterator[None]:
        """Hold one write transaction with the collection locked; the thread's other calls join it."""
        if self._transactions.held is not None:
            yield
            return
        with self._transactions.holding() as session:
            collections.lock(session, login, name)
            yield

    def open(self, login: str, name: Name) -> Collection:
        """Return the collection as FlowFact has it now, looking there at most every ``refresh_seconds``.

        Raises RefusedError for a login that may not get in.
        """
        user = self.user(login)
        if not self._looks.is_due(login, name):
            collection = self._find(login, name)
            if collection is not None:
                return collection
        return self._refreshed(login, name, user)

    def _find(self, login: str, name: Name) -> Collection | None:
        def find() -> Collection | None:
            with self.session() as session:
                return collections.find(session, login, name)

        # What a write in progress changed is not committed yet.
        return find() if self._transactions.held is not None else self._looks.found(login, name, find)

    def _refreshed(self, login: str, name: Name, user: User) -> Collection:
        look = self._looks.begin()
        with self.session() as session:
            collection = collections.find(session, login, name)
            buckets = None if collection is None else refresh.due(session, collection, user)
        if collection is None or buckets is None or buckets:
            collection = self._refresh(login, name, user, buckets)
        if self._transactions.held is None:
            self._looks.done(login, name, look)
        return collection

    def _refresh(self, login: str, name: Name, user: User, buckets: Buckets) -> Collection:
        """Bring a collection up to date, a large one in several transactions, so that others can write meanwhile."""
        left = 1
        while left:
            with self._transactions.writing() as session:
                locked = self._locked(session, login, name, user)
                collection, left = refresh.refresh(session, locked, user, buckets)
        return collection

    def _locked(self, session: Session, login: str, name: Name, user: User) -> Collection:
        collection = collections.lock(session, login, name)
        self._owners.require(collection, user)
        return collection

    def open_to_write(self, login: str, name: Name, href: str | None = None) -> Collection:
        """Return the collection of a write in progress, with the item it is about brought up to date first.

        The rest of the collection is left to the next look at FlowFact, so a write costs the same in a large one.
        """
        user = self.user(login)
        with self._transactions.writing() as session:
            return self._for_write(session, user, self._locked(session, login, name, user), href)[0]

    def _for_write(
        self, session: Session, user: User, collection: Collection, href: str | None
    ) -> tuple[Collection, Item | None]:
        """Return a locked collection and what an href in it names, live or not, both as FlowFact has them now."""
        left = 0 if collection.basis else 1
        while left:
            collection, left = refresh.refresh(session, collection, user)
        item = None if href is None else items.at(session, collection.id, href)
        fresh = collection if item is None else refresh.refresh_record(session, collection, user, item)
        return fresh, item if fresh is collection or href is None else items.at(session, collection.id, href)

    def require_writing(self) -> None:
        """Raise RefusedError (403) unless the admin turned writing on (rule 31)."""
        writing.require_writing(self.settings)

    def refresh_if_due(self, login: str, name: Name) -> None:
        """Look at FlowFact if the last look is too old. Raises RefusedError for a login that may not get in."""
        user = self.user(login)
        if self._looks.is_due(login, name):
            self._refreshed(login, name, user)

    def etags(self, collection: Collection) -> Sequence[Row[str, str]]:
        """Return href and ETag of every item."""
        with self.session() as session:
            return listing.etags(session, collection)

    def has_notes(self, collection: Collection) -> bool:
        """Return whether there is a note among the items."""
        with self.session() as session:
            return listing.has_notes(session, collection)

    def changed_etags(self, collection: Collection, token: str) -> tuple[Sequence[Tag], Sequence[str], str]:
        """Return href and ETag of what changed since ``token``, the hrefs of what is gone, and the new token.

        Raises InvalidTokenError.
        """
        new = journal.token(collection)
        if token == new:
            return [], [], new
        with self.session() as session:
            if not token:
                return [(href, etag) for href, etag in listing.first(session, collection)], [], new
            return *listing.changed(session, collection, journal.number_of(session, collection, token)), new

    def texts_at(self, collection: Collection, hrefs: Iterable[str], agent: str) -> Sequence[Text]:
        """Return the items at these hrefs with their texts, and remember that the device has them now."""
        with self.session() as session:
            found = listing.texts_at(session, collection, hrefs)
        return self._fetched(collection.login, agent, found)

    def entries_between(self, collection: Collection, component: str, wanted: TimeRange, agent: str) -> Sequence[Text]:
        """Return the entries that take place in a time range, and remember that the device has them now."""
        with self.session() as session:
            found = agenda.texts(session, collection, component, wanted)
        return self._fetched(collection.login, agent, found)

    def tags_between(self, collection: Collection, component: str, wanted: TimeRange) -> Sequence[Tag]:
        """Return href and ETag of the entries that take place in a time range."""
        with self.session() as session:
            return agenda.tags(session, collection, component, wanted)

    def cards_like(self, collection: Collection, wanted: CardFilter, agent: str) -> Sequence[Text]:
        """Return the contacts that are as wanted; one that cannot be read is, so that it is not lost from sight."""
        with self.session() as session:
            found = search.candidates(session, collection, wanted.texts())
        return self._fetched(collection.login, agent, [row for row in found if _matches(wanted, row[3])])

    def text_of(self, login: str, name: Name, href: str, agent: str) -> tuple[str, str, str, datetime] | None:
        """Return component, ETag, text and time of the last change (UTC) of one item, or None."""
        with self.session() as session:
            found = listing.text_of(session, login, name, href)
        if found is None:
            return None
        item_id, component, etag, text, modified = found
        self._fetches.add((login, agent), {item_id: etag})
        return component, etag, text, modified

    def _fetched(self, login: str, agent: str, found: Sequence[Text]) -> Sequence[Text]:
        self._fetches.add((login, agent), {row[0]: row[2] for row in found})
        return found

    def _remember(self, device: Device) -> None:
        def attempt(_: int) -> None:
            with self._transactions.writing() as session:
                self._fetches.write_now(session, device)

        faults.whole(attempt)

    def synced(self, login: str, agent: str, names: tuple[Name, ...]) -> None:
        """Note that a device heard just now of what is new in these collections; it is written within a second."""
        self._syncs.note((login, agent), names)

    def _remember_sync(self, device: Device, names: Iterable[Name]) -> None:
        with self._transactions.writing() as session:
            devices.synced(session, *device, names)

    def flush(self) -> None:
        """Write what still waits to be written; for the end of a process."""
        self._fetches.flush()
        self._syncs.flush()

    def listing(self, collection: Collection) -> list[Item]:
        """Return all items of the collection, without their texts."""
        with self.session() as session:
            return items.live(session, collection.id)

    def items_at(self, collection: Collection, hrefs: Iterable[str]) -> dict[str, Item]:
        """Return the items at these hrefs that the device should have."""
        with self.session() as session:
            found = items.by_hrefs(session, collection.id, hrefs)
        return {href: item for href, item in found.items() if item.live}

    def items_between(self, collection: Collection, start: int, end: int) -> list[Item]:
        """Return the items whose time range touches [start, end), in Unix seconds (calendar-query)."""
        with self.session() as session:
            return items.overlapping(session, collection.id, start, end)

    def changes(self, collection: Collection, token: str, limit: int | None = None) -> Changes:
        """Return what changed since ``token``, at most ``limit`` items; all for an empty one.

        Raises InvalidTokenError.
        """
        with self.session() as session:
            return journal.changes(session, collection, token, limit)

    def has_uid(self, collection: Collection, uid: str) -> bool:
        """Return whether the collection shows an item with this UID."""
        with self.session() as session:
            item = items.by_uid(session, collection.id, uid)
        return item is not None and item.live

    def texts(self, collection: Collection, wanted: Sequence[Item]) -> Mapping[int, str]:
        """Return the texts of items by item id, and remember that this device has them now."""
        with self.session() as session:
            found = items.texts(session, [(item.id, item.etag) for item in wanted])
        self._fetches.add((collection.login, current().agent), dict(found.keys()))
        return {item_id: text for (item_id, _), text in found.items()}

    def put(self, login: str, name: Name, href: str, text: str, require: Check = lambda there: None) -> Put:
        """Store what a device sent. ``require`` looks at the item there is, if any, and may refuse.

        Raises RefusedError.
        """
        user, request = self.user(login), current()
        device = (login, request.agent)
        payload = read_payload(self.settings, name, href, text)
        with self._transactions.writing() as session:
            collection, here = self._for_write(session, user, self._locked(session, login, name, user), href)
            there = here if here is not None and here.live else None
            require(there)
            write = writing.Write(
                session, collection, user, request, lambda item: self._last_seen(session, device, item)
            )
            item, is_served = writing.put(write, here, payload)
            at_once = there is not None and not request.if_match
            if at_once:  # the next PUT may go to another process, and only this tells what it knew
                devices.remember(session, *device, {item.id: item.etag})
                self._fetches.forget(device, item.id)
        if not at_once:
            self._fetches.add(device, {item.id: item.etag})
        return Put(item, is_new=there is None, is_as_sent=is_served and not payload.mended)

    def delete(self, login: str, name: Name, href: str, require: Check = lambda there: None) -> None:
        """Take an item off the user's devices; ``require`` looks at it first and may refuse. Raises RefusedError."""
        user = self.user(login)
        with self._transactions.writing() as session:
            collection, item = self._for_write(session, user, self._locked(session, login, name, user), href)
            if item is None or not item.live:
                raise RefusedError("there is no such item", 404)
            require(item)
            writing.delete(writing.Write(session, collection, user, current(), lambda item: None), item)

    def _last_seen(self, session: Session, device: Device, item_id: int) -> str | None:
        return self._fetches.etag(device, item_id) or devices.last_seen(session, *device, item_id)

    def set_props(self, login: str, name: Name, props: Mapping[str, str]) -> None:
        """Keep this user's display name, colour and the like of a collection."""
        self.user(login)
        with self._transactions.writing() as session:
            collection = collections.lock(session, login, name)
            if dict(collection.props) != dict(props):
                collections.save(session, collection, {"props": dict(props)})

    def administer(self) -> AbstractContextManager[Session]:
        """Open one write transaction for an admin's command."""
        return self._transactions.writing()

    def upkeep(self) -> None:
        """Forget history, versions and devices older than ``history_days``, except what is still served."""
        with self._transactions.writing() as session:
            before = session.utc - timedelta(days=self.settings.history_days)
            history.forget(session, before)
            items.forget_versions(session, before)
            devices.forget(session, before)

    def remember_refused(self, event: Event) -> None:
        """Keep the body of a refused request with the user's history (rule 27)."""
        with self._transactions.writing() as session:
            history.record(session, event)
