"""Compares a collection with FlowFact and journals what appeared, changed or vanished (rules 6 and 7).

First the fingerprint: one statement, in which nothing differs most of the time. Then, with the collection locked, the
sums of each record in the buckets that differ. Only records whose sums differ are read and rendered.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace

from radicale_flowfact.crm import reads, scope
from radicale_flowfact.crm.scope import Member
from radicale_flowfact.crm.sums import NOTHING, Fingerprint
from radicale_flowfact.dav.reading import departures, rendering, safety_stop
from radicale_flowfact.dav.reading.rendering import Rendered, etag_of, scope_of, table_of
from radicale_flowfact.dav.store import items
from radicale_flowfact.dav.store.collections import Collection
from radicale_flowfact.dav.store.items import Gone, Item, chunks, record_name
from radicale_flowfact.dav.store.journal import Entry
from radicale_flowfact.dav.store.session import Name, Session
from radicale_flowfact.records import User, dsn_key

Buckets = frozenset[int] | None
"""Buckets of the fingerprint in which something changed; None: it cannot be told, so it may be anywhere."""
_AT_ONCE = 2000  # records in one transaction: some seconds
_logger = logging.getLogger("radicale")  # Radicale's own, so that it all goes to one place


def due(session: Session, collection: Collection, user: User) -> Buckets:
    """Return the buckets in which the fingerprint differs from that of the last refresh; empty: nothing changed.

    None: they cannot be compared (other settings or owner, or the safety stop holds), so all must be. One statement.
    """
    if not _is_comparable(session, collection, user):
        return None
    scoped = scope_of(session, collection.name, user)
    return collection.sums.differing(scope.fingerprint(session.connection, scoped))


def _is_comparable(session: Session, collection: Collection, user: User) -> bool:
    """Return whether the stored fingerprint is of this user and these settings, and no safety stop holds."""
    is_same = collection.basis == _basis(session, collection, user)
    return is_same and not collection.stopped and collection.owner == dsn_key(user.dsn)


def _basis(session: Session, collection: Collection, user: User) -> str:
    """Return the basis of the items: settings and renderer (``rendering.basis``).

    A gateway renders all items for its own settings once. If another gateway with other settings did so since, they
    stay as they are: otherwise the two would announce everything at each poll in turn.
    """
    own, seen = rendering.basis(session, collection.name, user), session.stats.bases
    if collection.basis == own:
        seen[collection.id] = own  # set when read: a write may be rolled back
    if collection.basis in ("", own) or seen.get(collection.id) != own:
        return own
    if collection.id not in session.stats.contested:
        session.stats.contested.add(collection.id)
        _logger.error(
            "%s/%s: another gateway makes its items with other settings (timezone, subject, location or phone_slots): "
            "give all the same flowfact.toml and restart them",
            *_named(collection),
        )
    return collection.basis


def refresh(session: Session, collection: Collection, user: User, buckets: Buckets = None) -> tuple[Collection, int]:
    """Compare a locked collection with FlowFact and journal every difference; return its new snapshot.

    Only the ``buckets`` are compared; None: everything. A record counts as changed if its rendered item differs (rule
    6). At most 2,000 records are rendered in one call, all after a change of settings; how many are left to the next
    call is returned, too. A record that cannot be rendered raises nothing: it gets a minimal form (rule 28).
    """
    session.stats.refreshed += 1
    name, basis = collection.name, _basis(session, collection, user)
    if not _is_comparable(session, collection, user):
        buckets = None
    now_in_scope = scope.members(session.connection, scope_of(session, name, user), buckets)
    known = _known(session, collection, now_in_scope, buckets)
    entry = Entry(session, collection)
    vanished = [item for item in known.values() if item.is_listed and dsn_key(item.dsn or "") not in now_in_scope]
    stopped = _remove(entry, user, vanished)
    to_look_at = _to_look_at(collection, now_in_scope, known, everything=basis != collection.basis)
    # After a change of settings all is rendered at once: no sum tells which items are done.
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
    """Return the items of the members, and those counted in the buckets before, by ``Item.record``."""
    if buckets is None:
        return {item.record: item for item in items.of_collection(session, collection.id)}
    table = table_of(collection.name)
    known = {item.record: item for item in items.in_buckets(session, collection.id, buckets)}
    others = {record_name(table, member.dsn) for member in members.values()} - known.keys()
    return known | {item.record: item for item in items.by_records(session, collection.id, others)}


def _counted(
    collection: Collection, members: Mapping[str, Member], left: Sequence[Member], known: Mapping[str, Item]
) -> Fingerprint:
    """Return the fingerprint of the members; those left to the next call count as before."""
    shares = {dsn: member.share for dsn, member in members.items()}
    for member in left:
        item = known.get(record_name(table_of(collection.name), member.dsn))
        shares[dsn_key(member.dsn)] = item.share if item else NOTHING
    return Fingerprint.of(shares.values())


def _named(collection: Collection) -> tuple[str, str]:
    return collection.login, collection.name.value


def refresh_record(session: Session, collection: Collection, user: User, item: Item) -> Collection:
    """Compare one item of a locked collection with FlowFact, for use before a write; return the snapshot.

    The cost does not depend on the size of the collection. What the safety stop holds stays.
    """
    if item.key is None:
        return collection
    member = member_of(session, collection.name, user, item.key.dsn)
    share = member.share if member else NOTHING
    if share == item.share or (member is None and collection.is_held):
        return collection
    entry = Entry(session, collection)
    if member is None:
        stopped = _remove(entry, user, [item])
        if stopped:
            return entry.write({"stopped": stopped})
    elif _look_at(entry, user, [member], {item.record: item}):
        return collection
    return entry.write({"sums": collection.sums.exchanged(item.share, share)})


def member_of(session: Session, name: Name, user: User, dsn: str) -> Member | None:
    """Return the record with this DSN as a member of the user's collection, or None if it is out of scope."""
    found = scope.members(session.connection, scope_of(session, name, user, only=dsn))
    return found.get(dsn_key(dsn))


def _remove(entry: Entry, user: User, vanished: Sequence[Item]) -> str:
    """Journal that items left the scope, except those the safety stop holds; return the new ``stopped`` (rule 30)."""
    session, collection = entry.session, entry.collection
    takers = departures.gone_by(session, collection.name, user, vanished)
    verdict = safety_stop.judge(session, collection, [item for item in vanished if takers.get(item.id) == Gone.OFFICE])
    takers |= verdict.takers
    for item in vanished:
        taker = takers.get(item.id)
        if taker is None:  # the devices do not have it
            entry.change(replace(item, live=False, sums="", bucket=0))
        elif taker is Gone.WINDOW and item.gone_by == Gone.LEAVING:
            continue  # the device that moved it there shows it until the upkeep
        elif taker is not Gone.HELD:
            entry.change(entry.departed(item, taker))
        elif item.gone_by != taker:
            entry.change(replace(item, gone_by=taker))
    return verdict.stopped


def _to_look_at(
    collection: Collection, members: Mapping[str, Member], known: Mapping[str, Item], *, everything: bool
) -> list[Member]:
    """Return the records to render: their sums differ, or their item is not shown though it should be."""
    table = table_of(collection.name)
    due = []
    for member in members.values():
        item = known.get(record_name(table, member.dsn))
        is_back = item is not None and item.gone_by in (Gone.HELD, Gone.LEAVING)
        if everything or is_back or item is None or item.sums != str(member.sums) or item.bucket != member.bucket:
            due.append(member)
    return sorted(due, key=lambda member: member.dsn)


def _look_at(entry: Entry, user: User, members: Sequence[Member], known: Mapping[str, Item]) -> list[Member]:
    """Render records and journal those whose item differs from the one that devices have.

    Returns the members whose records are gone since they were counted: the next refresh must compare them again.
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
    """Return the item with FlowFact's version of it, announced if devices have another one."""
    etag = etag_of(rendered.text)
    if item.live and item.rendered == etag:
        return replace(item, fault=rendered.fault, gone_by="")
    newer = replace(
        item,
        live=True,
        gone_by="",
        rendered=etag,
        etag=etag,
        component=rendered.component,
        starts=rendered.starts,
        ends=rendered.ends,
        fault=rendered.fault,
    )
    newer = entry.announced(newer)
    entry.keep(newer, etag, rendered.text)
    entry.serve(newer, etag, rendered.text)
    return newer


def _new_items(entry: Entry, dsns: Sequence[str]) -> dict[str, Item]:
    """Return items for records that this user never had; UID and href are derived from table and DSN."""
    table = table_of(entry.collection.name)
    suffix = "vcf" if entry.collection.name is Name.ADDRESSES else "ics"
    uids = {dsn: f"flowfact-{table.value.lower()}-{_safe(dsn)}" for dsn in dsns}
    there = items.by_hrefs(entry.session, entry.collection.id, [f"{uid}.{suffix}" for uid in uids.values()])
    taken = there.keys() | items.known_uids(entry.session, entry.collection.id, uids.values())
    found = {}
    for dsn, plain in uids.items():
        # A device may have used this UID or href for an item of its own, which keeps it.
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
    """Return a DSN in characters that every URL and client accepts; distinct DSNs stay distinct."""
    return "".join(
        char if char.isascii() and (char.isalnum() or char == "-") else f"_{ord(char):x}_" for char in dsn_key(dsn)
    )
