"""Reads the records of one user's collection and renders each as an item: a vCard, VEVENT or VTODO."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from radicale_flowfact import ical_map, vcard_map
from radicale_flowfact.content.contentlines import printable
from radicale_flowfact.content.time_ranges import EVER
from radicale_flowfact.crm import reads, scope
from radicale_flowfact.database.lengths import cut_to_units
from radicale_flowfact.dav.reading import whole_texts
from radicale_flowfact.dav.store.session import Name, Session
from radicale_flowfact.records import Activity, Address, Kind, Table, User, dsn_key

_RENDERER = 4  # increase it when the maps render differently, so that every item is rendered again
LONGEST_FAULT = 400  # UTF-16 units: what the column keeps
_LONGEST_NAME = 100
COMPONENTS = {Name.ADDRESSES: "VCARD", Name.APPOINTMENTS: "VEVENT", Name.TASKS: "VTODO"}

_SCOPES = {Name.ADDRESSES: scope.addresses, Name.APPOINTMENTS: scope.appointments, Name.TASKS: scope.tasks}

Record = Address | Activity
_RECORD_BYTES = 1500  # of a record's own objects, beside its texts


@dataclass(frozen=True, slots=True)
class Rendered:
    """FlowFact's version of an item; ``fault`` says why it is a minimal form, or what is cut, or is empty (rule 28).

    ``starts`` and ``ends`` are Unix seconds, between which a calendar-query may find it.
    """

    text: str
    component: str
    starts: int
    ends: int
    fault: str = ""


def etag_of(text: str) -> str:
    """Return the ETag of a served text, without quotes: 40 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def table_of(name: Name) -> Table:
    """Return the FlowFact table whose records the collection shows."""
    return Table.ADDRESS if name is Name.ADDRESSES else Table.ACTIVITY


def scope_of(session: Session, name: Name, user: User, only: str | None = None) -> scope.Scope:
    """Return the statement's source for what is in the user's collection now (rules 2 to 5).

    ``only`` narrows it down to one DSN.
    """
    return _SCOPES[name](session.tables, user, past_limit(session), only)


def scope_of_all_times(session: Session, name: Name, user: User) -> scope.Scope:
    """Return the same without the window of the past (rule 4)."""
    return _SCOPES[name](session.tables, user, None, None)


def past_limit(session: Session) -> datetime | None:
    """Return the office's local time before which ended entries are not shown (rule 4); None: no limit."""
    days = session.settings.appointments.past_days
    return None if days < 0 else session.now - timedelta(days=days)


def basis(session: Session, name: Name, user: User) -> str:
    """Return a digest of the settings and of the renderer's version that items are made with.

    If it differs from the collection's, all items are rendered again.
    """
    settings = session.settings
    parts: list[object] = [_RENDERER, settings.timezone, dsn_key(user.dsn)]
    if name is Name.ADDRESSES:
        parts.append(settings.addresses.phone_slots)
    else:
        parts += [settings.appointments.subject, settings.appointments.location]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:40]


def read(session: Session, name: Name, user: User, dsns: Iterable[str]) -> Mapping[str, Record]:
    """Return the records with these DSNs by ``dsn_key``, with what the user may read; missing ones are left out."""
    if name is Name.ADDRESSES:
        return reads.read_addresses(session.connection, session.tables, dsns)
    return reads.read_activities(session.connection, session.tables, dsns, user)


def render(session: Session, name: Name, record: Record, uid: str, sidecar: Sequence[str]) -> Rendered:
    """Render one record with the lines that are kept of it (``sidecar``). Never raises.

    A record that cannot be rendered gets a minimal form and a fault (rule 28). A text that FlowFact holds only the
    beginning of is rendered whole. The result is cached, since several users may see the same record.
    """
    key = (name, record, uid, tuple(sidecar))
    cached = session.stats.renderings.get(key)
    if isinstance(cached, Rendered):
        return cached
    session.stats.rendered += 1
    whole, warning = whole_texts.restored(record, sidecar)
    try:
        rendered = _render(session, name, whole, uid, sidecar)
    except Exception as error:
        rendered = _minimal(session, name, record, uid, printable(f"{type(error).__name__}: {error}"))
    if record.fault or warning:
        faults = (warning, record.fault, rendered.fault)
        rendered = replace(rendered, fault="; ".join(fault for fault in faults if fault))
    rendered = replace(rendered, fault=cut_to_units(rendered.fault, LONGEST_FAULT))
    session.stats.renderings.keep(key, rendered, _size(rendered, sidecar))
    return rendered


def _size(rendered: Rendered, sidecar: Sequence[str]) -> int:
    """Return roughly how many bytes a rendering and its key take."""
    return 2 * sys.getsizeof(rendered.text) + sum(map(sys.getsizeof, sidecar)) + _RECORD_BYTES


def style(session: Session) -> ical_map.Style:
    """Return how calendar items are rendered with these settings: zone, subject template, location."""
    appointments = session.settings.appointments
    return ical_map.Style(session.settings.zone, appointments.subject, tells_place=appointments.location == "address")


def _render(session: Session, name: Name, record: Record, uid: str, sidecar: Sequence[str]) -> Rendered:
    if isinstance(record, Address):
        text = vcard_map.render(record, uid, sidecar, session.settings.addresses.phone_slots)
        return Rendered(text, "VCARD", *EVER, vcard_map.warning(record))
    component = COMPONENTS[name]
    text = ical_map.render(record, component, uid, sidecar, style(session))
    return Rendered(text, component, *ical_map.time_range(record, component, session.settings.zone, sidecar))


def _minimal(session: Session, name: Name, record: Record, uid: str, fault: str) -> Rendered:
    """Return the record without what cannot be rendered; if that fails, too, UID and a name (rule 28)."""
    component = COMPONENTS[name]
    try:
        text = _minimal_text(session, name, record, uid)
    except Exception as error:
        text = _minimal_text(session, name, _name_alone(record), uid)
        fault = printable(f"{fault}; {type(error).__name__}: {error}")
    return Rendered(text, component, *EVER, fault)


def _minimal_text(session: Session, name: Name, record: Record, uid: str) -> str:
    if isinstance(record, Address):
        return vcard_map.minimal(record, uid, session.settings.addresses.phone_slots)
    return ical_map.minimal(record, COMPONENTS[name], uid, style(session))


def _name_alone(record: Record) -> Record:
    """Return a record with nothing but a name, which always can be rendered."""
    if isinstance(record, Address):
        return Address(record.dsn, family_name=_name_in(record.family_name, record.company, record.identifier))
    return Activity(record.dsn, Kind("", ""), subject=_name_in(record.subject))


def _name_in(*texts: object) -> str:
    words = (" ".join(printable(str(text)).split()) for text in texts if text)
    return next((text for text in words if text), "?")[:_LONGEST_NAME]
