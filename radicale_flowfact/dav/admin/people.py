"""Finds what an admin calls by name: logins by their users' names, records by titles, writes that were refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select

from radicale_flowfact.crm import lookup
from radicale_flowfact.crm.users import read_users
from radicale_flowfact.database.engines import holds_word
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.store import items, tables, versions
from radicale_flowfact.dav.store.request import RefusedError
from radicale_flowfact.dav.store.session import Session
from radicale_flowfact.records import RecordKey, Table

_MOST_REFUSED = 10
_LONGEST = 200  # characters of what is looked for in refused texts
_TITLE = re.compile(r"^(?:FN|SUMMARY)(?:;[^:\r\n]{0,200})?:([^\r\n]{1,200})", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Refused:
    """A write that was refused: its entry in the history, the last time (UTC), how often, why, and what was sent."""

    number: int
    made: datetime
    times: int
    reason: str
    agent: str
    collection: str
    href: str
    title: str


def logins_named(session: Session, text: str) -> list[str]:
    """Return the logins that a text means: the login, whatever its case and blanks; else those of users so named."""
    wanted = text.strip().casefold()
    users = session.settings.users
    if same := [login for login in users if login.casefold() == wanted]:
        return same
    names = {user.login.strip().casefold(): user.name for user in read_users(session.connection, session.tables)}
    return sorted(
        login
        for login, mapped in users.items()
        if wanted and wanted in names.get(mapped.flowfact.strip().casefold(), "").casefold()
    )


def names_of(session: Session) -> dict[str, str]:
    """Return the name of each mapped login's FlowFact user; a login without one is left out."""
    names = {user.login.strip().casefold(): user.name for user in read_users(session.connection, session.tables)}
    mapped = {login: user.flowfact.strip().casefold() for login, user in session.settings.users.items()}
    return {login: names[user] for login, user in mapped.items() if names.get(user)}


def without_access(gateway: Gateway) -> dict[str, str]:
    """Return the mapped logins that get nothing, each with the reason (rule 1)."""
    found = {}
    for login in gateway.settings.users:
        try:
            gateway.user(login)
        except RefusedError as error:
            found[login] = error.reason
    return found


def record_of(name: str) -> RecordKey | None:
    """Return the record of a history entry or an item, named as ``AD:dsn``; None for other names."""
    table, _, dsn = name.partition(":")
    return RecordKey(Table(table), dsn) if dsn and table in (Table.ADDRESS, Table.ACTIVITY) else None


def titles_of(session: Session, names: Iterable[str]) -> Mapping[str, str]:
    """Return what people call the records that history entries or items name; what is gone is left out."""
    keys = {name: key for name in set(names) if (key := record_of(name)) is not None}
    known = lookup.titles(session.connection, session.tables, keys.values())
    return {name: known[key] for name, key in keys.items() if key in known}


def title_in(text: str) -> str:
    """Return the name or subject in a contact or entry that a device sent; empty if there is none."""
    found = _TITLE.search(text)
    return re.sub(r"\\([,;\\])", r"\1", found[1]).strip() if found else ""


def refused_writes(session: Session, login: str, text: str) -> list[Refused]:
    """Return the login's writes that were refused and mean this: by href, UID, or a part of what was sent."""
    history, wanted = tables.history, text.strip()[:_LONGEST]
    if not wanted:
        return []
    means = or_(history.c.href == wanted, holds_word(history.c.body, wanted))
    statement = select(history).where(history.c.login == login, history.c.what == "refused", means)
    rows = session.connection.execute(statement.order_by(history.c.made.desc()).limit(_MOST_REFUSED)).all()
    return [
        Refused(row.id, row.made, row.repeats + 1, row.reason, row.agent, row.collection, row.href, title_in(row.body))
        for row in rows
    ]


def device_only_titles(session: Session, found: Iterable[items.Item]) -> dict[int, str]:
    """Return the name or subject of items that only devices have, by the items' ids."""
    texts = versions.texts(session, [(item.id, item.etag) for item in found])
    return {number: title for (number, _), text in texts.items() if (title := title_in(text))}
