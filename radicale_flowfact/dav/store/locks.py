"""Locks that all gateways on one database share. Each is a row: an UPDATE holds it on every database until COMMIT.

A write takes them after its collection's row, so that no two writes wait for each other.
"""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum

from sqlalchemy import bindparam, insert, update
from sqlalchemy.exc import IntegrityError

from radicale_flowfact.dav.store import tables
from radicale_flowfact.dav.store.session import Session

_LOCK = tables.lock.c
_HOLD = update(tables.lock).where(_LOCK.name == bindparam("which")).values(held=_LOCK.held + 1)
_MAKE = insert(tables.lock)


class Lock(StrEnum):
    """Something that only one transaction at a time may do."""

    IDENTIFIER = "identifier"
    """Take a Kennung that no address has (rule 14)."""


def hold(session: Session, lock: Lock) -> None:
    """Wait for the lock and hold it until the transaction ends."""
    mine = {"which": lock.value}
    if session.connection.execute(_HOLD, mine).rowcount == 1:
        return
    with suppress(IntegrityError), session.connection.begin_nested():  # another process may be faster
        session.connection.execute(_MAKE, {"name": lock.value, "held": 0})
    session.connection.execute(_HOLD, mine)
