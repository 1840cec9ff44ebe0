"""Plans a new FlowFact record for an item made on a device (rules 12, 14, 18, 21)."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass, replace

from radicale_flowfact import ical_map
from radicale_flowfact.actions import AddMerkmal, CreateRecord, CrmAction, RightsEntry, SetRights
from radicale_flowfact.crm import reads, writes
from radicale_flowfact.dav.reading import whole_texts
from radicale_flowfact.dav.store import locks
from radicale_flowfact.dav.store.locks import Lock
from radicale_flowfact.dav.store.request import RefusedError
from radicale_flowfact.dav.store.session import Name, Session
from radicale_flowfact.dav.writing import edits
from radicale_flowfact.dav.writing.payload import Parsed
from radicale_flowfact.ical_map import Entry
from radicale_flowfact.records import Kind, RecordKey, Right, Table, User, dsn_key
from radicale_flowfact.vcard_map import Card


@dataclass(frozen=True, slots=True)
class Creation:
    """The actions that create a record, the sidecar of its item, and an address's Kennung (else empty).

    ``taken``: the Kennung that was wished for, if another address has it, or empty.
    """

    record: RecordKey
    actions: tuple[CrmAction, ...]
    sidecar: tuple[str, ...]
    identifier: str = ""
    taken: str = ""


def plan(session: Session, name: Name, user: User, sent: Parsed, refused: Collection[str] = ()) -> Creation:
    """Plan a record with the user's own Merkmal, and sole rights if it is private (rules 12, 14, 18, 21).

    The Kennung of a new address is reserved until the transaction ends; ``refused`` are those that an index of
    FlowFact's did not accept. Raises RefusedError (403) if no kind is preset, or the own Merkmal is not synced.
    """
    require_scope(name, user)
    made = _address(session, sent, refused) if isinstance(sent, Card) else _activity(session, name, user, sent)
    tag = AddMerkmal(made.record, user.own_merkmal or "")
    rights = _sole_rights(made.record, user) if sent.private else ()
    actions, sidecar = whole_texts.cut(session.tables, None, (*made.actions, tag, *rights), made.sidecar)
    return replace(made, actions=actions, sidecar=sidecar)


def require_scope(name: Name, user: User) -> None:
    """Raise RefusedError (403) if what is made here would leave the device at once.

    That is so where the user's own Merkmal is not among those that his activities sync.
    """
    if name is not Name.ADDRESSES and dsn_key(user.own_merkmal or "") not in user.activity_merkmale:
        raise RefusedError(
            "your own Merkmal is not among the Merkmale your activities sync; "
            "the admin adds it in FlowFact's user settings (Vorlage)"
        )


def _address(session: Session, sent: Card, refused: Collection[str]) -> Creation:
    record = RecordKey(Table.ADDRESS, _new_dsn())
    locks.hold(session, Lock.IDENTIFIER)
    wished = edits.identifier_of(sent)
    identifier = writes.unique_identifier(session.connection, session.tables, wished, refused)
    base = writes.wished_identifier(session.tables, wished)
    phones, extra = edits.new_phones(record, sent, session.settings.addresses.phone_slots)
    create = CreateRecord(record, (("identifier", identifier), *edits.new_address_values(sent)))
    return Creation(record, (create, *phones), (*sent.sidecar, *extra), identifier, base if identifier != base else "")


def _activity(session: Session, name: Name, user: User, sent: Entry) -> Creation:
    record = RecordKey(Table.ACTIVITY, _new_dsn())
    kind, subject = _kind(session, name, user, sent.fields.summary)
    values = edits.new_activity_values(sent, kind.dsn, subject, session.settings.zone, session.now)
    return Creation(record, (CreateRecord(record, values),), edits.new_activity_sidecar(sent, values))


def _kind(session: Session, name: Name, user: User, summary: str) -> tuple[Kind, str]:
    """Return the kind that the title names, else the user's preset one, else the settings'; and the subject."""
    appointment = name is Name.APPOINTMENTS
    template = session.settings.appointments.subject
    known = reads.kinds(session.connection, session.tables, appointment=appointment)
    preset = user.appointment_kind if appointment else user.task_kind
    fallback = session.settings.appointments.kind if appointment else session.settings.tasks.kind
    found = None
    for wanted in (preset, fallback):
        found = found or (reads.find_kind(known, wanted) if wanted else None)
    titled = ical_map.titled_kind(summary, edits.choosable(known, found), template, found)
    if titled is not None:
        return titled
    if found is not None:
        return found, ical_map.subject_of(summary, found.name, template)
    what = "appointments" if appointment else "tasks"
    raise RefusedError(
        f"FlowFact has no kind for new {what}: neither a preset (Vorbelegung) of the user nor one named {fallback!r}"
    )


def _sole_rights(record: RecordKey, user: User) -> tuple[SetRights, ...]:
    return (SetRights(record, (), (RightsEntry(user.dsn, None, Right.FULL),)),)


def _new_dsn() -> str:
    return str(uuid.uuid4()).upper()
