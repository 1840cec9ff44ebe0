"""Versions and items older than ``history_days``, and what of them is forgotten (``docs/en/operations.md``)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, exists, false, not_, or_, select, true, update

from radicale_flowfact.dav.store import tables
from radicale_flowfact.dav.store.items import NO_SIDECAR
from radicale_flowfact.dav.store.session import Session

_FORGET_VERSION = delete(tables.version).where(
    tables.version.c.item_id == bindparam("item"),
    tables.version.c.etag == bindparam("version"),
    tables.version.c.made < bindparam("before"),
)


def old_versions(before: datetime) -> Select[Any]:
    """Return the SELECT of versions (item id, ETag) that were replaced by another one before a time (UTC).

    A device may have a version until then. The last text of an item that is gone counts from its deletion on.
    """
    version, item, newer = tables.version.c, tables.item.c, tables.version.alias("newer").c
    mine = and_(item.id == version.item_id, item.etag == version.etag)
    needed = exists().where(mine, or_(item.live == true(), item.modified >= before))
    since = exists().where(newer.item_id == version.item_id, newer.number > version.number, newer.made < before)
    other = exists().where(item.id == version.item_id, item.etag != version.etag, item.live == true())
    return select(version.item_id, version.etag).where(version.made < before, not_(needed), or_(since, not_(other)))


def gone_with_text(before: datetime) -> Select[int]:
    """Return the SELECT of the ids of items deleted before a time (UTC) that still have more than their identity."""
    item = tables.item.c
    return select(item.id).where(*_gone(before), or_(item.sidecar != NO_SIDECAR, item.fault != ""))


def gone_but_found(before: datetime) -> Select[int]:
    """Return the SELECT of the ids of items deleted before a time (UTC) that are still in the search table."""
    search = tables.search.c
    return select(search.item_id).join(tables.item, tables.item.c.id == search.item_id).where(*_gone(before))


def _gone(before: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return tables.item.c.live == false(), tables.item.c.modified < before


def forget_versions(session: Session, versions: Sequence[tuple[int, str]], before: datetime) -> None:
    """Delete these versions; one that was renewed since they were found stays."""
    session.connection.execute(
        _FORGET_VERSION, [{"item": item_id, "version": etag, "before": before} for item_id, etag in versions]
    )


def forget_texts(session: Session, ids: Sequence[int], before: datetime) -> None:
    """Delete sidecar, fault and search row of these items; one that came back since they were found keeps them."""
    gone = select(tables.item.c.id).where(tables.item.c.id.in_(ids), *_gone(before))
    session.connection.execute(delete(tables.search).where(tables.search.c.item_id.in_(gone)))
    mine = (tables.item.c.id.in_(ids), *_gone(before))
    session.connection.execute(update(tables.item).where(*mine).values(sidecar=NO_SIDECAR, fault=""))
