"""Reads the records of one user's collection and renders each as an item."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from radicale_flowfact import ical_map, vcard_map
from radicale_flowfact.crm import reads, scope
from radicale_flowfact.dav.session import Name, Session
from radicale_flowfact.records import Activity, Address, Table, User, dsn_key
from radicale_flowfact.timezones import EVER

_RENDERER = 3  # raise it when the maps render differently, so that every item is looked at again
COMPONENTS = {Name.ADDRESSES: "VCARD", Name.APPOINTMENTS: "VEVENT", Name.TASKS: "VTODO"}

Record = Address | Activity


@dataclass(frozen=True, slots=True)
class Rendered:
    """An item as FlowFact's version has it. ``fault`` says why it is only a minimal form, or is empty (rule 28)."""

    text: str
    component: str
    starts: int
    ends: int
    fault: str = ""


def etag_of(text: str) -> str:
    """Return the ETag, without quotes, of a text as it is served."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def table_of(name: Name) -> Table:
    """Return the table whose records the collection shows."""
    return Table.ADDRESS if name is Name.ADDRESSES else Table.ACTIVITY


def scope_of(session: Session, name: Name, user: User, only: str | None = None) -> scope.Scope:
    """Return what is in the user's collection now (rules 2 to 5); ``only`` narrows it down to one DSN."""
    build = {Name.ADDRESSES: scope.addresses, Name.APPOINTMENTS: scope.appointments, Name.TASKS: scope.tasks}
    days = session.settings.appointments.past_days
    limit = None if days < 0 else session.now - timedelta(days=days)
    return build[name](session.tables, user, limit, only)


def basis(session: Session, name: Name, user: User) -> str:
    """Return what beside FlowFact's rows decides how items look; when it changes, all are rendered again."""
    settings = session.settings
    parts: list[object] = [_RENDERER, settings.timezone, dsn_key(user.dsn)]
    if name is Name.ADDRESSES:
        parts.append(settings.addresses.phone_slots)
    else:
        parts.append(settings.appointments.subject)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:40]


def read(session: Session, name: Name, user: User, dsns: Iterable[str]) -> Mapping[str, Record]:
    """Return the records with these DSNs, by ``dsn_key``, as the user may see them."""
    if name is Name.ADDRESSES:
        return reads.read_addresses(session.connection, session.tables, dsns)
    return reads.read_activities(session.connection, session.tables, dsns, user)


def render(session: Session, name: Name, record: Record, uid: str, sidecar: Sequence[str]) -> Rendered:
    """Render one record; a record that cannot be rendered gets a minimal form and a fault (rule 28).

    The same record, as another user has it, is not rendered again.
    """
    key = (name, record, uid, tuple(sidecar))
    known = session.stats.renderings.get(key)
    if isinstance(known, Rendered):
        return known
    session.stats.rendered += 1
    try:
        made = _render(session, name, record, uid, sidecar)
    except Exception as error:
        made = _minimal(session, name, record, uid, f"{type(error).__name__}: {error}"[:400])
    session.stats.renderings.keep(key, made)
    return made


def style(session: Session) -> ical_map.Style:
    """Return how calendar items look here."""
    return ical_map.Style(session.settings.zone, session.settings.appointments.subject)


def _render(session: Session, name: Name, record: Record, uid: str, sidecar: Sequence[str]) -> Rendered:
    if isinstance(record, Address):
        text = vcard_map.render(record, uid, sidecar, session.settings.addresses.phone_slots)
        return Rendered(text, "VCARD", *EVER, vcard_map.oddity(record))
    component = COMPONENTS[name]
    text = ical_map.render(record, component, uid, sidecar, style(session))
    return Rendered(text, component, *ical_map.time_range(record, component, session.settings.zone, sidecar))


def _minimal(session: Session, name: Name, record: Record, uid: str, fault: str) -> Rendered:
    if isinstance(record, Address):
        return Rendered(vcard_map.minimal(record, uid, session.settings.addresses.phone_slots), "VCARD", *EVER, fault)
    component = COMPONENTS[name]
    return Rendered(ical_map.minimal(record, component, uid, style(session)), component, *EVER, fault)
