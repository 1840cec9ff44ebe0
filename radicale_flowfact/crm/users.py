"""Reads FlowFact's users: who they are, which Merkmale they sync, and why one has no access (rules 1 and 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from radicale_flowfact.crm import columns, rows
from radicale_flowfact.crm.rows import text_of
from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.records import ListSource, Merkmal, User, dsn_key

_OWN = "own_merkmal"
_ADDRESSES, _ACTIVITIES = "OUTLOOK", "VORLAGE"


class UserError(Exception):
    """A login without access; the message names the cause and where to correct it in FlowFact (rule 1)."""


def read_users(connection: Connection, tables: Tables) -> list[User]:
    """Return all users of FlowFact ordered by login, without their Merkmale and groups."""
    people = tables.user
    return [_user(row) for row in rows.read(connection, select(people).order_by(people.c.LOGIN))]


def read_merkmale(connection: Connection, tables: Tables) -> dict[str, Merkmal]:
    """Return all Merkmale by ``dsn_key``."""
    found = (_merkmal(row) for row in rows.read(connection, select(tables.merkmal)))
    return {dsn_key(merkmal.dsn): merkmal for merkmal in found}


def _merkmal(row: Row[Any]) -> Merkmal:
    dsn, name, short = (text_of(row, column) for column in ("DSN", "NAME", "KUERZEL"))
    return Merkmal(dsn, name, short, bool(row.AKTIV), text_of(row, "BEN_DSN") or None)


def read_user(
    connection: Connection,
    tables: Tables,
    login: str,
    address_merkmale: Sequence[str] = (),
    activity_merkmale: Sequence[str] = (),
) -> User:
    """Return the user with this FlowFact login, with Merkmale and groups; case and outer spaces do not count.

    ``address_merkmale`` and ``activity_merkmale`` are names or DSNs from the settings; a list that is not empty counts,
    else the one of BENMKM (rule 2).
    Raises UserError for a user without access: unknown, ambiguous, inactive, own Merkmal missing or not synced (rule
    1).
    """
    wanted = login.strip().casefold()
    matching = [
        (_user(row), bool(text_of(row, _OWN)))
        for row in rows.read(connection, _users_and_own(tables))
        if text_of(row, "LOGIN").strip().casefold() == wanted
    ]
    if not matching:
        raise UserError(f"FlowFact has no user with the login {login!r}")
    if len(matching) > 1:
        raise UserError(f"FlowFact has {len(matching)} users with the login {login!r}; make it unique there")
    user, own_exists = matching[0]
    if tables.user_merkmal is not None:
        user = _with_own_lists(connection, tables, user)
    if tables.user_merkmal is None or address_merkmale or activity_merkmale:
        user = _with_named_lists(connection, tables, user, address_merkmale, activity_merkmale)
    return _checked(_with_groups(connection, tables, user), own_exists=own_exists)


@lru_cache(maxsize=8)
def _users_and_own(tables: Tables) -> Select[Any]:
    """Return the SELECT of all users, each with the DSN of his own Merkmal if that Merkmal exists."""
    people, merkmal = tables.user, tables.merkmal
    own = merkmal.c.DSN.label(_OWN)
    return select(people, own).outerjoin(merkmal, merkmal.c.DSN == people.c.MKM_DSN).order_by(people.c.DSN)


def _user(row: Row[Any]) -> User:
    return User(
        text_of(row, "DSN"),
        name=text_of(row, "NAME"),
        login=text_of(row, "LOGIN"),
        active=bool(row.AKTIV),
        own_merkmal=text_of(row, "MKM_DSN") or None,
        appointment_kind=text_of(row, "ART_TERMIN_DSN") or None,
        task_kind=text_of(row, "ART_AUFGABE_DSN") or None,
    )


def _with_own_lists(connection: Connection, tables: Tables, user: User) -> User:
    lists = tables.user_merkmal
    assert lists is not None  # noqa: S101 - tells mypy what the caller has seen
    listed = rows.read(connection, select(lists.c.BEREICH, lists.c.MKM_DSN).where(lists.c.BEN_DSN == user.dsn))

    def of(area: str) -> frozenset[str]:
        mine = (row for row in listed if columns.word_of(lists, "BEREICH", text_of(row, "BEREICH")) == area)
        return frozenset(dsn_key(text_of(row, "MKM_DSN")) for row in mine)

    return replace(user, address_merkmale=of(_ADDRESSES), activity_merkmale=of(_ACTIVITIES))


def _with_named_lists(
    connection: Connection, tables: Tables, user: User, addresses: Sequence[str], activities: Sequence[str]
) -> User:
    """Return the user with the lists of the settings; one that is empty there stays as FlowFact has it."""
    known = read_merkmale(connection, tables)
    is_only_list = tables.user_merkmal is None

    def source(there: frozenset[str]) -> ListSource:
        return ListSource.OVER_FLOWFACT if there else ListSource.SETTINGS

    def of(listed: Sequence[str]) -> frozenset[str]:
        return frozenset(_merkmal_named(known, name) for name in listed)

    if addresses or is_only_list:
        user = replace(user, address_merkmale=of(addresses), address_source=source(user.address_merkmale))
    if activities or is_only_list:
        user = replace(user, activity_merkmale=of(activities), activity_source=source(user.activity_merkmale))
    return user


def _merkmal_named(known: dict[str, Merkmal], name: str) -> str:
    if dsn_key(name) in known:
        return dsn_key(name)
    matching = [key for key, merkmal in known.items() if merkmal.name.strip().casefold() == name.strip().casefold()]
    if len(matching) != 1:
        count = "no" if not matching else f"{len(matching)}"
        raise UserError(f"FlowFact has {count} Merkmal named {name!r}; name it by its DSN or correct flowfact.toml")
    return matching[0]


def _with_groups(connection: Connection, tables: Tables, user: User) -> User:
    membership = tables.user_group
    if membership is None:
        return user
    groups = rows.read(connection, select(membership.c.GRP_DSN).where(membership.c.BEN_DSN == user.dsn))
    return replace(user, groups=frozenset(dsn_key(text_of(row, "GRP_DSN")) for row in groups))


def _checked(user: User, *, own_exists: bool) -> User:
    who = f"FlowFact user {user.login!r}"
    if not user.active:
        raise UserError(f"{who} is inactive")
    if user.own_merkmal is None:
        raise UserError(f"{who} has no own Merkmal (Benutzermerkmal); set it in FlowFact's user settings")
    if not own_exists:
        raise UserError(f"{who} has an own Merkmal that does not exist: {user.own_merkmal}")
    if dsn_key(user.own_merkmal) not in user.address_merkmale:
        raise UserError(
            f"the own Merkmal of {who} is not among the Merkmale his addresses sync; "
            "add it in FlowFact's user settings (Dienste/Outlook) or under address_merkmale in flowfact.toml"
        )
    return user
