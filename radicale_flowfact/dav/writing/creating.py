"""Plans a new FlowFact record for what was made on a device (rules 12, 14, 18, 21)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from radicale_flowfact.actions import AddMerkmal, CreateRecord, CrmAction, RightsEntry, SetRights
from radicale_flowfact.crm import reads, writes
from radicale_flowfact.dav import edits, rendering
from radicale_flowfact.dav.payload import Parsed
from radicale_flowfact.dav.request import RefusedError
from radicale_flowfact.dav.session import Name, Session
from radicale_flowfact.ical_reading import Entry
from radicale_flowfact.records import Kind, RecordKey, Right, Table, User, dsn_key
from radicale_flowfact.vcard_map import Card


@dataclass(frozen=True, slots=True)
class Creation:
    """The actions that make a record, and the sidecar of its item."""

    record: RecordKey
    actions: tuple[CrmAction, ...]
    sidecar: tuple[str, ...]


def plan(session: Session, name: Name, user: User, sent: Parsed) -> Creation:
    """Plan a record with the user's own Merkmal. Raises RefusedError when no kind is preset (rule 21)."""
    require_scope(name, user)
    made = _address(session, sent) if isinstance(sent, Card) else _activity(session, name, user, sent)
    tag = AddMerkmal(made.record, user.own_merkmal or "")
    rights = _sole_rights(made.record, user) if sent.private else ()
    return Creation(made.record, (*made.actions, tag, *rights), made.sidecar)


def require_scope(name: Name, user: User) -> None:
    """Refuse what would vanish from the device at once: a Merkmal that his activities do not sync."""
    if name is not Name.ADDRESSES and dsn_key(user.own_merkmal or "") not in user.activity_merkmale:
        raise RefusedError(
            "your own Merkmal is not among the Merkmale your activities sync; "
            "the admin adds it in FlowFact's user settings (Vorlage)"
        )


def _address(session: Session, sent: Card) -> Creation:
    record = RecordKey(Table.ADDRESS, _new_dsn())
    identifier = writes.unique_identifier(session.connection, session.tables, edits.identifier_of(sent))
    phones, extra = edits.new_phones(record, sent, session.settings.addresses.phone_slots)
    create = CreateRecord(record, (("identifier", identifier), *edits.new_address_values(sent)))
    return Creation(record, (create, *phones), (*sent.sidecar, *extra))


def _activity(session: Session, name: Name, user: User, sent: Entry) -> Creation:
    record = RecordKey(Table.ACTIVITY, _new_dsn())
    kind = _kind(session, name, user)
    values = edits.new_activity_values(sent, kind.dsn, kind.name, rendering.style(session), session.now)
    return Creation(record, (CreateRecord(record, values),), edits.new_activity_sidecar(sent, values))


def _kind(session: Session, name: Name, user: User) -> Kind:
    """Return the user's preset kind, else the settings' one."""
    appointment = name is Name.APPOINTMENTS
    preset = user.appointment_kind if appointment else user.task_kind
    fallback = session.settings.appointments.kind if appointment else session.settings.tasks.kind
    for wanted in (preset, fallback):
        kind = reads.find_kind(session.connection, session.tables, wanted, appointment=appointment) if wanted else None
        if kind is not None:
            return kind
    what = "appointments" if appointment else "tasks"
    raise RefusedError(
        f"FlowFact has no kind for new {what}: neither a preset (Vorbelegung) of the user nor one named {fallback!r}"
    )


def _sole_rights(record: RecordKey, user: User) -> tuple[SetRights, ...]:
    return (SetRights(record, (), (RightsEntry(user.dsn, None, Right.FULL),)),)


def _new_dsn() -> str:
    return str(uuid.uuid4()).upper()
