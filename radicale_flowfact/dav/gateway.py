"""The interface of ``dav``: what a storage may ask of the gateway, one method for each DAV operation.

Each method opens the transaction that its answer needs, and delegates to ``reading``, ``writing`` or ``store``. Reading
takes short transactions of its own. A write holds one transaction from the moment when the collection is locked until
the answer is sent, so that preconditions are checked against the state that will be changed.

Terms: ``login`` is a DAV login; ``href`` an item's name below its collection, decoded; ``agent`` a User-Agent header;
``collection`` a snapshot of the collection's row. Methods that take a collection answer for its snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, Row

from radicale_flowfact.crm.site import real
from radicale_flowfact.database.commits import Commits
from radicale_flowfact.database.engines import engine_for, reaching
from radicale_flowfact.dav.reading import agenda, departures, listing
from radicale_flowfact.dav.reading.listing import Tag
from radicale_flowfact.dav.reading.opening import Opener
from radicale_flowfact.dav.reading.owners import Owners
from radicale_flowfact.dav.reading.rendering import etag_of
from radicale_flowfact.dav.store import collections, history, items, journal, schema, search, versions
from radicale_flowfact.dav.store.chains import Move
from radicale_flowfact.dav.store.collections import Collection
from radicale_flowfact.dav.store.deferred.familiar import FamiliarAddresses
from radicale_flowfact.dav.store.deferred.notes import DeviceNotes
from radicale_flowfact.dav.store.devices import device_of
from radicale_flowfact.dav.store.history import Event
from radicale_flowfact.dav.store.items import Item, Text
from radicale_flowfact.dav.store.journal import Changes
from radicale_flowfact.dav.store.request import RefusedError, current
from radicale_flowfact.dav.store.session import Name, Session, Stats
from radicale_flowfact.dav.store.transactions import Transactions
from radicale_flowfact.dav.store.upkeep import retention
from radicale_flowfact.dav.writing import identity, put_delete, taken_off
from radicale_flowfact.dav.writing.payload import read_payload
from radicale_flowfact.queries.filters import CardFilter, TimeRange
from radicale_flowfact.records import User
from radicale_flowfact.settings import Settings

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the present moment in UTC, with time zone."""
    return datetime.now(UTC)


Check = Callable[[Item | None], None]
"""Raises RefusedError if the item there is, or that there is none, forbids a write."""
PutCheck = Callable[[Item | None, Callable[[], bool]], None]
"""The same before a PUT; the second tells whether the item's last change stored just this text, mended alike."""


@dataclass(frozen=True, slots=True)
class Put:
    """The result of a PUT: the item, with the ETag of the text as sent.

    ``is_new``: the device did not have the item before (201 instead of 204). ``is_as_sent``: what is served from now on
    is the text as sent, so the answer may carry its ETag (rule 8; RFC 4791 §5.3.4, RFC 6352 §6.3.2.3).
    """

    item: Item
    is_new: bool
    is_as_sent: bool


class Gateway:
    """FlowFact as three collections for each login. There is one for each settings file and process; thread-safe.

    ``settings``, ``engine``, ``tables`` (FlowFact's), ``clock`` (UTC) and ``stats`` are public to read. The constructor
    creates or migrates the gateway's tables and raises DatabaseError if it cannot.
    """

    def __init__(self, settings: Settings, clock: Clock = utc_now) -> None:
        self.settings = settings
        self.stats = Stats()
        self.engine: Engine = engine_for(settings.database_url, settings.state_schema, settings.database_timeouts)
        self._site = real.Site(settings.names, settings.values, settings.timezone)
        with reaching(self.engine) as connection:
            self.tables = self._site.read(connection)
        self.clock = clock
        self._transactions = Transactions(self.engine, self.tables, settings, self.stats, lambda: self.clock())
        self._owners = Owners(settings, self._transactions)
        self._opener = Opener(
            self._transactions, self._owners, Commits(self.engine), settings.refresh_seconds, lambda: self.clock()
        )
        self._notes = DeviceNotes(self._transactions)
        self.familiar = FamiliarAddresses(self._transactions)
        schema.upgrade(self.engine, settings.state_schema)

    def reread_schema(self) -> bool:
        """Read FlowFact's columns anew if the schema changed since they were read; return whether it did.

        What is under way goes on with the old ones. Raises DBAPIError if the database does not answer.
        """
        with self.engine.connect() as connection:
            changed = self._site.changed(connection)
        if changed is None:
            return False
        self.tables = changed
        self._transactions.use(changed)
        self.forget()
        return True

    def user(self, login: str) -> User:
        """Return the FlowFact user of a login (rule 1), remembered for ``refresh_seconds``.

        Raises RefusedError (403) with the reason: not mapped, inactive, own Merkmal missing or not synced.
        """
        return self._owners.user(login)

    def forget(self) -> None:
        """Drop what is remembered between requests: users, and when FlowFact was last compared."""
        self._owners.forget()
        self._opener.forget()

    def session(self) -> AbstractContextManager[Session]:
        """Open a short transaction for reading; if the thread holds a write transaction, join that."""
        return self._transactions.reading()

    def snapshot(self) -> AbstractContextManager[Session]:
        """Open a transaction for reading that sees one state of the database from begin to end.

        SQL Server is the exception: there each statement sees its own state.
        """
        return self._transactions.snapshot()

    def administer(self) -> AbstractContextManager[Session]:
        """Open one write transaction for an administrator's command."""
        return self._transactions.writing()

    @contextmanager
    def writing(self, login: str, name: Name) -> Iterator[None]:
        """Hold one write transaction with the collection locked; the thread's other calls join it.

        It is committed when the context ends and rolled back if that raises. Nested calls join the outer one.
        """
        if self._transactions.held is not None:
            yield
            return
        with self._transactions.holding() as session:
            collections.lock(session, login, name)
            yield

    def open(self, login: str, name: Name) -> Collection:
        """Return the collection, compared with FlowFact if the last comparison is older than ``refresh_seconds``.

        Raises RefusedError for a login without access (rule 1).
        """
        return self._opener.open(login, name)

    def open_to_write(self, login: str, name: Name, href: str | None = None) -> Collection:
        """Return the locked collection of a write in progress; the item at ``href`` is brought up to date first.

        Raises RefusedError for a login without access (rule 1).
        """
        user = self.user(login)
        with self._transactions.writing() as session:
            return self._opener.open_to_write(session, user, login, name, href)[0]

    def refresh_if_due(self, login: str, name: Name) -> None:
        """Compare the collection with FlowFact if the last comparison is older than ``refresh_seconds``.

        Raises RefusedError for a login without access (rule 1).
        """
        self._opener.refresh_if_due(login, name)

    def require_writing(self) -> None:
        """Raise RefusedError (403) unless ``write = true`` in the settings (rule 31)."""
        put_delete.require_writing(self.settings)

    def etags(self, collection: Collection) -> Sequence[Row[str, str]]:
        """Return href and ETag (without quotes) of every item that the collection shows."""
        with self.session() as session:
            return listing.etags(session, collection)

    def has_notes(self, collection: Collection) -> bool:
        """Return whether the collection shows a VJOURNAL."""
        with self.session() as session:
            return listing.has_notes(session, collection)

    def changed_etags(self, collection: Collection, token: str) -> tuple[Sequence[Tag], Sequence[str], str]:
        """Return the answer to a sync-collection REPORT (RFC 6578 §3.2) without limit.

        It is href and ETag of what changed since ``token`` (empty: of everything), the hrefs of what is gone, and the
        new token. Raises InvalidTokenError for a token that this database does not know (``DAV:valid-sync-token``).
        """
        new = journal.token(collection)
        if token == new:
            return [], [], new
        with self.session() as session:
            return *listing.changes(session, collection, token), new

    def texts_at(self, collection: Collection, hrefs: Iterable[str], agent: str) -> Sequence[Text]:
        """Return the items at these hrefs with their texts, in no order; an href without an item is left out.

        Notes that the device has these versions now (rule 43).
        """
        with self.session() as session:
            found = listing.texts_at(session, collection, hrefs)
        return self._fetched(collection.login, agent, found)

    def entries_between(self, collection: Collection, component: str, wanted: TimeRange, agent: str) -> Sequence[Text]:
        """Return the entries of one component that take place in a time range (RFC 4791 §9.9).

        ``component``: VEVENT, VTODO or VJOURNAL. Notes that the device has these versions now (rule 43).
        """
        with self.session() as session:
            found = agenda.texts(session, collection, component, wanted)
        return self._fetched(collection.login, agent, found)

    def tags_between(self, collection: Collection, component: str, wanted: TimeRange) -> Sequence[Tag]:
        """Return href and ETag of the entries of one component that take place in a time range (RFC 4791 §9.9)."""
        with self.session() as session:
            return agenda.tags(session, collection, component, wanted)

    def cards_like(self, collection: Collection, wanted: CardFilter, agent: str) -> Sequence[Text]:
        """Return the contacts that match an addressbook-query of known form (RFC 6352 §8.6).

        Notes that the device has these versions now (rule 43).
        """
        with self.session() as session:
            found = search.matching(session, collection, wanted)
        return self._fetched(collection.login, agent, found)

    def text_of(self, login: str, name: Name, href: str, agent: str) -> tuple[str, str, str, datetime] | None:
        """Return component, ETag, text and time of the last change (UTC, without zone) of one item, or None.

        Notes that the device has this version now (rule 43).
        """
        with self.session() as session:
            found = listing.text_of(session, login, name, href)
        if found is None:
            return None
        item_id, component, etag, text, modified, number = found
        self._notes.fetched(device_of(login, agent), [(item_id, etag, number)])
        return component, etag, text, modified

    def _fetched(self, login: str, agent: str, found: Sequence[Text]) -> Sequence[Text]:
        fetched = [(item_id, etag, number) for item_id, _, etag, _, number in found]
        self._notes.fetched(device_of(login, agent), fetched)
        return found

    def moved(self, collection: Collection, agent: str, presented: str, handed: str) -> None:
        """Note which sync token a device presented (empty: none) and which one it was given; both must be valid.

        So the gateway knows later up to which journal number the device is up to date (rule 43).
        """
        move = Move(journal.number_in(presented) if presented else None, journal.number_in(handed))
        self._notes.moved(device_of(collection.login, agent), collection.name, move)

    def synced(self, login: str, agent: str, names: tuple[Name, ...]) -> None:
        """Note that a device was told now what is new in these collections; shown by ``status``.

        Written with a delay of up to a second.
        """
        self._notes.synced(device_of(login, agent), names)

    def flush(self) -> None:
        """Write all notes about devices and logins that are still in memory; to be called at the end of a process."""
        self._notes.flush()
        self.familiar.flush()

    def listing(self, collection: Collection) -> list[Item]:
        """Return all items that the collection shows, without their texts."""
        with self.session() as session:
            return items.live(session, collection.id)

    def items_at(self, collection: Collection, hrefs: Iterable[str]) -> dict[str, Item]:
        """Return the items at these hrefs by href; what is not shown or does not exist is left out."""
        with self.session() as session:
            found = items.by_hrefs(session, collection.id, hrefs)
        return {href: item for href, item in found.items() if item.live}

    def items_between(self, collection: Collection, start: int, end: int) -> list[Item]:
        """Return the items whose times overlap [start, end), in Unix seconds.

        A series counts from its begin to its end, so each candidate must still be expanded (calendar-query).
        """
        with self.session() as session:
            return items.overlapping(session, collection.id, start, end)

    def changes(self, collection: Collection, token: str, limit: int | None = None) -> Changes:
        """Return what changed since ``token``, oldest first, at most ``limit`` items; everything for an empty token.

        Raises InvalidTokenError for a token that this database does not know (RFC 6578 §3.2).
        """
        with self.session() as session:
            return journal.changes(session, collection, token, limit)

    def has_uid(self, collection: Collection, uid: str) -> bool:
        """Return whether the collection shows an item with this UID."""
        with self.session() as session:
            item = items.by_uid(session, collection.id, uid)
        return item is not None and item.live

    def texts(self, collection: Collection, wanted: Sequence[Item]) -> Mapping[int, str]:
        """Return the texts of items by item id.

        Notes that the device of the current request has these versions now (rule 43).
        """
        with self.session() as session:
            found = versions.texts(session, [(item.id, item.etag) for item in wanted])
        fetched = [(item.id, item.etag, item.number) for item in wanted if (item.id, item.etag) in found]
        self._notes.fetched(device_of(collection.login, current().agent), fetched)
        return {item_id: text for (item_id, _), text in found.items()}

    def put(
        self, login: str, name: Name, href: str, text: str, require: PutCheck = lambda there, was_stored: None
    ) -> Put:
        """Store what a device sent, in one transaction with FlowFact's records.

        ``require`` gets the item that is shown at ``href``, or None, and checks preconditions by raising RefusedError.
        Raises RefusedError with status and reason: rights or settings (403), unreadable (409), changed in FlowFact
        meanwhile (412, rule 27), held by the safety stop (503).
        """
        user, request = self.user(login), current()
        device = device_of(login, request.agent)
        payload = read_payload(self.settings, name, href, text)
        with self._transactions.writing() as session:
            collection, here = self._opener.open_to_write(session, user, login, name, href)
            there = here if here is not None and here.live else None
            if here is not None and here.uid != payload.uid and identity.is_same_uid(here.uid, payload.uid):
                payload = payload.called(here.uid)
            if here is not None and here.uid == payload.uid:
                taken_off.require_own(session, name, user, here)
            require(there, lambda: versions.was_stored_last(session, there, etag_of(payload.text)))
            write = put_delete.Write(
                session,
                collection,
                user,
                request,
                device,
                lambda item: self._notes.evidence(session, device, name, item),
            )
            item, is_served = put_delete.put(write, here, payload)
            at_once = there is not None and not request.names_version
            if at_once:  # the next PUT may reach another process, which must know what the device had
                self._notes.made_now(session, device, item.id, item.etag, item.number)
        if not at_once:
            self._notes.made(device, item.id, item.etag, item.number)
        return Put(item, is_new=there is None, is_as_sent=is_served and not payload.mended)

    def delete(self, login: str, name: Name, href: str, require: Check = lambda there: None) -> None:
        """Remove an item from the user's devices; in FlowFact only the own Merkmal goes (rules 13 and 19).

        ``require`` gets the item and checks preconditions by raising RefusedError. Raises RefusedError: no such item
        (404), or as ``put`` does.
        """
        user, request = self.user(login), current()
        device = device_of(login, request.agent)
        with self._transactions.writing() as session:
            collection, item = self._opener.open_to_write(session, user, login, name, href)
            if item is None or not item.live:
                raise RefusedError("there is no such item", 404)
            require(item)
            put_delete.delete(put_delete.Write(session, collection, user, request, device), item)

    def set_props(self, login: str, name: Name, props: Mapping[str, str]) -> None:
        """Store this user's properties of a collection (display name, colour and the like), all at once."""
        self.user(login)
        with self._transactions.writing() as session:
            collection = collections.lock(session, login, name)
            if dict(collection.props) != dict(props):
                collections.save(session, collection, {"props": dict(props)})

    def upkeep(self) -> None:
        """Do the daily upkeep, in many short transactions.

        It removes what devices moved out of the window of the past a day ago (rule 4), and drops what is older than
        ``history_days``. What is still served stays.
        """
        departures.let_go(self._transactions)
        retention.forget_old(self._transactions)

    def remember_refused(self, event: Event) -> None:
        """Store the body of a refused request in the user's history (rule 27)."""
        with self._transactions.writing() as session:
            history.record_refusal(session, event)

    def remember_taken_off(self, event: Event, uid: str) -> None:
        """Store the body of a PUT for what the office took off the user, and announce the item as gone (rule 15).

        So the device drops it at its next sync.
        """
        user, name = self.user(event.login), Name(event.collection)
        with self._transactions.writing() as session:
            collection, _ = self._opener.open_to_write(session, user, event.login, name, event.href)
            taken_off.announce(session, collection, event.href, uid)
            history.record_refusal(session, event)
