"""Numbers the changes of a collection, and makes the sync tokens that name such a number (RFC 6578).

Each change of an item takes the next number of its collection. All changes of one transaction make one entry with a
random nonce. A token names a number and the nonce of its entry. After a restore the same numbers come again with other
nonces, so a token from before is refused and never misread (rule 6).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import insert, select

from radicale_flowfact.dav.store import collections, items, search, tables, versions
from radicale_flowfact.dav.store.collections import Collection
from radicale_flowfact.dav.store.items import Gone, Item
from radicale_flowfact.dav.store.session import Name, Session
from radicale_flowfact.dav.store.versions import Version

TOKEN_PREFIX = "http://radicale.org/ns/sync/"  # noqa: S105 - a name for sync tokens, nothing secret
_INSERT = insert(tables.journal)
_TOKEN = re.compile(re.escape(TOKEN_PREFIX) + r"(\d{1,18})-([0-9a-f]{1,32})")


class InvalidTokenError(ValueError):
    """The sync token is not of this journal; the device must sync from the start (``valid-sync-token``)."""


@dataclass
class Entry:
    """One journal entry under construction: the changes of one transaction to one locked collection."""

    session: Session
    collection: Collection
    _added: list[tuple[Item, tuple[str, ...]]] = field(default_factory=list)
    _changed: list[tuple[Item, tuple[str, ...] | None]] = field(default_factory=list)
    _versions: list[Version] = field(default_factory=list)
    _served: list[search.Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.number = self.collection.number
        self.items = self.collection.items

    def new_id(self) -> int:
        """Return a new item id of the collection."""
        self.items += 1
        return tables.item_id(self.collection.id, self.items)

    def announced(self, item: Item) -> Item:
        """Return the item with the next number, so that every device is told of it at its next sync."""
        self.number += 1
        return replace(item, number=self.number, born=item.born or self.number, modified=self.session.utc)

    def departed(self, item: Item, taker: Gone) -> Item:
        """Return the item as deleted by ``taker``, with the next number."""
        gone = self.announced(replace(item, live=False, gone_by=taker, sums="", bucket=0))
        return replace(gone, went=gone.number)

    def add(self, item: Item, sidecar: tuple[str, ...] = ()) -> None:
        """Add a new item to the entry."""
        self._added.append((item, sidecar))

    def change(self, item: Item, sidecar: tuple[str, ...] | None = None) -> None:
        """Add a changed item to the entry; without a sidecar its own stays."""
        self._changed.append((item, sidecar))

    def keep(self, item: Item, etag: str, text: str, maker: str = "") -> None:
        """Add a version of an announced item's text to the entry; ``maker``: the device's identity, if it sent it."""
        self._versions.append(Version(item.id, etag, text, item.number, maker))

    def serve(self, item: Item, etag: str, text: str) -> None:
        """Add the text that is served from now on to the entry; a contact is found by it."""
        if self.collection.name is Name.ADDRESSES:
            self._served.append(search.Entry(item.id, etag, text))

    def flush(self) -> None:
        """Write what was added so far; its numbers become valid with ``write``."""
        items.update_items(self.session, self._changed)  # first: one may free the href of another
        items.insert_items(self.session, self._added)
        fresh = {item.id for item, _ in self._added}
        versions.add(self.session, self._versions, fresh)
        search.index(self.session, self.collection, self._served, fresh)
        self._added, self._changed, self._versions, self._served = [], [], [], []

    def write(self, changes: Mapping[str, Any] | None = None) -> Collection:
        """Write the entry, and other changed columns of the collection; return its new snapshot."""
        self.flush()
        values: dict[str, Any] = {**(changes or {})}
        if self.items != self.collection.items:
            values["items"] = self.items
        if self.number != self.collection.number:
            values |= {"number": self.number, "nonce": secrets.token_hex(8), "modified": self.session.utc}
            row = {
                "collection_id": self.collection.id,
                "first_number": self.collection.number + 1,
                "last_number": self.number,
                "nonce": values["nonce"],
                "made": self.session.utc,
            }
            self.session.connection.execute(_INSERT, row)
        if values:
            self.collection = collections.save(self.session, self.collection, values)
        return self.collection


def token(collection: Collection) -> str:
    """Return the sync token of this snapshot, a URI (RFC 6578 §3.2)."""
    return f"{TOKEN_PREFIX}{collection.number}-{collection.nonce}"


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since a token, and the token to continue from. ``more``: the limit cut the list."""

    items: tuple[Item, ...]
    token: str
    more: bool = False


def changes(session: Session, collection: Collection, old_token: str, limit: int | None = None) -> Changes:
    """Return what changed between the token and the snapshot; for an empty token, all items of the snapshot.

    What came and went since the token is named as gone (RFC 6578 §3.5.2), since the device may have made it itself. Old
    deletions are never part of a first sync. With a limit (RFC 6578 §3.6) the changes come in the journal's order, so
    that the next call continues exactly there. Raises InvalidTokenError.
    """
    if not old_token:
        there = [item for item in items.live(session, collection.id) if item.born <= collection.number]
        found = sorted(there, key=lambda item: item.number)
    else:
        since = number_of(session, collection, old_token)
        if since == collection.number:
            return Changes((), token(collection))
        found = items.changed_since(session, collection.id, since, collection.number)
    if limit is None or len(found) <= limit:
        return Changes(tuple(found), token(collection))
    cut = found[:limit]
    reached = min(cut[-1].number, collection.number)  # what changed after the snapshot is listed again next time
    return Changes(tuple(cut), f"{TOKEN_PREFIX}{reached}-{_nonce(session, collection, reached)}", more=True)


def number_of(session: Session, collection: Collection, old_token: str) -> int:
    """Return the number of a token. Raises InvalidTokenError if the token is not of this journal."""
    parsed = _TOKEN.fullmatch(old_token)
    if not parsed:
        raise InvalidTokenError(f"not a sync token of this server: {old_token[:80]!r}")
    number, nonce = int(parsed[1]), parsed[2]
    if (number, nonce) == (collection.number, collection.nonce):
        return number
    if number > collection.number or _nonce(session, collection, number) != nonce:
        raise InvalidTokenError(f"the sync token is unknown or too old: {old_token[:80]!r}")
    return number


def number_in(valid_token: str) -> int:
    """Return the number of a token that is known to be valid."""
    return int(valid_token.removeprefix(TOKEN_PREFIX).partition("-")[0])


def _nonce(session: Session, collection: Collection, number: int) -> str | None:
    """Return the nonce of the entry that contains a number, or None."""
    journal = tables.journal
    return session.connection.scalar(
        select(journal.c.nonce).where(
            journal.c.collection_id == collection.id,
            journal.c.last_number >= number,
            journal.c.first_number <= number,
        )
    )
