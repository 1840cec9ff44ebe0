"""Opens a login's collection: for reading, compared with FlowFact where that is due, or for a write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from radicale_flowfact.database.commits import Commits
from radicale_flowfact.dav.reading import refresh
from radicale_flowfact.dav.reading.collection_cache import CollectionCache
from radicale_flowfact.dav.reading.owners import Owners
from radicale_flowfact.dav.reading.refresh import Buckets
from radicale_flowfact.dav.reading.refresh_schedule import RefreshSchedule
from radicale_flowfact.dav.store import collections, items
from radicale_flowfact.dav.store.collections import Collection
from radicale_flowfact.dav.store.items import Item
from radicale_flowfact.dav.store.session import Name, Session
from radicale_flowfact.dav.store.transactions import Transactions
from radicale_flowfact.records import User


class Opener:
    """Opens collections. There is one for each gateway; thread-safe.

    ``commits`` says whether anything was committed since (SQLite only); ``refresh_seconds`` is the longest age of a
    comparison; ``clock`` returns UTC.
    """

    def __init__(
        self,
        transactions: Transactions,
        owners: Owners,
        commits: Commits,
        refresh_seconds: float,
        clock: Callable[[], datetime],
    ) -> None:
        self._transactions = transactions
        self._owners = owners
        self._cache = CollectionCache(commits)
        self._schedule = RefreshSchedule(refresh_seconds, commits, clock)

    def forget(self) -> None:
        """Drop what is remembered of comparisons and rows, so that the next ``open`` compares."""
        self._cache.clear()
        self._schedule.clear()

    def open(self, login: str, name: Name) -> Collection:
        """Return the collection, compared with FlowFact if the last comparison is older than ``refresh_seconds``.

        A collection that never was opened is created. Raises RefusedError for a login without access (rule 1).
        """
        user = self._owners.user(login)
        if not self._schedule.is_due(login, name):
            collection = self._find(login, name)
            if collection is not None:
                return collection
        return self._refreshed(login, name, user)

    def refresh_if_due(self, login: str, name: Name) -> None:
        """Compare the collection with FlowFact if the last comparison is older than ``refresh_seconds``.

        Raises RefusedError for a login without access (rule 1).
        """
        user = self._owners.user(login)
        if self._schedule.is_due(login, name):
            self._refreshed(login, name, user)

    def _find(self, login: str, name: Name) -> Collection | None:
        def find() -> Collection | None:
            with self._transactions.reading() as session:
                return collections.find(session, login, name)

        # What a write in progress changed is not committed yet.
        return find() if self._transactions.held is not None else self._cache.get(login, name, find)

    def _refreshed(self, login: str, name: Name, user: User) -> Collection:
        comparison = self._schedule.begin()
        with self._transactions.reading() as session:
            collection = collections.find(session, login, name)
            buckets = None if collection is None else refresh.due(session, collection, user)
        if collection is None or buckets is None or buckets:
            collection = self._refresh(login, name, user, buckets)
        if self._transactions.held is None:
            self._schedule.done(login, name, comparison)
        return collection

    def _refresh(self, login: str, name: Name, user: User, buckets: Buckets) -> Collection:
        """Compare a collection with FlowFact, a large one in several transactions.

        So others can write meanwhile.
        """
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

    def open_to_write(
        self, session: Session, user: User, login: str, name: Name, href: str | None
    ) -> tuple[Collection, Item | None]:
        """Return a user's locked collection, and the item that an href names, live or not, both as of now.

        Only this item is compared with FlowFact; the rest is left to the next comparison, so that a write costs the
        same in a large collection. Raises RefusedError if the collection belongs to another user meanwhile (503).
        """
        collection = self._locked(session, login, name, user)
        left = 0 if collection.basis else 1
        while left:
            collection, left = refresh.refresh(session, collection, user)
        item = None if href is None else items.at(session, collection.id, href)
        if item is None or href is None:
            return collection, None
        fresh = refresh.refresh_record(session, collection, user, item)
        return fresh, item if fresh is collection else items.at(session, collection.id, href)
