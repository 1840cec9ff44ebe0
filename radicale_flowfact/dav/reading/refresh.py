"""Brings a collection up to FlowFact's present state: what appeared, changed or vanished goes into the journal."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace

from radicale_flowfact.crm import reads, scope
from radicale_flowfact.crm.scope import Member
from radicale_flowfact.crm.sums import NOTHING, Fingerprint
from radicale_flowfact.dav import items, rendering
from radicale_flowfact.dav.collections import Collection
from radicale_flowfact.dav.items import Item, chunks, record_name
from radicale_flowfact.dav.journal import Entry
from radicale_flowfact.dav.rendering import Rendered, etag_of, scope_of, table_of
from radicale_flowfact.dav.session import Name, Session
from radicale_flowfact.records import User, dsn_key

Buckets = frozenset[int] | None
"""Buckets of the fingerprint in which something changed; None: it cannot be told, so it may be anywhere."""
_AT_ONCE = 2000  # records in one transaction: some seconds
_logger = logging.getLogger("radicale")  # Radicale's own, so that it all goes to one place


def due(session: Session, collection: Collection, user: User) -> Buckets:
    """Return the buckets in which anything that the collection shows changed since its last refresh. One statement."""
    if not _is_comparable(session, collection, user):
        return None
    scoped = scope_of(session, collection.name, user)
    return collection.sums.differing(scope.fingerprint(session.connection, scoped))


def _is_comparable(session: Session, collection: Collection, user: User) -> bool:
    """Return whether the collection's fingerprint is that of what is shown to this user with these settings."""
    is_same = collection.basis == rendering.basis(session, collection.name, user)
    return is_same and not collection.stopped and collection.owner == dsn_key(user.dsn)


def refresh(session: Session, collection: Collection, user: User, buckets: Buckets = None) -> tuple[Collection, int]:
    """Compare a locked collection with FlowFact and journal every difference; return its new snapshot.

    Only what is in the ``buckets`` is compared, everything if they cannot tell. A record counts as changed when its
    rendered item differs (rule 6). Raises nothing for a single bad record. Of many records at once some are left to
    the next call, how many is returned, too.
    """
    session.stats.refreshed += 1
    name, basis = collection.name, rendering.basis(session, collection.name, user)
    if not _is_comparable(session, collection, user):
        buckets = None
    now_in_scope = scope.members(session.connection, scope_of(session, name, user), buckets)
    known = _known(session, collection, now_in_scope, buckets)
    entry = Entry(session, collection)
    vanished = [item for item in known.values() if item.is_listed and dsn_key(item.dsn or "") not in now_in_scope]
    stopped = _safety_stop(session, collection, vanished)
    if not stopped:
        _remove(entry, vanished)
    to_look_at = _to_look_at(collection, now_in_scope, known, everything=basis != collection.basis)
    # What was made for other settings is made anew at once, since nothing would tell what is done of it.
    at_once = _AT_ONCE if collection.basis in ("", basis) else len(to_look_at)
    left = to_look_at[at_once:]
    for chunk in chunks(to_look_at[:at_once]):
        left += _look_at(entry, user, chunk, known)
        entry.flush()
    sums = _counted(collection, now_in_scope, left, known)
    if buckets is not None:
        sums = collection.sums.with_buckets(sums, buckets)
    changes = {"sums": sums, "basis": basis, "stopped": stopped}
    changes["owner"] = dsn_key(user.dsn)
    written = entry.write({key: value for key, value in changes.items() if value != getattr(collection, key)})
    if len(to_look_at) > at_once:
        _logger.warning(
            "%s/%s: %d records are new or changed, %d to go", *_named(collection), len(to_look_at), len(left)
        )
    return written, len(to_look_at[at_once:])


def _known(
    session: Session, collection: Collection, members: Mapping[str, Member], buckets: Buckets
) -> dict[str, Item]:
    """Return the items of the members and of what counted in the buckets before, by the names of their records."""
    if buckets is None:
        return {item.record: item for item in items.of_collection(session, collection.id)}
    table = table_of(collection.name)
    known = {item.record: item for item in items.in_buckets(session, collection.id, buckets)}
    others = {record_name(table, member.dsn) for member in members.values()} - known.keys()
    return known | {item.record: item for item in items.by_records(session, collection.id, others)}


def _counted(
    collection: Collection, members: Mapping[str, Member], left: Sequence[Member], known: Mapping[str, Item]
) -> Fingerprint:
    """Return the fingerprint of the members; what is left to the next call counts as it did before."""
    shares = {dsn: member.share for dsn, member in members.items()}
    for member in left:
        item = known.get(record_name(table_of(collection.name), member.dsn))
        shares[dsn_key(member.dsn)] = item.share if item else NOTHING
    return Fingerprint.of(shares.values())


def _named(collection: Collection) -> tuple[str, str]:
    return collection.login, collection.name.value


def refresh_record(session: Session, collection: Collection, user: User, item: Item) -> Collection:
    """Bring one item of a locked collection up to date, whatever the collection's size; for use before a write."""
    if item.key is None:
        return collection
    member = member_of(session, collection.name, user, item.key.dsn)
    share = member.share if member else NOTHING
    if share == item.share or (member is None and collection.is_held):
        return collection
    entry = Entry(session, collection)
    if member is None:
        _remove(entry, [item])
    elif _look_at(entry, user, [member], {item.record: item}):
        return collection
    return entry.write({"sums": collection.sums.exchanged(item.share, share)})


def member_of(session: Session, name: Name, user: User, dsn: str) -> Member | None:
    """Return the record as a member of the user's collection, or None if it is not in scope."""
    found = scope.members(session.connection, scope_of(session, name, user, only=dsn))
    return found.get(dsn_key(dsn))


def _safety_stop(session: Session, collection: Collection, vanished: Sequence[Item]) -> str:
    """Return the collection's new ``stopped``: too much would vanish at once (rule 30), or empty.

    What the admin confirmed does not count, what would vanish beside it does.
    """
    leaving = sum(item.live for item in vanished)
    limits = session.settings.safety
    unasked = leaving - collection.confirmed
    if unasked < max(1, limits.max_vanish_items):
        return ""
    there = items.shown_records(session, collection.id)
    if unasked * 100 <= limits.max_vanish_percent * there:
        return ""
    since = json.loads(collection.stopped)["since"] if collection.is_held else f"{session.utc:%Y-%m-%d %H:%M} UTC"
    if not collection.is_held:
        _logger.error(
            "STOPPED: %d of %d items of %s/%s would vanish; nothing is removed until: radicale-flowfact confirm %s",
            *(leaving, there, collection.login, collection.name.value, collection.login),
        )
    return json.dumps({"vanish": leaving, "of": there, "since": since})


def _remove(entry: Entry, vanished: Sequence[Item]) -> None:
    for item in vanished:
        gone = replace(item, live=False, sums="", bucket=0)
        entry.change(entry.announced(gone) if item.live else gone)


def _to_look_at(
    collection: Collection, members: Mapping[str, Member], known: Mapping[str, Item], *, everything: bool
) -> list[Member]:
    """Return the records whose digest moved, or whose item is not shown though it should be."""
    table = table_of(collection.name)
    due = []
    for member in members.values():
        item = known.get(record_name(table, member.dsn))
        if everything or item is None or item.sums != str(member.sums) or item.bucket != member.bucket:
            due.append(member)
    return sorted(due, key=lambda member: member.dsn)


def _look_at(entry: Entry, user: User, members: Sequence[Member], known: Mapping[str, Item]) -> list[Member]:
    """Render records anew and journal those whose item differs from the one the devices have.

    Returns those that are gone since the members were counted: the next refresh must not take them for looked at.
    """
    session, name = entry.session, entry.collection.name
    table = table_of(name)
    records = rendering.read(session, name, user, [member.dsn for member in members])
    before = {member.dsn: known.get(record_name(table, member.dsn)) for member in members}
    sidecars = items.sidecars(session, [item.id for item in before.values() if item])
    hidden = [item.dsn for item in before.values() if item and item.hidden and item.dsn]
    unhidden = reads.carrying(session.connection, session.tables, table, user.own_merkmal or "", hidden)
    fresh = _new_items(entry, [dsn for dsn, item in before.items() if item is None])
    missed = []
    for member in members:
        record = records.get(dsn_key(member.dsn))
        if record is None:
            missed.append(member)
            continue
        item = before[member.dsn] or fresh[member.dsn]
        sidecar = sidecars.get(item.id, ())
        is_new = before[member.dsn] is None
        shown = not item.hidden or dsn_key(member.dsn) in unhidden
        looked_at = replace(item, sums=str(member.sums), bucket=member.bucket, dsn=member.dsn, hidden=not shown)
        if shown:
            looked_at = _with_text(entry, looked_at, rendering.render(session, name, record, item.uid, sidecar))
        if is_new:
            entry.add(looked_at)
        elif looked_at != item:
            entry.change(looked_at)
    return missed


def _with_text(entry: Entry, item: Item, rendered: Rendered) -> Item:
    """Return the item with FlowFact's version of it, announced if that is news to the devices."""
    etag = etag_of(rendered.text)
    if item.live and item.rendered == etag:
        return replace(item, fault=rendered.fault)
    entry.keep(item, etag, rendered.text)
    entry.serve(item, etag, rendered.text)
    newer = replace(
        item,
        live=True,
        rendered=etag,
        etag=etag,
        component=rendered.component,
        starts=rendered.starts,
        ends=rendered.ends,
        fault=rendered.fault,
    )
    return entry.announced(newer)


def _new_items(entry: Entry, dsns: Sequence[str]) -> dict[str, Item]:
    """Return items for records that this user never had: their UIDs and hrefs come from table and DSN."""
    table = table_of(entry.collection.name)
    suffix = "vcf" if entry.collection.name is Name.ADDRESSES else "ics"
    uids = {dsn: f"flowfact-{table.value.lower()}-{_safe(dsn)}" for dsn in dsns}
    there = items.by_hrefs(entry.session, entry.collection.id, [f"{uid}.{suffix}" for uid in uids.values()])
    taken = there.keys() | items.known_uids(entry.session, entry.collection.id, uids.values())
    found = {}
    for dsn, plain in uids.items():
        # A device may have used the name for an item of its own; that one keeps it.
        uid = f"{plain}-{secrets.token_hex(4)}" if {plain, f"{plain}.{suffix}"} & taken else plain
        found[dsn] = Item(
            entry.new_id(),
            entry.collection.id,
            f"{uid}.{suffix}",
            uid,
            record_name(table, dsn),
            dsn,
            modified=entry.session.utc,
        )
    return found


def _safe(dsn: str) -> str:
    """Return a DSN in characters that every URL and client takes as they are; distinct DSNs stay distinct."""
    return "".join(
        char if char.isascii() and (char.isalnum() or char == "-") else f"_{ord(char):x}_" for char in dsn_key(dsn)
    )
