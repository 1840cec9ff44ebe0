"""What devices did, and what was refused: every action with who, which device, before and after (rules 27, 29)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any, get_args

from sqlalchemy import delete, insert

from radicale_flowfact.actions import Action, RightsEntry
from radicale_flowfact.dav import tables
from radicale_flowfact.dav.session import Session
from radicale_flowfact.records import RecordKey, Right, Table

_INSERT = insert(tables.history)
_TYPES = {kind.__name__: kind for kind in get_args(Action)}


@dataclass(frozen=True, slots=True)
class Event:
    """One request of a device as the history keeps it. ``what``: put, delete, refused or undo."""

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
    """Keep the event, in the transaction of the change that it tells of; return its number."""
    row = {
        "made": session.utc,
        "login": event.login[:255],
        "agent": event.agent[:255],
        "collection": event.collection[:20],
        "href": event.href[:1000],
        "record": event.record,
        "what": event.what,
        "reason": event.reason[:1000],
        "actions": encode(event.actions),
        "body": event.body.replace("\x00", "\ufffd"),  # PostgreSQL keeps no NUL
    }
    made = session.connection.execute(_INSERT, row)
    assert made.inserted_primary_key is not None  # noqa: S101 - one row was inserted
    return int(made.inserted_primary_key[0])


def forget(session: Session, before: datetime) -> None:
    """Drop what happened before a moment (UTC)."""
    session.connection.execute(delete(tables.history).where(tables.history.c.made < before))


def encode(actions: Sequence[Action]) -> str:
    """Return actions as JSON."""
    return json.dumps([_plain(action) for action in actions], ensure_ascii=False)


def decode(text: str) -> tuple[Action, ...]:
    """Read what ``encode`` wrote."""
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
