"""Holds each collection's row as this process last read it, for as long as nothing is committed to the database.

Only SQLite says that at next to no cost (``database.commits``). On other databases every row is read anew.
"""

from __future__ import annotations

from collections.abc import Callable

from radicale_flowfact.database.commits import Commits, Mark
from radicale_flowfact.dav.store.collections import Collection
from radicale_flowfact.dav.store.session import Name


class CollectionCache:
    """The rows by login and collection; thread-safe, bounded by the number of collections."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits
        self._rows: dict[tuple[str, Name], tuple[Mark, Collection]] = {}

    def get(self, login: str, name: Name, find: Callable[[], Collection | None]) -> Collection | None:
        """Return the kept row if nothing was committed since, otherwise what ``find`` reads.

        ``find`` must read in a transaction of its own.
        """
        mark = self._commits.mark()
        known = self._rows.get((login, name))
        if known is not None and known[0] == mark:
            return known[1]
        collection = find()
        if mark is not None and collection is not None:
            self._rows[(login, name)] = (mark, collection)
        return collection

    def clear(self) -> None:
        """Drop all rows."""
        self._rows.clear()
