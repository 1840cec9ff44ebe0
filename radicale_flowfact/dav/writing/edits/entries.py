"""What an edit of an appointment or task changes in an activity, and what a new one writes (rules 16 to 22, 25, 26)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from radicale_flowfact import ical_map
from radicale_flowfact.actions import CrmAction, MarkDone, SetField, Value
from radicale_flowfact.content.words import same_words
from radicale_flowfact.database.odd_values import is_unreadable_time
from radicale_flowfact.dav.writing import places
from radicale_flowfact.dav.writing.edits.seen import Reading, Seen, same
from radicale_flowfact.dav.writing.edits.sidecars import Edit, merge_sidecar
from radicale_flowfact.ical_map import Entry, EntryFields, start_of
from radicale_flowfact.maps import undated_tasks
from radicale_flowfact.records import Activity, Kind, dsn_key

_TASK_ONLY = frozenset({"done", "priority"})
# What a calendar object has at most once (RFC 5545 §3.6.1, §3.6.2), and lines of our own.
_ONCE_IN_ENTRY = frozenset(
    [
        *("CLASS", "COMPLETED", "CREATED", "DTSTART", "DURATION", "GEO", "LOCATION", "PERCENT-COMPLETE", "PRIORITY"),
        *("SEQUENCE", "STATUS", "TRANSP", "URL", "X-ALT-DESC"),
        *("X-FLOWFACT-ALARM", "X-FLOWFACT-DUE", "X-FLOWFACT-TIMES"),
        "X-FLOWFACT-DESCRIPTION",
        *("X-APPLE-STRUCTURED-LOCATION", *(mark.removesuffix(":") for mark in ical_map.TWINS.values())),
    ]
)


def edit_activity(
    seen: Seen[Entry],
    current: Activity,
    sidecar: Sequence[str],
    style: ical_map.Style,
    now: datetime,
    kinds: Sequence[Kind] = (),
) -> Edit:
    """Decide an edit of an appointment or task (rules 16, 17, 20 to 22, 25 and 26).

    ``style``: how items are rendered; ``now``: office local time; ``kinds``: the kinds that it may get, needed only if
    ``may_name_kind``.
    """
    record, sent = current.key, seen.newest.sent
    is_task = sent.component == "VTODO"
    wanted = _changed_values(seen, is_task=is_task)
    wanted |= _in_order(wanted, sent.fields, current)
    if _is_retitled(seen):
        wanted |= _titled(seen, current, style.subject, kinds)
    done = wanted.pop("done", None)
    if done is None and seen.is_changed("done", partial(_alarm_switched_off, now=now)):
        done = True
    had = {name: current.kind.dsn if name == "kind" else getattr(current, name) for name in wanted}
    actions: list[CrmAction] = [
        SetField(record, name, had[name], value) for name, value in wanted.items() if not same(name, value, had[name])
    ]
    if done is not None and bool(done) != current.done:
        actions.append(MarkDone(record, current.done, bool(done)))
    both = places.as_meant(
        [(reading.base.sidecar, reading.sent.sidecar) for reading in seen.readings],
        sidecar,
        ical_map.place_of(current, sent.component, style),
    )
    shown = {ical_map.property_name(line) for base, _ in both for line in base}
    kept = merge_sidecar(both, sidecar, _ONCE_IN_ENTRY | (ical_map.TWINS.keys() - shown))
    kept = places.after_edit(both, sidecar, kept)
    if is_task and seen.is_changed("reminder", lambda one: one.base.fields.reminder != one.sent.fields.reminder):
        before = seen.newest.base.fields.reminder
        kept = undated_tasks.after_edit(before, sent.fields.reminder, kept, sent.sidecar)
    return Edit(tuple(actions), kept)


def choosable(kinds: Iterable[Kind], own: Kind | None) -> list[Kind]:
    """Return the kinds that a title may name: all but internal mail, which is made in FlowFact only (rule 21).

    ``own``: the record's present or preset kind, which is allowed in any case.
    """
    return [kind for kind in kinds if not kind.is_mail or (own is not None and dsn_key(kind.dsn) == dsn_key(own.dsn))]


def may_name_kind(seen: Seen[Entry], template: str) -> bool:
    """Return whether the device changed the part of the title where the kind stands (rule 21)."""
    return _is_retitled(seen) and any(
        ical_map.names_in(one.sent.fields.summary, template) - ical_map.names_in(one.base.fields.summary, template)
        for one in seen.readings
    )


def _is_retitled(seen: Seen[Entry]) -> bool:
    return seen.is_changed("summary", lambda one: not same("summary", one.base.fields.summary, one.sent.fields.summary))


def _titled(seen: Seen[Entry], current: Activity, template: str, kinds: Sequence[Kind]) -> dict[str, Value]:
    """Return kind and subject of a title that the device changed, as far as it changed them (rules 16 and 21)."""
    choice = [] if current.kind.is_mail else choosable(kinds, current.kind)

    def named(entry: Entry) -> tuple[str, str] | None:
        found = ical_map.titled_kind(entry.fields.summary, choice, template, current.kind)
        return (found[0].dsn, found[1]) if found else None

    def is_other_kind(one: Reading[Entry]) -> bool:
        had, has = named(one.base), named(one.sent)
        return has is not None and (had is None or had[0] != has[0])

    def subject_of(entry: Entry) -> str:
        found = named(entry)
        return found[1] if found else _subject(entry, seen, current, template)

    titled = named(seen.newest.sent)
    wanted: dict[str, Value] = {}
    subject = _subject(seen.newest.sent, seen, current, template)
    if titled is not None and seen.is_changed("summary", is_other_kind):
        wanted["kind"], subject = titled
    if seen.is_changed("summary", lambda one: not same_words(subject_of(one.base), subject)):
        wanted["subject"] = subject
    return wanted


def _subject(entry: Entry, seen: Seen[Entry], current: Activity, template: str) -> str:
    """Return a summary without the kind: FlowFact's present name of it, or one that the device had (rule 16).

    If the kind was renamed and the subject changed since, what the device had tells neither for sure. The name is then
    what stands in its place in the template.
    """
    summary = entry.fields.summary
    had = [reading.base.fields.summary for reading in reversed(seen.readings)]
    had = [one for one in had if not same_words(one, current.subject)]  # as the device made it, without a kind
    kinds = [current.kind.name, *(ical_map.kind_in(one, current.subject, template) for one in had)]
    kinds += [ical_map.kind_like(one, template) for one in had]
    found = (ical_map.subject_of(summary, kind, template) for kind in kinds)
    return next((subject for subject in found if subject != summary), summary)


def _lasting_as(before: EntryFields, after: EntryFields) -> EntryFields:
    """Return ``after`` with no end, or its begin as end, as ``before`` has it: both mean no duration."""
    if before.begin is None or before.end not in (None, before.begin) or after.end not in (None, after.begin):
        return after
    return replace(after, end=None if before.end is None else after.begin)


def _changed_values(seen: Seen[Entry], *, is_task: bool) -> dict[str, Value]:
    """Return the new value of each field that the device changed, by the attribute's name; not the summary."""
    wanted: dict[str, Value] = {}
    newest = seen.newest
    after = _lasting_as(newest.base.fields, newest.sent.fields)
    for field in fields(EntryFields):
        of_this_kind = is_task or field.name not in _TASK_ONLY
        if field.name != "summary" and of_this_kind and seen.is_changed(field.name, partial(_moved, field.name)):
            wanted[field.name] = getattr(after, field.name)
    if after.reminder is None:
        # No alarm means a Vorlage without time (rule 16). A task needs a Vorlage, so it keeps the one it has.
        wanted.pop("reminder", None)
    if is_task:
        wanted.pop("begin", None)
        wanted.pop("end", None)
        wanted.pop("all_day", None)
    return wanted


def _in_order(wanted: Mapping[str, Value], sent: EntryFields, current: Activity) -> dict[str, Value]:
    """Return the time that the device changed, if the office moved the other one past it (rules 26 and 43).

    Nothing ends before it begins, and what only the office changed stays. So the device's time is put at the length
    that the device sent, before or after the office's.
    """
    begin, end = wanted.get("begin", current.begin), wanted.get("end", current.end)
    if not isinstance(begin, datetime) or not isinstance(end, datetime) or end >= begin:
        return {}
    if is_unreadable_time(begin) or is_unreadable_time(end) or sent.begin is None:
        return {}
    length = max(timedelta(0), (sent.end or sent.begin) - sent.begin)
    if "end" in wanted:
        return {"end": begin + length}
    return {"begin": end - length} if "begin" in wanted else {}


def _moved(field: str, reading: Reading[Entry]) -> bool:
    before, after = reading.base.fields, _lasting_as(reading.base.fields, reading.sent.fields)
    return not same(field, getattr(after, field), getattr(before, field))


def _alarm_switched_off(reading: Reading[Entry], now: datetime) -> bool:
    """Return whether a past appointment lost its alarm: gone, or acknowledged at or after the end (rule 20)."""
    base, sent = reading.base, reading.sent
    end = sent.fields.end or sent.fields.begin
    if sent.component != "VEVENT" or not base.fields.reminder_has_time or end is None or end > now:
        return False
    acknowledged = sent.acknowledged is not None and sent.acknowledged >= end and sent.acknowledged != base.acknowledged
    return not sent.fields.reminder_has_time or acknowledged


def new_activity_values(
    sent: Entry, kind: str, subject: str, zone: ZoneInfo, now: datetime
) -> tuple[tuple[str, Value], ...]:
    """Return the fields of an activity made on a device (rule 21).

    ``kind``: its DSN; ``zone``, ``now``: the office's zone and local time. Without an alarm its Vorlage is the day on
    which it begins, without time; of a task the day when it is due, else when it starts, else today.
    """
    values = sent.fields
    due = values.reminder
    if not values.reminder_has_time:
        day = values.reminder or start_of(sent, zone) if sent.component == "VTODO" else values.begin
        due = datetime.combine((day or now).date(), time.min)
    begin = values.begin or due
    found: dict[str, Value] = {
        "kind": kind,
        "subject": subject,
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
    """Return the sidecar of an activity made on a device; ``values`` are the fields that it is made with.

    A task without due date gets a line that hides FlowFact's Vorlage (rule 22).
    """
    vorlage = dict(values).get("reminder")
    if sent.component != "VTODO" or sent.fields.reminder is not None or not isinstance(vorlage, datetime):
        return sent.sidecar
    return (*sent.sidecar, undated_tasks.line_of(vorlage))
