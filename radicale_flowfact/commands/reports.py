"""Turns what the gateway knows into lines for a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
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
from radicale_flowfact.dav.admin.devices import DeviceStatus, Refusals
from radicale_flowfact.dav.writing.undo import Entry


def entry_line(entry: Entry, zone: ZoneInfo) -> str:
    """Return who did what, when (office time) and with which device."""
    when = _local(entry.made, zone)
    undone = f", taken back by {entry.undone}" if entry.undone is not None else ""
    where = f"{entry.collection}/{entry.href}"
    often = f" {entry.repeats + 1} times" if entry.repeats else ""
    what = f"{entry.what}{often}  {where}  [{entry.agent}]{undone}"
    return f"{entry.number:>5}  {when:%d.%m.%Y %H:%M:%S}  {entry.login}  {what}"


def entry_details(entry: Entry, *, bodies: bool = False) -> list[str]:
    """Return the reason, one line for each action, and the kept text if asked for."""
    lines = [entry.reason] if entry.reason else []
    lines += [line for action in entry.actions if (line := action_line(action))]
    return [*lines, *(entry.body.splitlines() if bodies else [])]


def action_line(action: Action) -> str:
    """Return one action in words; empty for what changes nothing that a person could see."""
    match action:
        case SetField(record, field, before, after):
            return f"{record} {field.replace('_', ' ')}: {before!r} -> {after!r}"
        case SetPhone(record, position, before, after):
            return f"{record} phone {position}: {before!r} -> {after!r}"
        case MarkDone(record, before, after):
            return f"{record} done: {before} -> {after}"
        case AddMerkmal(record, merkmal):
            return f"{record} Merkmal on: {merkmal}"
        case RemoveMerkmal(record, merkmal):
            return f"{record} Merkmal off: {merkmal}"
        case SetRights(record, before, after):
            return f"{record} rights: {len(before)} entries -> {len(after)} entries"
        case CreateRecord(record):
            return f"{record} made"
        case Hide():
            return "hidden on the devices, though still in scope"
        case KeepOnDevice(reason):
            return f"kept on the devices only: {reason}"
        case DropFromDevice():
            return "deleted for good; its text is kept here"
        case KeepSidecar(before, after):
            return f"kept for the devices: {len(before)} lines -> {len(after)} lines"
        case _:
            return ""


def device_lines(device: DeviceStatus, zone: ZoneInfo) -> list[str]:
    """Return when a device synced each collection last (office time), and a warning if that is too long ago."""
    synced = ", ".join(f"{name} {_local(when, zone):%d.%m.%Y %H:%M}" for name, when in device.synced.items())
    lines = [f"{device.login}  {device.product}  {synced}"]
    if device.silent and len(device.silent) == len(device.synced):
        lines.append(f"  WARNING: has not synced for {min(device.silent.values())} days")
    else:
        lines += [f"  WARNING: has not synced {name} for {days} days" for name, days in device.silent.items()]
    return lines


def refusal_line(refusals: Refusals, days: int, zone: ZoneInfo) -> str:
    """Return how many writes of a login were refused, and the last reason."""
    last = f"{_local(refusals.last, zone):%d.%m.%Y %H:%M}: {refusals.reason}"
    return f"{refusals.login}: {refusals.count} refused in the last {days} days, the last {last}"


def erased_line(login: str, removed: Mapping[str, int]) -> str:
    """Return what is kept of a login, by number."""
    parts = ", ".join(f"{count} {what}" for what, count in removed.items() if count)
    return f"{login}: {parts}"


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.replace(tzinfo=UTC).astimezone(zone)
