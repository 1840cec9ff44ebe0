"""Carries out PUT and DELETE of one item, in the caller's transaction.

The collection is locked and the item compared with FlowFact before. What a PUT changes is decided by ``edits``. All
functions that raise RefusedError leave the rollback to the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.exc import IntegrityError

from radicale_flowfact.actions import (
    Action,
    AddMerkmal,
    CrmAction,
    DropFromDevice,
    Hide,
    KeepOnDevice,
    KeepSidecar,
    RemoveMerkmal,
    Show,
)
from radicale_flowfact.content.contentlines import PayloadError
from radicale_flowfact.crm import reads, writes
from radicale_flowfact.crm.scope import Member
from radicale_flowfact.crm.sums import NOTHING
from radicale_flowfact.database.lengths import cut_to_units
from radicale_flowfact.dav.reading import departures, rendering, whole_texts
from radicale_flowfact.dav.reading.refresh import member_of
from radicale_flowfact.dav.reading.rendering import Record, etag_of
from radicale_flowfact.dav.store import history, items, versions
from radicale_flowfact.dav.store.collections import Collection
from radicale_flowfact.dav.store.devices import Device, Evidence
from radicale_flowfact.dav.store.history import Event
from radicale_flowfact.dav.store.items import Gone, Item, device_name
from radicale_flowfact.dav.store.journal import Entry as JournalEntry
from radicale_flowfact.dav.store.request import RefusedError, Request, unreadable
from radicale_flowfact.dav.store.session import Name, Session
from radicale_flowfact.dav.writing import creating, edits, identity, last_seen, lost, taken_off
from radicale_flowfact.dav.writing.edits import Seen
from radicale_flowfact.dav.writing.payload import Parsed, Payload, same_meaning, time_range
from radicale_flowfact.ical_map import Entry
from radicale_flowfact.records import Activity, Address, Kind, RecordKey, Right, User, dsn_key
from radicale_flowfact.settings import Settings
from radicale_flowfact.vcard_map import Card

_MOST_KEPT = 20_000_000  # characters of an item, with the lines that devices added
_TRIES = 8  # each with another Kennung


@dataclass(frozen=True, slots=True)
class Write:
    """One write to one locked collection, by one user through one device."""

    session: Session
    collection: Collection
    user: User
    request: Request
    device: Device
    evidence: Callable[[int], Evidence] = lambda item: Evidence({}, (), shared=False)
    """Returns what is known of the device and an item, by its id (rule 43)."""

    @property
    def name(self) -> Name:
        """The collection: addresses, appointments or tasks."""
        return self.collection.name

    @property
    def stamp(self) -> writes.Stamp:
        """User and office time for FlowFact's columns of who changed a record and when."""
        return writes.Stamp(self.user.dsn, self.session.now)


def put(write: Write, here: Item | None, payload: Payload) -> tuple[Item, bool]:
    """Store what a device sent (rules 6 to 28); return its item, and whether the text as sent is served.

    The item has ETag and journal number of the text as sent. ``here`` is what the href named before, live or not.

    Raises RefusedError: writing is off, rights, or no record can be made of it (403); the UID or href belongs to
    another item, or the text cannot be kept (409); FlowFact changed the record or took it off (412); the safety stop
    holds it (503).
    """
    session = write.session
    require_writing(session.settings)
    item = identity.target(session, write.collection, here, payload.uid)
    if item is not here:
        taken_off.require_own(session, write.name, write.user, item)
    _require_not_held(write, item)
    record = _record_behind(write, item)
    reason = _stays_on_device(write, payload, has_record=record is not None)
    if reason:
        return _keep_on_device(write, item, payload, reason)
    if item is not None and record is not None:
        return _update(write, item, record, payload)
    creation = _create(write, payload, is_known=item is not None)
    if item is None and not creation.actions:
        item = items.by_record(
            session, write.collection.id, items.record_name(creation.record.table, creation.record.dsn)
        )
        item = replace(item, uid=payload.uid) if item is not None else None
    new = item or identity.new_item(write.collection, payload.href, payload.uid)
    new = replace(new, record=items.record_name(creation.record.table, creation.record.dsn), dsn=creation.record.dsn)
    return _finish(write, item, new, payload, creation.actions, creation.sidecar)


def delete(write: Write, item: Item) -> None:
    """Remove an item from this user's devices; of its record, only the own Merkmal goes (rules 13, 19).

    A record that is still in scope (another Merkmal, a linked appointment) is hidden. A device-only item is deleted;
    its text stays in the history (rule 25). Raises RefusedError: writing is off, or rights (403); changed meanwhile
    (412); held by the safety stop (503).
    """
    require_writing(write.session.settings)
    _require_not_held(write, item)
    session, key = write.session, item.key
    if key is None or not reads.record_exists(session.connection, session.tables, key):
        text = versions.texts(session, [(item.id, item.etag)]).get((item.id, item.etag), "")
        _remove(write, item, None, (DropFromDevice(),), body=text)
        return
    _require_right(write, key, reads.sender_of(session.connection, session.tables, key))
    actions: list[Action] = []
    own = write.user.own_merkmal or ""
    if dsn_key(own) in reads.merkmale_of(session.connection, session.tables, key):
        actions.append(RemoveMerkmal(key, own))
    _carry_out(write, actions)
    member = member_of(session, write.name, write.user, key.dsn)
    if member is not None:
        actions.append(Hide())
    _remove(write, item, member, tuple(actions))


def require_writing(settings: Settings) -> None:
    """Raise RefusedError (403) unless ``write = true`` in the settings (rule 31)."""
    if not settings.write:
        raise RefusedError("changes from devices are switched off; the admin sets write = true in flowfact.toml")


def _require_not_held(write: Write, item: Item | None) -> None:
    """Raise RefusedError (503) for an item that only the safety stop keeps: its record may come back (rule 30)."""
    if item is None or not item.live or item.dsn is None or not write.collection.is_held:
        return
    if member_of(write.session, write.name, write.user, item.dsn) is None:
        raise RefusedError("FlowFact lost too much at once, so this item is held until the admin looked at it", 503)


def _require_right(write: Write, record: RecordKey, sender: str | None) -> None:
    """Raise RefusedError (403) for a user who may not change the record (rules 5 and 23).

    ``sender``: the DSN of the sender of an internal mail, or None.
    """
    session = write.session
    right = reads.right_of(session.connection, session.tables, record, write.user)
    if right is not Right.FULL:
        raise RefusedError("you may read this record in FlowFact but not change it", 403, "D:need-privileges")
    if sender and dsn_key(sender) != dsn_key(write.user.dsn):
        raise RefusedError("an internal mail may be changed only by its sender", 403, "D:need-privileges")


def _record_behind(write: Write, item: Item | None) -> Record | None:
    if item is None or item.dsn is None:
        return None
    return rendering.read(write.session, write.name, write.user, [item.dsn]).get(dsn_key(item.dsn))


def _stays_on_device(write: Write, payload: Payload, *, has_record: bool) -> str:
    """Return why the item becomes no FlowFact record (rules 12, 18, 25), or empty.

    Raises RefusedError (403) if it has a record already.
    """
    reason = payload.keeps_on_device
    if reason and has_record:
        raise RefusedError(f"FlowFact cannot keep this as {reason}; make a new one on the device instead")
    settings = write.session.settings
    policy = settings.addresses.private if write.name is Name.ADDRESSES else settings.appointments.private
    if not reason and payload.parsed.private and policy == "device" and not has_record:
        return "private"
    return reason


def _keep_on_device(write: Write, item: Item | None, payload: Payload, reason: str) -> tuple[Item, bool]:
    before = item or identity.new_item(write.collection, payload.href, payload.uid)
    starts, ends = time_range(write.session.settings, payload)
    kept = replace(
        before,
        record=device_name(payload.uid),
        dsn=None,
        hidden=False,
        sums="",
        component=payload.component,
        starts=starts,
        ends=ends,
        device_only=reason,
        fault=_mended(payload),
    )
    return _store(write, item, kept, payload, etag_of(payload.text), (KeepOnDevice(reason),), ())


def _mended(payload: Payload) -> str:
    return cut_to_units(f"{items.MENDED}{payload.salvaged}", rendering.LONGEST_FAULT) if payload.salvaged else ""


def _update(write: Write, item: Item, record: Record, payload: Payload) -> tuple[Item, bool]:
    """Write what the device changed to the record; set the own Merkmal again if it was deleted (rule 15)."""
    session = write.session
    _require_right(write, record.key, record.sender if isinstance(record, Activity) else None)
    if write.request.names_version:
        sidecar, seen = last_seen.named(session, write.name, item, payload)
    else:
        identity_, evidence = write.device.identity, write.evidence(item.id)
        sidecar, seen = last_seen.possible(session, write.name, item, payload, identity_, evidence)
    whole, _ = whole_texts.restored(record, sidecar)
    edit = _edit(write, seen, whole, sidecar)
    edit = edits.Edit(*whole_texts.cut(session.tables, record, edit.actions, edit.sidecar))
    actions: list[Action] = list(edit.actions)
    if not item.live:
        own = write.user.own_merkmal or ""
        if member_of(session, write.name, write.user, record.dsn) is None:
            creating.require_scope(write.name, write.user)
        if dsn_key(own) not in reads.merkmale_of(session.connection, session.tables, record.key):
            actions.append(AddMerkmal(record.key, own))
    if item.hidden:
        actions.append(Show())
    _carry_out(write, actions, record)
    if edit.sidecar != sidecar:
        actions.append(KeepSidecar(sidecar, edit.sidecar))
    return _finish(write, item, item, payload, tuple(actions), edit.sidecar)


def _create(write: Write, payload: Payload, *, is_known: bool) -> creating.Creation:
    """Create a record; if a unique index of FlowFact's refuses the Kennung, try another one (rule 14).

    Without actions, the record exists already, and only its item was lost. ``is_known``: the item is there.
    """
    session = write.session
    refused: list[str] = []
    while True:
        creation = creating.plan(session, write.name, write.user, payload.parsed, refused)
        there = None if is_known else lost.record_of(session, write.collection, write.user, creation)
        if there is not None:
            return replace(creation, record=there, actions=())
        if not creation.identifier:
            _carry_out(write, creation.actions)
            return creation
        try:
            with session.connection.begin_nested():
                _carry_out(write, creation.actions)
            return creation
        except IntegrityError:
            refused.append(creation.identifier)
            if len(refused) == _TRIES:
                raise


def _edit(write: Write, seen: Seen[Parsed], record: Record, sidecar: Sequence[str]) -> edits.Edit:
    session = write.session
    if isinstance(record, Address):
        return edits.edit_address(seen.of(Card), record, sidecar, session.settings.addresses.phone_slots)
    entries, style = seen.of(Entry), rendering.style(session)
    kinds: Sequence[Kind] = ()
    if edits.may_name_kind(entries, style.subject):
        kinds = reads.kinds(session.connection, session.tables, appointment=write.name is Name.APPOINTMENTS)
    return edits.edit_activity(entries, record, sidecar, style, session.now, kinds)


def _carry_out(write: Write, actions: Iterable[Action], record: Record | None = None) -> None:
    """Have ``crm`` carry out the actions on FlowFact; what it refuses becomes a RefusedError (412 or 403)."""
    session = write.session
    ours = [action for action in actions if isinstance(action, CrmAction)]
    touches = {record.key: record.touch} if record is not None else {}
    try:
        writes.carry_out(session.connection, session.tables, ours, write.stamp, touches)
    except writes.StaleError as error:
        raise RefusedError(f"{error}; fetch it again", 412) from error
    except writes.UnwritableError as error:
        raise RefusedError(str(error)) from error


def _finish(
    write: Write,
    before: Item | None,
    item: Item,
    payload: Payload,
    actions: tuple[Action, ...],
    sidecar: tuple[str, ...],
) -> tuple[Item, bool]:
    """Render what FlowFact has now; serve the device's own text as long as both mean the same (rule 8)."""
    session, name = write.session, write.name
    member = member_of(session, name, write.user, item.dsn or "")
    bucket, sums = member.share if member else NOTHING
    record = rendering.read(session, name, write.user, [item.dsn or ""])[dsn_key(item.dsn or "")]
    rendered = rendering.render(session, name, record, item.uid, sidecar)
    canonical = etag_of(rendered.text)
    if len(rendered.text) > _MOST_KEPT:
        raise unreadable(
            name, f"has {len(rendered.text)} characters with what is kept of it, {_MOST_KEPT} are the most"
        )
    try:
        same = payload.is_sound and same_meaning(session.settings, name, payload.text, rendered.text, payload.parsed)
    except PayloadError as error:
        raise unreadable(name, f"cannot be kept beside what is known of it: {error}") from error
    written = replace(
        item,
        hidden=False,
        sums=str(sums),
        bucket=bucket,
        rendered=canonical,
        component=rendered.component,
        starts=rendered.starts,
        ends=rendered.ends,
        device_only="",
        fault=rendered.fault or _mended(payload),
    )
    served = etag_of(payload.text) if same else canonical
    texts = () if same else ((canonical, rendered.text),)
    return _store(write, before, written, payload, served, actions, texts, sidecar)


def _store(
    write: Write,
    before: Item | None,
    item: Item,
    payload: Payload,
    served: str,
    actions: tuple[Action, ...],
    texts: Sequence[tuple[str, str]],
    sidecar: tuple[str, ...] = (),
) -> tuple[Item, bool]:
    """Journal the item, store its versions and the history; return what ``put`` returns."""
    session = write.session
    sent = etag_of(payload.text)
    entry = JournalEntry(session, write.collection)
    if before is None:
        item = replace(item, id=entry.new_id())
    is_leaving = (
        item.dsn is not None
        and not item.in_scope
        and bool(departures.would_be_shown(session, write.name, write.user, [item.dsn]))
    )
    stored = replace(item, live=True, gone_by=Gone.LEAVING if is_leaving else "", etag=served, href=payload.href)
    sent_number = entry.number + 1
    for etag, text in ((sent, payload.text), *texts):  # two versions, so each has a number of its own
        stored = entry.announced(stored)
        entry.keep(stored, etag, text, write.device.identity)
        if etag == served:
            entry.serve(stored, etag, text)
    if before is None:
        entry.add(stored, sidecar)
    else:
        entry.change(stored, sidecar)
        if before.href != stored.href:
            old = identity.tombstone(before, entry.new_id())
            entry.add(entry.departed(old, Gone.USER) if before.live else old)
    entry.write({"sums": write.collection.sums.exchanged(before.share if before else NOTHING, stored.share)})
    _remember(write, stored, "put", actions)
    return replace(stored, etag=sent, number=sent_number), served == sent


def _remove(write: Write, item: Item, member: Member | None, actions: tuple[Action, ...], body: str = "") -> None:
    """Journal that the item is gone; ``member``: its record if that is still in scope, so that it is hidden."""
    entry = JournalEntry(write.session, write.collection)
    gone = replace(entry.departed(item, Gone.USER), hidden=member is not None)
    if member is not None:
        gone = replace(gone, sums=str(member.sums), bucket=member.bucket)
    entry.change(gone)
    entry.write({"sums": write.collection.sums.exchanged(item.share, gone.share)})
    _remember(write, item, "delete", actions, body)


def _remember(write: Write, item: Item, what: str, actions: tuple[Action, ...], body: str = "") -> None:
    record = item.record if item.dsn else ""
    agent, login = write.request.agent, write.collection.login
    history.record(
        write.session, Event(login, agent, write.name.value, item.href, what, record, actions=actions, body=body)
    )
