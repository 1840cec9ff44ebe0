"""Finds what an admin calls by name: logins by their users' names, records by titles, writes that were refused."""

from __future__ import annotations

import difflib
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
from radicale_flowfact.settings import SettingsError, login_key

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
    if (same := session.settings.login_named(text)) is not None:
        return [same]
    wanted = text.strip().casefold()
    names = {user.login.strip().casefold(): user.name for user in read_users(session.connection, session.tables)}
    return sorted(
        login
        for login, mapped in session.settings.users.items()
        if wanted and wanted in names.get(mapped.flowfact.strip().casefold(), "").casefold()
    )


def login_meant(session: Session, text: str, *, by_name: bool = False, former_first: bool = False) -> str:
    """Return the login that an admin means, whatever its case and blanks: a mapped one, or a former one with data.

    ``by_name``: also part of the name of a mapped login's user. ``former_first``: what data are kept under goes before
    what is mapped. Raises SettingsError naming the nearest login if there is none, or all if several may be meant.
    """
    mapped, kept = list(session.settings.users), _logins_kept(session)
    known = [*kept, *mapped] if former_first else [*mapped, *kept]
    key = login_key(text)
    if found := [login for login in known if login == text] or [login for login in known if login_key(login) == key]:
        return found[0]
    named = logins_named(session, text) if by_name else []
    if len(named) > 1:
        raise SettingsError(f"{text!r} may be any of these logins, name one: {', '.join(named)}")
    if named:
        return named[0]
    if not known:
        raise SettingsError(f"no login is called {text!r}, as none is mapped yet; see: radicale-flowfact users")
    keys = {login_key(login): login for login in reversed(known)}
    near = keys[difflib.get_close_matches(key, keys, n=1, cutoff=0.0)[0]]
    raise SettingsError(
        f"no login is called {text!r}; did you mean {near!r}? All that are mapped: radicale-flowfact users"
    )


def _logins_kept(session: Session) -> list[str]:
    """Return the logins that anything is kept of; of those with familiar addresses only, the folded login."""
    found: dict[str, None] = {}
    for table in (tables.collection, tables.device, tables.history, tables.familiar):
        there = {login_key(login) for login in found} if table is tables.familiar else set[str]()
        statement = select(table.c.login).distinct().order_by(table.c.login)
        logins = session.connection.execute(statement).scalars()
        found.update((login, None) for login in logins if login_key(login) not in there)
    return list(found)


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
