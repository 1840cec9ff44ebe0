"""Explains why a user has a record on his devices, or not (rules 1 to 5, 13, 15, 30)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from radicale_flowfact.crm.explain import Facts, find_records, read_facts
from radicale_flowfact.crm.lookup import MOST, Candidate, find_candidates
from radicale_flowfact.crm.users import read_merkmale
from radicale_flowfact.dav.admin import people
from radicale_flowfact.dav.admin.people import Refused
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.reading import whole_texts
from radicale_flowfact.dav.reading.refresh import member_of
from radicale_flowfact.dav.store import collections, items
from radicale_flowfact.dav.store.items import Gone, Item, record_name
from radicale_flowfact.dav.store.request import RefusedError
from radicale_flowfact.dav.store.session import Name, Session
from radicale_flowfact.records import RecordKey, Right, Table, User


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a login has a record or not, one sentence a line; or the records that may be meant, at most ``MOST``.

    ``more``: whether more may be meant. ``refused``: his writes of it that were refused, newest first.
    """

    login: str
    lines: tuple[str, ...]
    candidates: tuple[Candidate, ...] = ()
    more: bool = False
    refused: tuple[Refused, ...] = ()


def why(gateway: Gateway, login: str, what: str) -> Explanation:
    """Explain a record, an item, or a write that was refused.

    ``login`` is a login or part of its user's name. ``what`` is a DSN, UID or href, else part of a name, firm, phone
    number or subject: if FlowFact has one such record, it is explained, else they are listed. Compares the login's
    collections with FlowFact first. Raises SettingsError if no login is meant, or several may be.
    """
    with gateway.session() as session:
        login = people.login_meant(session, login, by_name=True)
    try:
        user = gateway.user(login)
    except RefusedError as error:
        return Explanation(login, (f"{login} gets nothing at all: {error.reason}",))
    for name in Name:
        gateway.open(login, name)
    with gateway.session() as session:
        lines = _of_items(session, login, user, what)
        found = find_records(session.connection, session.tables, what) or _remembered(session, login, what)
        candidates: list[Candidate] = []
        if not lines and not found:
            lines = _of_devices(session, login, what)
            candidates = find_candidates(session.connection, session.tables, what)
        if len(candidates) == 1 and not lines:
            found, candidates = [candidates[0].record], []
        for record in found:
            lines += _of_record(session, login, user, record)
        refused = people.refused_writes(session, login, what)
    if not (lines or candidates or refused):
        lines = [f"FlowFact has no address and no activity called {what!r}, and {login} no item and no refused write"]
    return Explanation(login, tuple(lines), tuple(candidates[:MOST]), len(candidates) > MOST, tuple(refused))


def _of_devices(session: Session, login: str, what: str) -> list[str]:
    """Explain the items that only devices have and whose name or subject has this part."""
    wanted = what.strip().casefold()
    lines = []
    for name in Name:
        if wanted and (collection := collections.find(session, login, name)) is not None:
            there = [item for item in items.noted(session, collection.id) if item.device_only]
            titles = people.device_only_titles(session, there)
            lines += [
                _of_device(titles[item.id], item) for item in there if wanted in titles.get(item.id, "").casefold()
            ]
    return lines


def _of_device(called: str, item: Item) -> str:
    there = "on his devices" if item.live else "no longer on his devices: he deleted it there"
    return f"{called} is device-only ({item.device_only}), {there}; FlowFact never saw it"


def _of_items(session: Session, login: str, user: User, what: str) -> list[str]:
    """Explain the items with this UID or href."""
    lines: list[str] = []
    for name in Name:
        collection = collections.find(session, login, name)
        if collection is None:
            continue
        item = items.by_uid(session, collection.id, what) or items.by_hrefs(session, collection.id, [what]).get(what)
        if item is not None and item.device_only:
            lines.append(_of_device(what, item))
        elif item is not None and item.key is not None:
            lines += _of_record(session, login, user, item.key)
    return lines


def _of_record(session: Session, login: str, user: User, record: RecordKey) -> list[str]:
    kept = [name for name in Name if (item := _item(session, login, name, record)) and item.live]
    if record not in find_records(session.connection, session.tables, record.dsn):
        lines = [f"{record} is gone from FlowFact"]
        return lines + [line for name in kept for line in _verdict(session, login, name, user, record)]
    facts = read_facts(session.connection, session.tables, record, user)
    names = _collections_of(facts)
    lines = [f"{record} is {facts.shown_as!r}"]
    if not names:
        lines.append(f"its kind {facts.kind!r} is neither an appointment's nor a task's (or it has no Vorlage)")
    for name in names:
        lines += _conditions(session, name, user, facts)
        lines += _verdict(session, login, name, user, record)
    for name in kept:
        if name not in names:
            lines += _verdict(session, login, name, user, record)
    return lines


def _remembered(session: Session, login: str, dsn: str) -> list[RecordKey]:
    """Return the records of this DSN that are gone from FlowFact, but that this login once had."""
    keys = [RecordKey(table, dsn) for table in Table]
    return [key for key in keys if any(_item(session, login, name, key) is not None for name in Name)]


def _item(session: Session, login: str, name: Name, record: RecordKey) -> Item | None:
    collection = collections.find(session, login, name)
    return items.by_record(session, collection.id, record_name(record.table, record.dsn)) if collection else None


def _collections_of(facts: Facts) -> list[Name]:
    if facts.record.table is Table.ADDRESS:
        return [Name.ADDRESSES]
    wanted = ((Name.APPOINTMENTS, facts.is_appointment), (Name.TASKS, facts.is_task))
    return [name for name, suits in wanted if suits]


def _conditions(session: Session, name: Name, user: User, facts: Facts) -> list[str]:
    """Return a sentence for each condition of scope, met or not."""
    lines = [_of_merkmale(session, name, user, facts)]
    if facts.appointments:
        seen = [dsn for dsn in facts.appointments if member_of(session, Name.APPOINTMENTS, user, dsn) is not None]
        lines.append(
            f"it is linked to his appointment {seen[0]}" if seen else "it is linked, but to none of his appointments"
        )
    if facts.archived:
        lines.append("it is archived: out of scope")
    if facts.right is Right.NONE:
        lines.append("its rights list does not let him read it: out of scope")
    elif facts.right is Right.READ:
        lines.append("its rights list lets him read it only: changes from the device are refused")
    days = session.settings.appointments.past_days
    open_task = name is Name.TASKS and not facts.done
    end = facts.due if name is Name.TASKS else facts.end
    if days >= 0 and end is not None and not open_task and end < session.now - timedelta(days=days):
        lines.append(f"it ended {end:%d.%m.%Y}, before the window of {days} days (past_days): out of scope")
    return lines


def _of_merkmale(session: Session, name: Name, user: User, facts: Facts) -> str:
    wanted = user.address_merkmale if name is Name.ADDRESSES else user.activity_merkmale
    known = read_merkmale(session.connection, session.tables)
    shared = sorted(known[key].name if key in known else key for key in wanted & facts.merkmale)
    if shared:
        return f"it carries his Merkmal {', '.join(shared)}"
    return f"it carries none of the Merkmale that his {name.value} sync"


def _verdict(session: Session, login: str, name: Name, user: User, record: RecordKey) -> list[str]:
    collection = collections.find(session, login, name)
    item = _item(session, login, name, record)
    in_scope = member_of(session, name, user, record.dsn) is not None
    lines = []
    if item is not None and item.hidden and in_scope:
        lines.append("he deleted it on his device: hidden until his own Merkmal is set again in FlowFact")
    if item is not None and item.live and not in_scope and collection is not None and collection.is_held:
        lines.append(f"the safety stop keeps it: radicale-flowfact confirm {login} lets it go")
    if item is not None and item.live and item.gone_by == Gone.LEAVING:
        lines.append("a device moved it there itself and shows it for a day more")
    if item is not None and item.fault:
        lines.append(_fault(item.fault))
    return [*lines, _conclusion(name, item)]


def _fault(fault: str) -> str:
    if fault.startswith(items.MENDED):
        return f"what the device sent was {fault}"
    return fault if fault.startswith(whole_texts.CUT) else f"it cannot be shown fully: {fault}"


def _conclusion(name: Name, item: Item | None) -> str:
    if item is not None and item.live:
        return f"so it is in his {name.value}, as {item.href}"
    return f"so it is not in his {name.value}"
