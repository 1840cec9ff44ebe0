"""Turns what the gateway knows into lines for a person."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from radicale_flowfact.actions import (
    Action,
    AddMerkmal,
    CreateRecord,
    DropFromDevice,
    Hide,
    KeepOnDevice,
    KeepSidecar,
    MarkDone,
    RemoveMerkmal,
    SetField,
    SetPhone,
    SetRights,
)
from radicale_flowfact.commands.shared import office_time
from radicale_flowfact.dav.admin import people
from radicale_flowfact.dav.admin.devices import DeviceStatus, Refusals
from radicale_flowfact.dav.admin.people import Refused
from radicale_flowfact.dav.admin.status import CollectionStatus
from radicale_flowfact.dav.admin.why import Explanation
from radicale_flowfact.dav.reading.whole_texts import CUT
from radicale_flowfact.dav.store.items import MENDED
from radicale_flowfact.dav.store.upkeep.clock import Doubt
from radicale_flowfact.dav.writing.undo import Entry
from radicale_flowfact.language.texts import _, translated


def entry_line(entry: Entry, zone: ZoneInfo, titles: Mapping[str, str]) -> str:
    """Return who did what, when (office time) and with which device; ``titles``: what records are called."""
    undone = _(", taken back by {number}").format(number=entry.undone) if entry.undone is not None else ""
    where = f"{entry.collection}/{entry.href}"
    often = " " + _("{count} times").format(count=entry.repeats + 1) if entry.repeats else ""
    title = titles.get(entry.record) or people.title_in(entry.body)
    named = f"  {title} ({_record(entry)})" if title and entry.record else f"  {title}" if title else ""
    what = f"{_did(entry.what)}{often}  {where}{named}  [{entry.agent}]{undone}"
    return f"{entry.number:>5}  {office_time(entry.made, zone)}  {entry.login}  {what}"


def _did(what: str) -> str:
    """Return what an entry of the history says was done."""
    words = {"put": _("put"), "delete": _("delete"), "refused": _("refused"), "undo": _("undo")}
    return words.get(what, what)


def _record(entry: Entry) -> str:
    """Return the record of an entry as FlowFact's people know it: table and DSN."""
    return str(people.record_of(entry.record) or entry.record)


def entry_details(entry: Entry, *, bodies: bool = False) -> list[str]:
    """Return the reason, one line for each action, and the kept text if asked for."""
    lines = [translated(entry.reason)] if entry.reason else []
    lines += [line for action in entry.actions if (line := action_line(action))]
    return [*lines, *(entry.body.splitlines() if bodies else [])]


def action_line(action: Action) -> str:
    """Return one action in words; empty for what changes nothing that a person could see."""
    match action:
        case SetField(record, field, before, after):
            return f"{record} {field.replace('_', ' ')}: {before!r} -> {after!r}"
        case SetPhone(record, position, before, after):
            return f"{record} {_('phone {number}').format(number=position)}: {before!r} -> {after!r}"
        case MarkDone(record, before, after):
            return _("{record} done: {before} -> {after}").format(record=record, before=before, after=after)
        case AddMerkmal(record, merkmal):
            return _("{record} Merkmal on: {merkmal}").format(record=record, merkmal=merkmal)
        case RemoveMerkmal(record, merkmal):
            return _("{record} Merkmal off: {merkmal}").format(record=record, merkmal=merkmal)
        case SetRights(record, before, after):
            said = _("{record} rights: {before} entries -> {after} entries")
            return said.format(record=record, before=len(before), after=len(after))
        case CreateRecord(record):
            return _("{record} made").format(record=record)
        case Hide():
            return _("hidden on the devices, though still in scope")
        case KeepOnDevice(reason):
            return _("kept on the devices only: {reason}").format(reason=reason)
        case DropFromDevice():
            return _("deleted for good; its text is kept here")
        case KeepSidecar(before, after):
            said = _("kept for the devices: {before} lines -> {after} lines")
            return said.format(before=len(before), after=len(after))
        case _other:
            return ""


def refused_line(refused: Refused, zone: ZoneInfo) -> str:
    """Return when, how often and why a write was refused, what was sent, and where the history has it."""
    said = _("refused {time}: {reason}") if refused.times == 1 else _("refused {count} times, last {time}: {reason}")
    first = said.format(time=office_time(refused.made, zone), count=refused.times, reason=translated(refused.reason))
    sent = _("sent as {href} by {agent}: {title}; radicale-flowfact history has it as {number}")
    where = f"{refused.collection}/{refused.href}"
    return f"{first}\n  " + sent.format(
        href=where, agent=refused.agent or "?", title=refused.title or "…", number=refused.number
    )


def explanation_lines(found: Explanation, what: str, zone: ZoneInfo) -> list[str]:
    """Return why a record is on somebody's phone or not, or which records may be meant."""
    lines = [translated(line) for line in found.lines]
    if found.candidates:
        lines.append(_("{what} may be any of these, name one by its DSN:").format(what=repr(what)))
        lines += [f"  {one.record}  {one.title}" for one in found.candidates]
    if found.more:
        lines.append(_("More than {count} are called so; say more of the name.").format(count=len(found.candidates)))
    return [*lines, *(refused_line(one, zone) for one in found.refused)]


def collection_lines(one: CollectionStatus, titles: Mapping[str, str], named: Mapping[int, str]) -> list[str]:
    """Return what ``status`` says of a collection; ``titles``: records' names, ``named``: device-only items' by id."""
    said = _("{collection}: {items} items, {changes} changes so far")
    lines = [said.format(collection=f"{one.login}/{one.name}", items=one.items, changes=one.changes)]
    if one.stop:
        said = _("STOPPED {reason}. To let it go: radicale-flowfact confirm {login}")
        lines.append("  " + said.format(reason=translated(one.stop), login=one.login))
    if one.has_other_settings:
        lines.append(
            "  " + _("made with another timezone, subject, location or phone_slots than here: by another gateway,")
        )
        lines.append("  " + _("or no device asked since they changed here"))
    for item in one.faulty:
        fault = translated(item.fault)
        if not item.fault.startswith((CUT, MENDED)):
            fault = _("shown in a minimal form: {fault}").format(fault=fault)
        record = people.record_of(item.record) or item.record
        title = titles.get(item.record, "") or named.get(item.id, "")
        lines.append(f"  {title or item.href} ({record if title else item.record}) {fault}")
    for item in one.device_only:
        said = _("only on the devices ({kind}): {href}").format(kind=item.device_only, href=item.href)
        lines.append(f"  {said}  {named.get(item.id, '')}".rstrip())
    return lines


def doubt_line(doubt: Doubt, zone: ZoneInfo) -> str:
    """Return since when the upkeep doubts the clock, and what to do."""
    return _(
        "STOPPED since {since}: the upkeep drops nothing, since it ran last at {ran}. "
        "If the clock is right: radicale-flowfact confirm --clock"
    ).format(since=office_time(doubt.since, zone), ran=office_time(doubt.ran, zone))


def device_lines(device: DeviceStatus, zone: ZoneInfo, names: Mapping[str, str]) -> list[str]:
    """Return when a device synced each collection last (office time), and a warning if that is too long ago."""
    synced = ", ".join(f"{name} {office_time(when, zone)}" for name, when in device.synced.items())
    lines = [f"{login_and_name(device.login, names)}  {device.product}  {synced}"]
    if device.silent and len(device.silent) == len(device.synced):
        lines.append("  " + _("WARNING: has not synced for {days} days").format(days=min(device.silent.values())))
    else:
        said = _("WARNING: has not synced {collection} for {days} days")
        lines += [f"  {said.format(collection=name, days=days)}" for name, days in device.silent.items()]
    return lines


def login_and_name(login: str, names: Mapping[str, str]) -> str:
    """Return a login with its user's name behind it, unless they say the same."""
    name = names.get(login, "")
    return f"{login} ({name})" if name and name.casefold() != login.casefold() else login


def refusal_line(refusals: Refusals, days: int, zone: ZoneInfo) -> str:
    """Return how many writes of a login were refused, and the last reason."""
    said = _("{login}: {count} refused in the last {days} days, the last {time}: {reason}")
    time, reason = office_time(refusals.last, zone), translated(refusals.reason)
    return said.format(login=refusals.login, count=refusals.count, days=days, time=time, reason=reason)


def erased_line(login: str, removed: Mapping[str, int]) -> str:
    """Return what is kept of a login, by number."""
    parts = ", ".join(f"{count} {translated(what)}" for what, count in removed.items() if count)
    return f"{login}: {parts}"
