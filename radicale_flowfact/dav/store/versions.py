"""Reads and writes versions: the texts of items by ETag, under the journal number at which each was made.

Versions are kept for ``history_days``, since a device may have one until then (rule 43).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass

from sqlalchemy import and_, bindparam, insert, or_, select, update

from radicale_flowfact.dav.store import tables
from radicale_flowfact.dav.store.items import Item, chunks
from radicale_flowfact.dav.store.session import Session


@dataclass(frozen=True, slots=True)
class Version:
    """An item's text under its journal number; ``maker``: the device's identity, empty for the office."""

    item_id: int
    etag: str
    text: str
    number: int
    maker: str = ""


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A stored version without its text."""

    etag: str
    number: int
    maker: str


_TEXTS = select(tables.version.c.item_id, tables.version.c.etag, tables.version.c.text).where(
    tables.version.c.item_id.in_(bindparam("ids", expanding=True)),
    tables.version.c.etag.in_(bindparam("etags", expanding=True)),
)
_VERSIONS = tables.item.outerjoin(
    tables.version,
    and_(
        tables.version.c.item_id == tables.item.c.id,
        or_(tables.version.c.etag == bindparam("seen"), tables.version.c.etag == tables.item.c.etag),
    ),
)
_SEEN = (
    select(tables.item.c.sidecar, tables.item.c.etag.label("served"), tables.version.c.etag, tables.version.c.text)
    .select_from(_VERSIONS)
    .where(tables.item.c.id == bindparam("item"))
)
_KEPT = (
    select(tables.item.c.sidecar, tables.version.c.etag, tables.version.c.number, tables.version.c.maker)
    .select_from(tables.item.outerjoin(tables.version, tables.version.c.item_id == tables.item.c.id))
    .where(tables.item.c.id == bindparam("item"))
)
_INSERT = insert(tables.version)
_MAKE_YOUNG = (
    update(tables.version)
    .where(tables.version.c.item_id == bindparam("item"), tables.version.c.etag == bindparam("version"))
    .values(made=bindparam("now"), number=bindparam("as_number"), maker=bindparam("by"))
)
# A PUT's one journal entry has a number for the text as sent, and another one for FlowFact's if that is served.
_STORED_LAST = (
    select(tables.version.c.number)
    .join(
        tables.journal,
        and_(
            tables.journal.c.collection_id == bindparam("collection"),
            tables.journal.c.first_number <= tables.version.c.number,
            tables.journal.c.last_number >= bindparam("last"),
        ),
    )
    .where(tables.version.c.item_id == bindparam("item"), tables.version.c.etag == bindparam("version"))
)
_ETAGS = select(tables.version.c.item_id, tables.version.c.etag).where(
    tables.version.c.item_id.in_(bindparam("ids", expanding=True))
)


def texts(session: Session, versions: Iterable[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """Return the texts of versions by (item id, ETag); those no longer stored are left out."""
    wanted = set(versions)
    found: dict[tuple[int, str], str] = {}
    for chunk in chunks(sorted(wanted)):
        ids, etags = {item_id for item_id, _ in chunk}, {etag for _, etag in chunk}
        rows = session.connection.execute(_TEXTS, {"ids": sorted(ids), "etags": sorted(etags)})
        found |= {(row.item_id, row.etag): row.text for row in rows if (row.item_id, row.etag) in wanted}
    return found


def seen_at(session: Session, item_id: int, etag: str) -> tuple[tuple[str, ...], str | None]:
    """Return an item's sidecar, and its text at an ETag; if that is not stored, the text served now, or None."""
    rows = session.connection.execute(_SEEN, {"item": item_id, "seen": etag}).all()
    kept = {row.etag: row.text for row in rows}
    return tuple(json.loads(rows[0].sidecar)), kept.get(etag, kept.get(rows[0].served))


def was_stored_last(session: Session, item: Item | None, etag: str) -> bool:
    """Return whether the last change of an item stored a text with this ETag, served or not.

    So a PUT that is sent again, because its answer was lost, is recognised.
    """
    if item is None:
        return False
    asked = {"item": item.id, "version": etag, "collection": item.collection_id, "last": item.number}
    return session.connection.scalar(_STORED_LAST, asked) is not None


def kept_versions(session: Session, item_id: int) -> tuple[tuple[str, ...], list[VersionRow]]:
    """Return an item's sidecar, and its stored versions, ordered by journal number."""
    rows = session.connection.execute(_KEPT, {"item": item_id}).all()
    found = [VersionRow(row.etag, row.number, row.maker) for row in rows if row.etag is not None]
    return tuple(json.loads(rows[0].sidecar)), sorted(found, key=lambda version: version.number)


def add(session: Session, versions: Iterable[Version], fresh: Collection[int]) -> None:
    """Store versions; of one that is stored already, time, number and maker are renewed.

    ``fresh``: the ids of items that are new themselves, which have no versions yet.
    """
    new = {(version.item_id, version.etag): version for version in versions}
    known: set[tuple[int, str]] = set()
    for chunk in chunks(sorted({item_id for item_id, _ in new}.difference(fresh))):
        rows = session.connection.execute(_ETAGS, {"ids": chunk})
        known |= {(row.item_id, row.etag) for row in rows}
    for item_id, etag in sorted(known & new.keys()):
        again = new[item_id, etag]
        young = {"now": session.utc, "as_number": again.number, "by": again.maker}
        session.connection.execute(_MAKE_YOUNG, {"item": item_id, "version": etag, **young})
    rows_ = [{**asdict(version), "made": session.utc} for key, version in new.items() if key not in known]
    if rows_:
        session.connection.execute(_INSERT, rows_)
