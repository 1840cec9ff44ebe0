"""FlowFact's users: who they are, which Merkmale they sync, and what keeps one of them out (rules 1, 2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, select

from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.records import Merkmal, User, dsn_key

_ADDRESSES, _ACTIVITIES = "OUTLOOK", "VORLAGE"


class UserError(Exception):
    """A login cannot be served; the message names the cause and the place in FlowFact to mend it."""


def read_users(connection: Connection, tables: Tables) -> list[User]:
    """Return all users of FlowFact by login, without their Merkmale and groups."""
    people = tables.user
    return [_user(row) for row in connection.execute(select(people).order_by(people.c.LOGIN))]


def read_merkmale(connection: Connection, tables: Tables) -> dict[str, Merkmal]:
    """Return all Merkmale by ``dsn_key``."""
    rows = connection.execute(select(tables.merkmal))
    return {
        dsn_key(row.DSN): Merkmal(row.DSN, row.NAME or "", row.KUERZEL or "", bool(row.AKTIV), row.BEN_DSN)
        for row in rows
    }


def read_user(
    connection: Connection,
    tables: Tables,
    login: str,
    address_merkmale: Sequence[str] = (),
    activity_merkmale: Sequence[str] = (),
) -> User:
    """Return the user with this FlowFact login, ready to sync.

    The Merkmal names (or DSNs) given are used only where BENMKM is not mapped (rule 2).
    Raises UserError for a user who may not get in (rule 1).
    """
    wanted = login.strip().casefold()
    people = tables.user
    matching = [
        _user(row)
        for row in connection.execute(select(people).order_by(people.c.DSN))
        if (row.LOGIN or "").strip().casefold() == wanted
    ]
    if not matching:
        raise UserError(f"FlowFact has no user with the login {login!r}")
    if len(matching) > 1:
        raise UserError(f"FlowFact has {len(matching)} users with the login {login!r}; make it unique there")
    user = matching[0]
    if tables.user_merkmal is not None:
        user = _with_own_lists(connection, tables, user)
    else:
        user = _with_named_lists(connection, tables, user, address_merkmale, activity_merkmale)
    return _checked(connection, tables, _with_groups(connection, tables, user))


def _user(row: Row[Any]) -> User:
    return User(
        row.DSN,
        name=row.NAME or "",
        login=row.LOGIN or "",
        active=bool(row.AKTIV),
        own_merkmal=row.MKM_DSN or None,
        appointment_kind=getattr(row, "ART_TERMIN_DSN", None) or None,
        task_kind=getattr(row, "ART_AUFGABE_DSN", None) or None,
    )


def _with_own_lists(connection: Connection, tables: Tables, user: User) -> User:
    lists = tables.user_merkmal
    assert lists is not None  # noqa: S101 - tells mypy what the caller has seen
    rows = connection.execute(select(lists.c.BEREICH, lists.c.MKM_DSN).where(lists.c.BEN_DSN == user.dsn)).all()

    def of(area: str) -> frozenset[str]:
        return frozenset(dsn_key(row.MKM_DSN) for row in rows if (row.BEREICH or "").strip().upper() == area)

    return replace(user, address_merkmale=of(_ADDRESSES), activity_merkmale=of(_ACTIVITIES))


def _with_named_lists(
    connection: Connection, tables: Tables, user: User, addresses: Iterable[str], activities: Iterable[str]
) -> User:
    known = read_merkmale(connection, tables)

    def of(names: Iterable[str]) -> frozenset[str]:
        return frozenset(_merkmal_named(known, name) for name in names)

    return replace(user, address_merkmale=of(addresses), activity_merkmale=of(activities))


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
    rows = connection.scalars(select(membership.c.GRP_DSN).where(membership.c.BEN_DSN == user.dsn))
    return replace(user, groups=frozenset(dsn_key(dsn) for dsn in rows))


def _checked(connection: Connection, tables: Tables, user: User) -> User:
    who = f"FlowFact user {user.login!r}"
    if not user.active:
        raise UserError(f"{who} is inactive")
    if user.own_merkmal is None:
        raise UserError(f"{who} has no own Merkmal (Benutzermerkmal); set it in FlowFact's user settings")
    own = tables.merkmal.c.DSN == user.own_merkmal
    if connection.scalar(select(tables.merkmal.c.DSN).where(own)) is None:
        raise UserError(f"{who} has an own Merkmal that does not exist: {user.own_merkmal}")
    if dsn_key(user.own_merkmal) not in user.address_merkmale:
        raise UserError(
            f"the own Merkmal of {who} is not among the Merkmale his addresses sync; "
            "add it in FlowFact's user settings (Dienste/Outlook) or under address_merkmale in flowfact.toml"
        )
    return user
