"""Decides what a PUT does: compares what the device sent with what it last saw, and lists the actions.

Pure functions: no database. A field counts only when its value differs from the version that the device
had (rule 26); what the device never had cannot be missing from what it sends.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, time

from radicale_flowfact import ical_map, phones, undated
from radicale_flowfact.actions import CrmAction, MarkDone, SetField, SetPhone, Value
from radicale_flowfact.contentlines import parse_line
from radicale_flowfact.ical_reading import Entry, EntryFields, start_of
from radicale_flowfact.records import Activity, Address, RecordKey
from radicale_flowfact.vcard_map import Card

_TASK_ONLY = frozenset({"done", "priority"})
# What a calendar object (RFC 5545 §3.6.1, §3.6.2) and a card (RFC 6350 §6) have at most once, and lines of our own;
# a card may have several photos, but clients show and replace one.
_ONCE_IN_ENTRY = frozenset(
    [
        *("CLASS", "COMPLETED", "CREATED", "DTSTART", "DURATION", "GEO", "LOCATION", "PERCENT-COMPLETE", "PRIORITY"),
        *("SEQUENCE", "STATUS", "TRANSP", "URL", "X-ALT-DESC", "X-FLOWFACT-ALARM", "X-FLOWFACT-DUE", "X-FLOWFACT-NOTE"),
    ]
)
_ONCE_IN_CARD = frozenset(["ANNIVERSARY", "BDAY", "GENDER", "KIND", "PHOTO", "PRODID", "REV"])


@dataclass(frozen=True, slots=True)
class Edit:
    """What a PUT changes in FlowFact, and the sidecar that the item has afterwards."""

    actions: tuple[CrmAction, ...]
    sidecar: tuple[str, ...]


def edit_address(base: Card, sent: Card, current: Address, sidecar: Sequence[str], slots: Sequence[str]) -> Edit:
    """Decide an edit of an address; ``current`` is FlowFact's row now, ``sidecar`` what is kept of it so far."""
    record = current.key
    changed = [
        SetField(record, field.name, getattr(current, field.name), getattr(sent.fields, field.name))
        for field in fields(sent.fields)
        if not _same(field.name, getattr(sent.fields, field.name), getattr(base.fields, field.name))
        and not _same(field.name, getattr(sent.fields, field.name), getattr(current, field.name))
    ]
    decided = phones.decide_phones(record, base.phones, sent.phones, current.phones, slots)
    kept = merge_sidecar(base.sidecar, sent.sidecar, [line for line in sidecar if not _is_phone(line)], _ONCE_IN_CARD)
    seen = {phones.same_number(phone.number) for phone in base.phones}
    unseen = [line for line in sidecar if _is_phone(line) and _number_in(line) not in seen]
    return Edit((*changed, *decided.actions), (*kept, *unseen, *decided.extra))


def new_address_values(sent: Card) -> tuple[tuple[str, Value], ...]:
    """Return the fields of an address made from a contact; its Kennung is left to the caller (rule 14)."""
    return tuple((field.name, getattr(sent.fields, field.name)) for field in fields(sent.fields))


def identifier_of(card: Card) -> str:
    """Return the Kennung wished for a new address: ``Name, Vorname``, or the company (rule 14)."""
    names = [name for name in (card.fields.family_name, card.fields.given_name) if name]
    numbers = [phone.number for phone in card.phones]
    return ", ".join(names) or card.fields.company or card.fields.email or next(iter(numbers), "")


def new_phones(record: RecordKey, sent: Card, slots: Sequence[str]) -> tuple[tuple[SetPhone, ...], tuple[str, ...]]:
    """Return the numbers of a new address, and the lines of those that find no position."""
    decided = phones.decide_phones(record, (), sent.phones, (), slots)
    return decided.actions, decided.extra


def edit_activity(
    base: Entry, sent: Entry, current: Activity, sidecar: Sequence[str], style: ical_map.Style, now: datetime
) -> Edit:
    """Decide an edit of an appointment or task; ``now`` is office local time (rules 16, 17, 20, 22)."""
    record = current.key
    before, after = base.fields, sent.fields
    wanted = _changed_values(before, after, is_task=sent.component == "VTODO")
    if not _same("summary", before.summary, after.summary):
        wanted["subject"] = _new_subject(before, after, current, style.subject)
    done = wanted.pop("done", None)
    if done is None and _alarm_switched_off(base, sent, now):
        done = True
    actions: list[CrmAction] = [
        SetField(record, name, getattr(current, name), value)
        for name, value in wanted.items()
        if not _same(name, value, getattr(current, name))
    ]
    if done is not None and bool(done) != current.done:
        actions.append(MarkDone(record, current.done, bool(done)))
    kept = merge_sidecar(base.sidecar, sent.sidecar, sidecar, _ONCE_IN_ENTRY)
    if sent.component == "VTODO":
        kept = undated.after_edit(before.reminder, after.reminder, kept)
    return Edit(tuple(actions), kept)


def _new_subject(before: EntryFields, after: EntryFields, current: Activity, template: str) -> str:
    """Cut the kind off the summary: FlowFact's name of it now, or the one that the device had (rule 16)."""
    found = ical_map.subject_of(after.summary, current.kind.name, template)
    if found != after.summary:
        return found
    return ical_map.subject_of(after.summary, ical_map.kind_in(before.summary, current.subject, template), template)


def _lasting_as(before: EntryFields, after: EntryFields) -> EntryFields:
    """Return ``after`` with no end or the begin as its end, as ``before`` has it: both say it lasts no time."""
    if before.begin is None or before.end not in (None, before.begin) or after.end not in (None, after.begin):
        return after
    return replace(after, end=None if before.end is None else after.begin)


def _changed_values(before: EntryFields, after: EntryFields, *, is_task: bool) -> dict[str, Value]:
    """Return the new value of each field that the device changed, by the attribute's name; not the summary."""
    wanted: dict[str, Value] = {}
    after = _lasting_as(before, after)
    for field in fields(EntryFields):
        value = getattr(after, field.name)
        of_this_kind = is_task or field.name not in _TASK_ONLY
        if field.name != "summary" and of_this_kind and not _same(field.name, value, getattr(before, field.name)):
            wanted[field.name] = value
    if after.reminder is None:
        # No alarm means a Vorlage without time (rule 16); a task without Vorlage would be none, so it keeps it.
        wanted.pop("reminder", None)
    if is_task:
        wanted.pop("begin", None)
        wanted.pop("end", None)
        wanted.pop("all_day", None)
    return wanted


def _alarm_switched_off(base: Entry, sent: Entry, now: datetime) -> bool:
    """Return whether a past appointment lost its alarm: gone, or acknowledged at or after the end (rule 20)."""
    end = sent.fields.end or sent.fields.begin
    if sent.component != "VEVENT" or not base.fields.reminder_has_time or end is None or end > now:
        return False
    acknowledged = sent.acknowledged is not None and sent.acknowledged >= end and sent.acknowledged != base.acknowledged
    return not sent.fields.reminder_has_time or acknowledged


def new_activity_values(
    sent: Entry, kind_dsn: str, kind_name: str, style: ical_map.Style, now: datetime
) -> tuple[tuple[str, Value], ...]:
    """Return the fields of an activity made on a device; without an alarm its Vorlage is its day (rule 21).

    A task that only starts on a day has that as its Vorlage.
    """
    values = sent.fields
    due = values.reminder
    if not values.reminder_has_time:
        day = values.reminder or start_of(sent, style.zone) if sent.component == "VTODO" else values.begin
        due = datetime.combine((day or now).date(), time.min)
    begin = values.begin or due
    found: dict[str, Value] = {
        "kind": kind_dsn,
        "subject": ical_map.subject_of(values.summary, kind_name, style.subject),
        "note": values.note,
        "begin": begin,
        "end": values.end,
        "all_day": values.all_day,
        "reminder": due,
        "reminder_has_time": values.reminder_has_time,
    }
    if sent.component == "VTODO":
        found |= {"done": values.done, "priority": values.priority}
    return tuple(found.items())


def new_activity_sidecar(sent: Entry, values: Iterable[tuple[str, Value]]) -> tuple[str, ...]:
    """Return the sidecar of an activity made on a device; ``values`` are those that it is made with."""
    vorlage = dict(values).get("reminder")
    if sent.component != "VTODO" or sent.fields.reminder is not None or not isinstance(vorlage, datetime):
        return sent.sidecar
    return (*sent.sidecar, undated.line_of(vorlage))


def merge_sidecar(
    base: Iterable[str], sent: Iterable[str], kept: Iterable[str], once: Collection[str] = ()
) -> tuple[str, ...]:
    """Merge what the device added to and took from its sidecar into the one that is kept (rule 25).

    A line of a name in ``once`` takes the place of another one that was kept since the device's version.
    """
    before, after = Counter(base), Counter(sent)
    added, taken = after - before, before - after
    merged = []
    for line in kept:
        if taken[line] > 0:
            taken[line] -= 1
        else:
            merged.append(line)
    present = Counter(merged)
    new = [line for line, count in added.items() for _ in range(min(count, after[line] - present[line]))]
    # A SEQUENCE must not fall (RFC 5545 §3.8.7.4).
    highest = max((_number(line) for line in merged), default=-1)
    new = [line for line in new if _name(line) != "SEQUENCE" or _number(line) > highest]
    replaced = {_name(line) for line in new} & set(once)
    return (*(line for line in merged if _name(line) not in replaced), *new)


def _number(line: str) -> int:
    """Return the number of a SEQUENCE; -1 for any other line."""
    value = line.rpartition(":")[2].strip()
    return int(value) if _name(line) == "SEQUENCE" and re.fullmatch("[0-9]{1,9}", value) else -1


def _same(field: str, one: Value, other: Value) -> bool:
    """Return whether two values of a field say the same; a device's own spelling is no change (rule 26)."""
    if not isinstance(one, str) or not isinstance(other, str):
        return one == other
    if field == "fax":
        return phones.same_number(one) == phones.same_number(other)
    return one.split() == other.split()


def _is_phone(line: str) -> bool:
    return _name(line) == "TEL" and "FAX" not in parse_line(line).types


def _number_in(line: str) -> str:
    return phones.same_number(phones.number_of(parse_line(line)))


def _name(line: str) -> str:
    return line.partition(":")[0].partition(";")[0].rpartition(".")[2].upper()
