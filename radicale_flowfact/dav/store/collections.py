"""Reads and writes the row of a collection: its journal number, its fingerprint, the user's properties."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Row, Update, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from radicale_flowfact.crm.sums import Fingerprint
from radicale_flowfact.database.lengths import cut_to_units
from radicale_flowfact.dav.store import history, tables
from radicale_flowfact.dav.store.request import RefusedError
from radicale_flowfact.dav.store.session import Name, Session

CONFIRMED = "confirmed"
"""Begins a collection's ``stopped`` once the admin let the removal go on (rule 30); how many items follows."""


_MINE = (tables.collection.c.login == bindparam("whose"), tables.collection.c.name == bindparam("which"))
_FIND = select(tables.collection).where(*_MINE)
# An UPDATE locks the row on every database; a hint would not.
_LOCK = update(tables.collection).where(*_MINE).values(number=tables.collection.c.number).returning(tables.collection)


@dataclass(frozen=True, slots=True)
class Collection:
    """A snapshot of one collection's row. ``modified`` is UTC, without zone.

    ``owner``: the FlowFact user whose records it shows, as ``dsn_key``; empty before the first comparison. ``number``
    and ``nonce``: its last journal entry. ``items``: how many ids were assigned. ``basis``: see
    ``reading.rendering.basis``. ``sums``: the fingerprint of the last comparison. ``stopped``: the safety stop as JSON,
    or ``CONFIRMED`` and a number, or empty (rule 30).
    """

    id: int
    login: str
    name: Name
    owner: str
    number: int
    nonce: str
    items: int
    basis: str
    sums: Fingerprint
    props: Mapping[str, str]
    stopped: str
    modified: datetime

    @property
    def is_held(self) -> bool:
        """Whether the safety stop holds: nothing is removed until the admin confirms (rule 30)."""
        return bool(self.stopped) and not self.stopped.startswith(CONFIRMED)

    @property
    def confirmed(self) -> int:
        """How many items the admin released; they are removed at the next comparison."""
        count = self.stopped.removeprefix(CONFIRMED).strip()
        return int(count) if self.stopped.startswith(CONFIRMED) and count else 0

    @property
    def ctag(self) -> str:
        """The collection's ETag (without quotes) and ctag: number and nonce of its last journal entry."""
        return f"{self.number}-{self.nonce}"


def find(session: Session, login: str, name: Name) -> Collection | None:
    """Return the collection as of its last comparison with FlowFact, or None if it was never opened."""
    row = session.connection.execute(_FIND, {"whose": login, "which": name.value}).one_or_none()
    return None if row is None else _collection(row)


def find_all(session: Session) -> list[Collection]:
    """Return every collection that was ever opened, ordered by login and name."""
    ordered = select(tables.collection).order_by(tables.collection.c.login, tables.collection.c.name)
    return [_collection(row) for row in session.connection.execute(ordered)]


def lock(session: Session, login: str, name: Name) -> Collection:
    """Return the collection, locked until the transaction ends; create its row if there is none.

    Every write takes this lock first, so that the numbers of a journal are committed in their order. Raises
    RefusedError (503) if the login has another name meanwhile, which only a restarted gateway knows.
    """
    mine = {"whose": login, "which": name.value}
    locked = session.connection.execute(_LOCK, mine).one_or_none()
    if locked is None:
        with suppress(IntegrityError), session.connection.begin_nested():  # another process may be faster
            _make(session, login, name)
        locked = session.connection.execute(_LOCK, mine).one()
        _require_not_renamed(session, login)  # after the INSERT: it waited for a rename that was in progress
    return _collection(locked)


def hold_all(session: Session, login: str) -> bool:
    """Lock what collections a login has until the transaction ends, in one order; return whether it has any."""
    rows = [session.connection.execute(_LOCK, {"whose": login, "which": name.value}).all() for name in sorted(Name)]
    return any(rows)


def _require_not_renamed(session: Session, login: str) -> None:
    """Raise RefusedError (503) for a login that was renamed to one that these settings do not know.

    With new, empty collections his devices would delete everything, and what they send would be made twice.
    """
    for new in history.renamed_to(session, login):
        if new not in session.settings.users and any(find(session, new, name) for name in Name):
            why = f"the login {login!r} is called {new!r} now: restart this gateway with the flowfact.toml that says so"
            raise RefusedError(why, 503)


def is_others(session: Session, login: str, owner: str) -> bool:
    """Return whether the login's collections show records of another FlowFact user than ``owner`` (a DSN)."""
    return bool(_others(session, login, owner))


def hand_over(session: Session, login: str, owner: str) -> None:
    """Let a login that was given to another FlowFact user start with empty collections (rule 1).

    What belongs to the former user (device-only items, identities, history) is kept under ``login (DSN)``, and comes
    back when the login is his again.
    """
    for former in sorted({collection.owner for collection in _others(session, login, owner)}):
        _rename(session, login, _former(login, former), former)
    _rename(session, _former(login, owner), login, owner)


def _others(session: Session, login: str, owner: str) -> list[Collection]:
    of_login = select(tables.collection).where(tables.collection.c.login == login)
    found = [_collection(row) for row in session.connection.execute(of_login)]
    return [collection for collection in found if collection.owner not in ("", owner)]


def _former(login: str, owner: str) -> str:
    return f"{cut_to_units(login, 200)} ({owner})"


def _rename(session: Session, login: str, new: str, owner: str) -> None:
    mine = (tables.collection.c.login == login, tables.collection.c.owner == owner)
    if session.connection.execute(update(tables.collection).where(*mine).values(login=new)).rowcount:
        history = tables.history
        session.connection.execute(update(history).where(history.c.login == login).values(login=new))


def _make(session: Session, login: str, name: Name) -> None:
    """Insert the collection's row, and the journal entry that the token of an empty collection names."""
    row = _new(session, login, name)
    session.connection.execute(insert(tables.collection).values(row))
    made = _collection(session.connection.execute(_FIND, {"whose": login, "which": name.value}).one())
    first = {"collection_id": made.id, "first_number": 0, "last_number": 0, "nonce": made.nonce, "made": session.utc}
    session.connection.execute(insert(tables.journal).values(first))


def save(session: Session, collection: Collection, changes: Mapping[str, Any]) -> Collection:
    """Write the named columns of a locked collection; return its new snapshot."""
    changed = replace(collection, **changes)
    values = {**changes}
    if "sums" in values:
        values["sums"] = str(changed.sums)
    if "props" in values:
        values["props"] = json.dumps(dict(changed.props), ensure_ascii=False)
    new = {f"new_{name}": value for name, value in values.items()}
    session.connection.execute(
        _update(tuple(sorted(values))), {**new, "whose": collection.login, "which": collection.name.value}
    )
    return changed


@cache
def _update(names: tuple[str, ...]) -> Update:
    """Return the UPDATE of these columns, composed once: composing takes longer than running."""
    new = {name: bindparam(f"new_{name}", type_=tables.collection.c[name].type) for name in names}
    return update(tables.collection).where(*_MINE).values(new)


def _new(session: Session, login: str, name: Name) -> dict[str, object]:
    return {
        "login": login,
        "name": name.value,
        "owner": "",
        "number": 0,
        "nonce": secrets.token_hex(8),
        "items": 0,
        "basis": "",
        "sums": "",
        "props": "{}",
        "stopped": "",
        "modified": session.utc,
    }


def _collection(row: Row[Any]) -> Collection:
    return Collection(
        row.id,
        row.login,
        Name(row.name),
        row.owner,
        row.number,
        row.nonce,
        row.items,
        row.basis,
        Fingerprint.parse(row.sums),
        json.loads(row.props),
        row.stopped,
        row.modified,
    )
