"""Lists FlowFact's users who could be mapped, each with what stands in the way of his login (rule 1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from radicale_flowfact.crm.site import real
from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.crm.users import UserError, read_merkmale, read_user, read_users
from radicale_flowfact.database.engines import engine_for
from radicale_flowfact.dav.admin.readonly import read_only
from radicale_flowfact.records import Merkmal, User, dsn_key
from radicale_flowfact.settings import Settings


@dataclass(frozen=True, slots=True)
class Candidate:
    """A FlowFact user and the login that he would get.

    ``merkmal``: the own Merkmal by name, or by DSN where the name is not unique; "" where FlowFact has the lists
    (BENMKM). ``fault``: why the login would not get in, or "".
    """

    login: str
    flowfact: str
    name: str
    active: bool
    merkmal: str
    fault: str


def candidates(settings: Settings) -> list[Candidate]:
    """Return every FlowFact user who has a login there, in the order of FlowFact's logins; writes nothing.

    Raises DatabaseError if the database cannot be reached.
    """
    site = real.Site(settings.names, settings.values, settings.timezone)
    with read_only(engine_for(settings.database_url, settings.state_schema, settings.database_timeouts)) as connection:
        tables = site.read(connection)
        merkmale = read_merkmale(connection, tables)
        people = [person for person in read_users(connection, tables) if person.login.strip()]
        return [_candidate(connection, tables, person, merkmale) for person in people]


def named(found: Iterable[Candidate], login: str) -> list[Candidate]:
    """Return the candidates that a text means: by login, by FlowFact's login, else by name; case does not count."""
    wanted, people = login.strip().casefold(), list(found)
    by_login = [one for one in people if wanted in (one.login.casefold(), one.flowfact.casefold())]
    return by_login or [one for one in people if one.name.strip().casefold() == wanted]


def login_of(flowfact: str) -> str:
    """Return the login for a FlowFact login: in small letters, without a Windows domain before it."""
    return flowfact.strip().rpartition("\\")[2].lower()


def _candidate(connection: Connection, tables: Tables, person: User, merkmale: dict[str, Merkmal]) -> Candidate:
    own = merkmale.get(dsn_key(person.own_merkmal or ""))
    listed: list[str] = []
    if tables.user_merkmal is None and own is not None:
        alike = sum(one.name.strip().casefold() == own.name.strip().casefold() for one in merkmale.values())
        listed = [own.name if alike == 1 else own.dsn]
    login = login_of(person.login)
    fault = _unfit(login)
    try:
        read_user(connection, tables, person.login, listed, listed)
    except UserError as error:
        fault = fault or str(error)
    return Candidate(login, person.login.strip(), person.name.strip(), person.active, "".join(listed), fault)


def _unfit(login: str) -> str:
    """Return why a text cannot be a login: it is part of paths and of a password file."""
    unfit = sorted({sign for sign in login if sign in ':/\\"' or not sign.isprintable()})
    if login in ("", ".", "..") or unfit:
        return f"{login!r} cannot be a login (a colon, a slash or a quote is in it); write its section by hand"
    return ""
