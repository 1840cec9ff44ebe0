"""Moves what the gateway stores of a login to another name; FlowFact's tables are not touched."""

from __future__ import annotations

from sqlalchemy import func, select, update

from radicale_flowfact.dav.store import collections, history, tables
from radicale_flowfact.dav.store.request import RefusedError
from radicale_flowfact.dav.store.session import Name, Session

_OF_LOGIN = {
    "collections": tables.collection,
    "devices": tables.device,
    "history entries": tables.history,
    "addresses that he came from": tables.familiar,
}


def rename(session: Session, old: str, new: str) -> dict[str, int]:
    """Move what is stored of a login to another name; return how many rows of which sort that were.

    Items, sidecars and what devices have belong to collections and devices, and move with them. A gateway that still
    knows the old name makes nothing anew under it, as the history tells of the new one. Raises RefusedError if
    nothing is stored of the old name, or anything of the new one.
    """
    if any(collection.login == old for collection in collections.find_all(session)):
        for name in sorted(Name):
            collections.lock(session, old, name)  # waits for a write that is in progress, also one that makes it
    others = _kept(session, new)  # but what both spellings of one login are kept under is no other's
    if taken := {what: count for what, count in others.items() if _key(what, new) != _key(what, old)}:
        raise RefusedError(f"{new} has data of its own ({_words(taken)}); erase it first if nobody needs it")
    moved = _kept(session, old)
    if not moved:
        raise RefusedError(f"nothing is kept of {old}")
    for what in moved:
        table = _OF_LOGIN[what]
        mine = table.c.login == _key(what, old)
        session.connection.execute(update(table).where(mine).values(login=_key(what, new)))
    history.record_rename(session, old, new)
    return moved


def _kept(session: Session, login: str) -> dict[str, int]:
    counts = {}
    for what, table in _OF_LOGIN.items():
        mine = table.c.login == _key(what, login)
        counts[what] = session.connection.scalar(select(func.count()).select_from(table).where(mine)) or 0
    return {what: count for what, count in counts.items() if count}


def _key(what: str, login: str) -> str:
    """Return a login as it is stored in that table: familiar addresses are stored by the folded login."""
    return login.strip().casefold() if _OF_LOGIN[what] is tables.familiar else login


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.items())
