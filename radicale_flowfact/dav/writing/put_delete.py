"""Carries out what a device wants: PUT and DELETE of one item, in the caller's transaction.

The collection is locked and the item brought up to date before; what a PUT changes is decided by ``edits``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

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
from radicale_flowfact.crm import reads, writes
from radicale_flowfact.crm.scope import Member
from radicale_flowfact.crm.sums import NOTHING
from radicale_flowfact.dav import creating, edits, history, identity, items, rendering
from radicale_flowfact.dav.collections import Collection
from radicale_flowfact.dav.history import Event
from radicale_flowfact.dav.items import Item, device_name
from radicale_flowfact.dav.journal import Entry as JournalEntry
from radicale_flowfact.dav.payload import Parsed, Payload, parse, parse_base, same_meaning, time_range
from radicale_flowfact.dav.refresh import member_of
from radicale_flowfact.dav.rendering import Record, etag_of
from radicale_flowfact.dav.request import RefusedError, Request
from radicale_flowfact.dav.session import Name, Session
from radicale_flowfact.ical_reading import Entry
from radicale_flowfact.records import Activity, Address, RecordKey, Right, User, dsn_key
from radicale_flowfact.settings import Settings
from radicale_flowfact.vcard_map import Card


@dataclass(frozen=True, slots=True)
class Write:
    """One write to one locked collection, by one user through one device."""

    session: Session
    collection: Collection
    user: User
    request: Request
    last_seen: Callable[[int], str | None]
    """The ETag of the newest version of an item, by its id, that the device fetched; None if that is not known."""

    @property
    def name(self) -> Name:
        """Which of the three collections it is."""
        return self.collection.name

    @property
    def stamp(self) -> writes.Stamp:
        """Who and when, for FlowFact's TOUCH columns."""
        return writes.Stamp(self.user.dsn, self.session.now)


def put(write: Write, here: Item | None, payload: Payload) -> tuple[Item, bool]:
    """Store what a device sent; return its item with the ETag of the text as sent, and whether that is served.

    ``here`` is what the href named before, live or not.

    Raises RefusedError; the caller then rolls back.
    """
    require_writing(write.session.settings)
    item = identity.target(write.session, write.collection, here, payload.uid)
    _require_not_held(write, item)
    record = _record_behind(write, item)
    reason = _stays_on_device(write, payload, has_record=record is not None)
    if reason:
        return _keep_on_device(write, item, payload, reason)
    if item is not None and record is not None:
        return _update(write, item, record, payload)
    made = creating.plan(write.session, write.name, write.user, payload.parsed)
    _carry_out(write, made.actions)
    new = item or identity.new_item(write.collection, payload.href, payload.uid)
    new = replace(new, record=items.record_name(made.record.table, made.record.dsn), dsn=made.record.dsn)
    return _finish(write, item, new, payload, made.actions, made.sidecar)


def delete(write: Write, item: Item) -> None:
    """Take an item off this user's devices; of its record, only the own Merkmal goes (rules 13, 19).

    Raises RefusedError; the caller then rolls back.
    """
    require_writing(write.session.settings)
    _require_not_held(write, item)
    session, key = write.session, item.key
    if key is None or not reads.record_exists(session.connection, session.tables, key):
        text = items.texts(session, [(item.id, item.etag)]).get((item.id, item.etag), "")
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
    """Refuse every change while the admin has not turned writing on (rule 31)."""
    if not settings.write:
        raise RefusedError("changes from devices are switched off; the admin sets write = true in flowfact.toml")


def _require_not_held(write: Write, item: Item | None) -> None:
    """Refuse to write to what only the safety stop keeps on the devices: its record may come back (rule 30)."""
    if item is None or not item.live or item.dsn is None or not write.collection.is_held:
        return
    if member_of(write.session, write.name, write.user, item.dsn) is None:
        raise RefusedError("FlowFact lost too much at once, so this item is held until the admin looked at it", 503)


def _require_right(write: Write, record: RecordKey, sender: str | None) -> None:
    """Refuse a user who may not change the record; ``sender``: whose internal mail it is, if any (rules 5, 23)."""
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
    """Return why the item becomes no FlowFact record (rules 12, 18, 25), or empty."""
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
    )
    return _store(write, item, kept, payload, etag_of(payload.text), (KeepOnDevice(reason),), ())


def _update(write: Write, item: Item, record: Record, payload: Payload) -> tuple[Item, bool]:
    """Carry what the device changed over to the record; put the own Merkmal back if it was deleted (rule 15)."""
    session = write.session
    _require_right(write, record.key, record.sender if isinstance(record, Activity) else None)
    # The version that this device last saw: the one If-Match named, else the newest it fetched (rule 26).
    etag = item.etag if write.request.if_match else write.last_seen(item.id) or item.etag
    sidecar, seen = items.seen_at(session, item.id, etag)
    base = parse_base(session.settings, write.name, seen, payload.parsed, sidecar)
    sent = parse(session.settings, write.name, payload.text, base)
    edit = _edit(session, base, sent, record, sidecar)
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


def _edit(session: Session, base: Parsed, sent: Parsed, record: Record, sidecar: Sequence[str]) -> edits.Edit:
    if isinstance(record, Address) and isinstance(base, Card) and isinstance(sent, Card):
        return edits.edit_address(base, sent, record, sidecar, session.settings.addresses.phone_slots)
    assert isinstance(record, Activity) and isinstance(base, Entry) and isinstance(sent, Entry)  # noqa: S101,PT018
    return edits.edit_activity(base, sent, record, sidecar, rendering.style(session), session.now)


def _carry_out(write: Write, actions: Iterable[Action], record: Record | None = None) -> None:
    """Let ``crm`` carry out the actions that concern FlowFact; what it cannot do becomes a refusal."""
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
    """Render what FlowFact holds now and serve the device's own text as long as both say the same (rule 8)."""
    session, name = write.session, write.name
    member = member_of(session, name, write.user, item.dsn or "")
    bucket, sums = member.share if member else NOTHING
    record = rendering.read(session, name, write.user, [item.dsn or ""])[dsn_key(item.dsn or "")]
    rendered = rendering.render(session, name, record, item.uid, sidecar)
    canonical = etag_of(rendered.text)
    same = same_meaning(session.settings, name, payload.text, rendered.text, payload.parsed)
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
        fault=rendered.fault,
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
    """Journal the item, keep its versions and the history; return what ``put`` does."""
    session = write.session
    sent = etag_of(payload.text)
    entry = JournalEntry(session, write.collection)
    if before is None:
        item = replace(item, id=entry.new_id())
    stored = replace(item, live=True, etag=served, href=payload.href)
    stored = entry.announced(stored)
    for etag, text in ((sent, payload.text), *texts):
        entry.keep(stored, etag, text)
        if etag == served:
            entry.serve(stored, etag, text)
    if before is None:
        entry.add(stored, sidecar)
    else:
        entry.change(stored, sidecar)
        if before.href != stored.href:
            entry.add(identity.tombstone(before, entry.new_id()))
    entry.write({"sums": write.collection.sums.exchanged(before.share if before else NOTHING, stored.share)})
    _remember(write, stored, "put", actions)
    return replace(stored, etag=sent), served == sent


def _remove(write: Write, item: Item, member: Member | None, actions: tuple[Action, ...], body: str = "") -> None:
    """Journal that the item is gone; ``member``: its record, if that is still in scope, so that it is hidden."""
    gone = replace(item, live=False, hidden=member is not None, sums="", bucket=0)
    if member is not None:
        gone = replace(gone, sums=str(member.sums), bucket=member.bucket)
    entry = JournalEntry(write.session, write.collection)
    entry.change(entry.announced(gone))
    entry.write({"sums": write.collection.sums.exchanged(item.share, gone.share)})
    _remember(write, item, "delete", actions, body)


def _remember(write: Write, item: Item, what: str, actions: tuple[Action, ...], body: str = "") -> None:
    record = item.record if item.dsn else ""
    agent, login = write.request.agent, write.collection.login
    history.record(
        write.session, Event(login, agent, write.name.value, item.href, what, record, actions=actions, body=body)
    )
