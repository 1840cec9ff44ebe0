"""Stores the addresses from which a login came with the right password, for all workers and over a restart.

An address is personal data: only its hash is stored, which tells whether an address is the same, and for 30 days after
the last login.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from radicale_flowfact.database.lengths import cut_to_units
from radicale_flowfact.dav.store import tables
from radicale_flowfact.dav.store.cache import BoundedCache
from radicale_flowfact.dav.store.deferred.timer import DeferredWrite
from radicale_flowfact.dav.store.session import Session
from radicale_flowfact.dav.store.tables import text_hash
from radicale_flowfact.dav.store.transactions import Transactions

FAMILIAR_FOR = timedelta(days=30)
_MAX_ADDRESSES = 500  # of one login; phones change theirs
_ASK_AGAIN_AFTER = 60.0  # seconds
_CACHED_BYTES, _ENTRY_BYTES = 1_000_000, 200
_table = tables.familiar
_MINE = (_table.c.login == bindparam("whose"), _table.c.address_hash == bindparam("which"))
_FIND = select(_table.c.seen).where(*_MINE)
_TOUCH = update(_table).where(*_MINE).values(seen=bindparam("now"))
_INSERT = insert(_table)
_BEYOND = (
    select(_table.c.address_hash).where(_MINE[0]).order_by(_table.c.seen.desc(), _table.c.address_hash).limit(100)
).offset(_MAX_ADDRESSES)
_DROP = delete(_table).where(_MINE[0], _table.c.address_hash.in_(bindparam("hashes", expanding=True)))
_FORGET = delete(_table).where(*_MINE, _table.c.seen < bindparam("before"))
_logger = logging.getLogger("radicale")
Pair = tuple[str, str]
"""Account and address."""


class FamiliarAddresses:
    """The familiar pairs of account and address; thread-safe. Answers are remembered for a minute."""

    def __init__(self, transactions: Transactions, clock: Callable[[], float] = time.monotonic) -> None:
        self._transactions = transactions
        self._clock = clock
        self._asked = BoundedCache(_CACHED_BYTES)
        self._waiting: set[Pair] = set()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._deferred = DeferredWrite(self.flush)

    def is_familiar(self, pair: Pair) -> bool:
        """Return whether the account logged in from this address within 30 days; False without a database."""
        known = self._asked.get(pair)
        if isinstance(known, tuple) and self._clock() < known[0]:
            return bool(known[1])
        try:
            with self._transactions.reading() as session:
                seen = session.connection.scalar(_FIND, _parameters(pair))
                found = seen is not None and seen >= session.utc - FAMILIAR_FOR
        except SQLAlchemyError as error:
            _logger.warning("Whether an address is familiar cannot be asked: %s", type(error).__name__)
            return False
        self._remember(pair, found=found)
        return found

    def add(self, pair: Pair) -> None:
        """Note that the account logged in from this address; written a second later."""
        known = self._asked.get(pair)
        if isinstance(known, tuple) and known[1] and self._clock() < known[0]:
            return
        self._remember(pair, found=True)
        with self._lock:
            self._waiting.add(pair)
        self._deferred.ask()

    def flush(self) -> None:
        """Write all notes; one that cannot be written is dropped, since the next login repeats it."""
        with self._writing:  # every flush returns when all is written
            with self._lock:
                found, self._waiting = self._waiting, set()
            for pair in sorted(found):
                self._write(pair)

    def _write(self, pair: Pair) -> None:
        try:
            with self._transactions.writing() as session:
                _write(session, pair)
        except SQLAlchemyError as error:
            _logger.warning("A familiar address is not remembered: %s", type(error).__name__)

    def _remember(self, pair: Pair, *, found: bool) -> None:
        size = _ENTRY_BYTES + len(pair[0]) + len(pair[1])
        self._asked.keep(pair, (self._clock() + _ASK_AGAIN_AFTER, found), size)


def old(now: datetime) -> Select[Any]:
    """Return the SELECT of the pairs (login, hash) that are older than 30 days at a time (UTC)."""
    return select(_table.c.login, _table.c.address_hash).where(_table.c.seen < now - FAMILIAR_FOR)


def forget(session: Session, rows: Sequence[Row[Any]]) -> None:
    """Delete these pairs; one that logged in again since they were found stays."""
    before = session.utc - FAMILIAR_FOR
    keys = [{"whose": row.login, "which": row.address_hash, "before": before} for row in rows]
    session.connection.execute(_FORGET, keys)


def _write(session: Session, pair: Pair) -> None:
    """Write a pair; delete the login's oldest ones beyond 500."""
    mine = _parameters(pair)
    if session.connection.execute(_TOUCH, {**mine, "now": session.utc}).rowcount:
        return
    try:
        with session.connection.begin_nested():
            row = {"login": mine["whose"], "address_hash": mine["which"], "seen": session.utc}
            session.connection.execute(_INSERT, row)
    except IntegrityError:
        return  # another worker was faster
    oldest = session.connection.scalars(_BEYOND, mine).all()
    session.connection.execute(_DROP, {**mine, "hashes": oldest})


def _parameters(pair: Pair) -> dict[str, str]:
    account, address = pair
    return {"whose": cut_to_units(account, 255), "which": text_hash(f"{account}\n{address}")}
