"""Stores what devices did and what was refused: who, which device, before and after (rules 27 and 29)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any, get_args

from sqlalchemy import Select, bindparam, delete, insert, select, update

from radicale_flowfact.actions import Action, RightsEntry
from radicale_flowfact.database.lengths import cut_to_units
from radicale_flowfact.dav.store import tables
from radicale_flowfact.dav.store.session import Name, Session
from radicale_flowfact.dav.store.tables import text_hash
from radicale_flowfact.records import RecordKey, Right, Table

_INSERT = insert(tables.history)
_REPEAT = (
    update(tables.history)
    .where(tables.history.c.body_hash == bindparam("sent_hash"), tables.history.c.what == "refused")
    .values(made=bindparam("now"), reason=bindparam("why"), repeats=tables.history.c.repeats + 1)
)
RENAMED = "renamed"
"""What a login's entry is called that tells of its former name."""
_TYPES = {kind.__name__: kind for kind in get_args(Action)}


@dataclass(frozen=True, slots=True)
class Event:
    """One request of a device, for the history. ``what``: put, delete, refused, undo, or renamed: by the admin."""

    login: str
    agent: str
    collection: str
    href: str
    what: str
    record: str = ""
    reason: str = ""
    actions: tuple[Action, ...] = ()
    body: str = ""


def record(session: Session, event: Event) -> int:
    """Store the event in the transaction of the change that it describes; return its number."""
    made = session.connection.execute(_INSERT, _row(session, event))
    assert made.inserted_primary_key is not None  # noqa: S101 - one row was inserted
    return int(made.inserted_primary_key[0])


def record_refusal(session: Session, event: Event) -> None:
    """Store a refused request; the same body sent again only updates time, reason and count (rule 28)."""
    sent = text_hash("\n".join((event.login, event.collection, event.href, event.body)))
    new = {"now": session.utc, "why": cut_to_units(event.reason, 1000), "sent_hash": sent}
    if session.connection.execute(_REPEAT, new).rowcount == 0:
        renamed = [name for name in renamed_to(session, event.login) if name not in session.settings.users]
        login = renamed[-1] if renamed else event.login  # of a gateway that does not know it yet
        session.connection.execute(_INSERT, {**_row(session, event), "login": login, "body_hash": sent})


def record_rename(session: Session, old: str, new: str) -> None:
    """Store that a login is called otherwise now; ``renamed_to`` finds it."""
    event = Event(new, "", Name.ADDRESSES.value, "", RENAMED, reason=f"was {old}")
    session.connection.execute(_INSERT, {**_row(session, event), "body_hash": _hash_of_name(old)})


def renamed_to(session: Session, old: str) -> Sequence[str]:
    """Return what a login was renamed to within ``history_days``, and is called now."""
    mine = (tables.history.c.body_hash == _hash_of_name(old), tables.history.c.what == RENAMED)
    return session.connection.scalars(select(tables.history.c.login).where(*mine).order_by(tables.history.c.id)).all()


def _hash_of_name(login: str) -> str:
    return text_hash(f"{RENAMED}\n{login}")


def _row(session: Session, event: Event) -> dict[str, object]:
    return {
        "made": session.utc,
        "login": cut_to_units(event.login, 255),
        "agent": cut_to_units(event.agent, 255),
        "collection": event.collection[:20],
        "href": cut_to_units(event.href, 1000),
        "record": event.record,
        "what": event.what,
        "reason": cut_to_units(event.reason, 1000),
        "actions": encode(event.actions),
        "body": event.body.replace("\x00", "\ufffd"),  # PostgreSQL keeps no NUL
        "body_hash": "",
        "repeats": 0,
    }


def knows(session: Session, login: str, record: str) -> bool:
    """Return whether the history has a PUT of this record by a device of the login."""
    mine = (tables.history.c.login == login, tables.history.c.record == record, tables.history.c.what == "put")
    return session.connection.scalar(select(tables.history.c.id).where(*mine).limit(1)) is not None


def old(before: datetime) -> Select[int]:
    """Return the SELECT of the ids of entries made before a time (UTC)."""
    return select(tables.history.c.id).where(tables.history.c.made < before)


def forget(session: Session, numbers: Sequence[int], before: datetime) -> None:
    """Delete these entries; one that was refused again since they were found stays."""
    mine = (tables.history.c.id.in_(numbers), tables.history.c.made < before)
    session.connection.execute(delete(tables.history).where(*mine))


def encode(actions: Sequence[Action]) -> str:
    """Return actions as JSON."""
    return json.dumps([_plain(action) for action in actions], ensure_ascii=False)


def decode(text: str) -> tuple[Action, ...]:
    """Parse what ``encode`` returned."""
    return tuple(_action(row) for row in json.loads(text))


def _plain(value: object) -> object:
    if isinstance(value, RecordKey):
        return {"table": value.table.value, "dsn": value.dsn}
    if is_dataclass(value) and not isinstance(value, type):
        plain = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        return {"type": type(value).__name__, **plain}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    return value.value if isinstance(value, Enum) else value


def _action(row: dict[str, Any]) -> Action:
    kind = _TYPES[row["type"]]
    made: Action = kind(**{field.name: _value(row[field.name]) for field in fields(kind)})
    return made


def _value(value: Any) -> Any:  # noqa: ANN401 - JSON goes in, a field of an action comes out
    if isinstance(value, dict):
        if "time" in value:
            return datetime.fromisoformat(value["time"])
        if value.get("type") == "RightsEntry":
            return RightsEntry(value["user"], value["group"], Right(value["right"]))
        return RecordKey(Table(value["table"]), value["dsn"])
    return tuple(_value(part) for part in value) if isinstance(value, list) else value
