"""Turns what the gateway knows into lines for a person."""

from __future__ import annotations

from datetime import UTC
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
from radicale_flowfact.dav.checking import Report
from radicale_flowfact.dav.undo import Entry


def entry_line(entry: Entry, zone: ZoneInfo) -> str:
    """Return who did what, when (office time) and with which device."""
    when = entry.made.replace(tzinfo=UTC).astimezone(zone)
    undone = f", taken back by {entry.undone}" if entry.undone is not None else ""
    where = f"{entry.collection}/{entry.href}"
    return f"{entry.number:>5}  {when:%d.%m.%Y %H:%M:%S}  {entry.login}  {entry.what}  {where}  [{entry.agent}]{undone}"


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


def check_lines(report: Report) -> list[str]:
    """Return the facts of a check, one a line, their titles in a column."""
    return [f"{title:<12}{text}" for title, text in report.facts]
