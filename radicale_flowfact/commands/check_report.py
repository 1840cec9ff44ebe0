"""Turns what a check found into one screen for a person, or into JSON for a program."""

from __future__ import annotations

from collections.abc import Iterator

from radicale_flowfact.crm.site.tally import Reason
from radicale_flowfact.database.secrets import masked
from radicale_flowfact.dav.admin.checking.findings import Counts, Finding, Group, Report
from radicale_flowfact.dav.store.session import Name
from radicale_flowfact.language.texts import _, translated

FORMAT = 1
"""Version of the JSON: it grows when a key changes its meaning or goes, not when one is added."""
_TITLE_WIDTH = 24


def problem_lines(report: Report, *, faults: bool) -> Iterator[str]:
    """Yield the faults, or else the notes, by group; below each the next step."""
    word = _("fault") if faults else _("note")
    for group in Group:
        found = [one for one in report.findings if one.group is group and one.is_fault is faults]
        if found:
            yield _title(group)
        for one in found:
            cause, step = one.parts(translated(masked(one.text)))
            yield f"  {word}: {_indented(cause)}"
            if step := step or translated(masked(one.step)):
                yield f"        -> {_indented(step)}"


def _indented(text: str) -> str:
    return text.replace("\n", "\n        ")


def fact_lines(report: Report) -> Iterator[str]:
    """Yield the facts by group, their titles in a column."""
    for group in Group:
        found = [fact for fact in report.lines if fact.group is group]
        if found:
            yield _title(group)
        for fact in found:
            yield f"  {translated(fact.title):<{_TITLE_WIDTH}} {_indented(translated(masked(fact.text)))}"


def count_lines(report: Report) -> Iterator[str]:
    """Yield how each login's collections come to their numbers, counted from the rows of his Merkmale."""
    for counts in report.counts:
        yield f"  {counts.login}/{counts.name}: {_count_words(counts)}"


def _count_words(counts: Counts) -> str:
    words = _("{rows} rows of {table} with his Merkmale, {records} records; {shown} in the collection").format(
        rows=counts.rows,
        table="ADMKM" if counts.name is Name.ADDRESSES else "AKTMKM",
        records=counts.records,
        shown=counts.shown,
    )
    if left_out := [_reason(reason, number) for reason in Reason if (number := counts.left_out.get(reason, 0))]:
        words += _("; not: {reasons}").format(reasons=", ".join(left_out))
    return words + (_("; {linked} more by his appointments").format(linked=counts.linked) if counts.linked else "")


def _reason(reason: Reason, count: int) -> str:
    """Return why so many records are not in a collection."""
    words = {
        Reason.MISSING: _("{count} without a record"),
        Reason.OTHER_KIND: _("{count} of no suitable kind"),
        Reason.WITHOUT_DUE: _("{count} without a Vorlage"),
        Reason.ARCHIVED: _("{count} archived"),
        Reason.NO_RIGHT: _("{count} that he may not read"),
        Reason.PAST: _("{count} outside the window of the past"),
    }
    return words[reason].format(count=count)


def _title(group: Group) -> str:
    titles = {
        Group.DATABASE: _("Database"),
        Group.NAMES: _("Names"),
        Group.VALUES: _("Values"),
        Group.USERS: _("Users"),
        Group.LOGINS: _("Logins"),
        Group.WEB: _("Web"),
        Group.WRITING: _("Writing"),
        Group.OWN: _("Own tables"),
    }
    return titles[group]


def summary(report: Report) -> str:
    """Return the last line: how many faults and notes."""
    faults, notes = len(report.faults), len(report.notes)
    if faults:
        line = _("{faults} faults, {notes} notes. Names: check --write-map drafts them.")
        return line.format(faults=faults, notes=notes)
    return _("No faults. {notes} notes.").format(notes=notes) if notes else _("No faults.")


def as_json(report: Report, error: str = "") -> dict[str, object]:
    """Return the report for ``--json``; ``error``: why there was no check at all."""
    return {
        "format": FORMAT,
        "ok": not report.faults and not error,
        "error": masked(error),
        "faults": len(report.faults),
        "notes": len(report.notes),
        "findings": [_finding(one) for group in Group for one in report.findings if one.group is group],
        "facts": [
            {"group": fact.group.value, "title": fact.title, "text": masked(fact.text)}
            for group in Group
            for fact in report.lines
            if fact.group is group
        ],
        "users": [_user(row.cells, report) for row in report.users],
        "draft": report.draft,
    }


def _finding(one: Finding) -> dict[str, str]:
    text, step = one.parts(masked(one.text))
    level = "fault" if one.is_fault else "note"
    return {"group": one.group.value, "level": level, "text": text, "step": step or masked(one.step)}


def _user(cells: tuple[str, ...], report: Report) -> dict[str, object]:
    login, user, address_merkmale, activity_merkmale = cells[:4]
    return {
        "login": login,
        "user": user,
        "address_merkmale": address_merkmale,
        "activity_merkmale": activity_merkmale,
        "collections": {one.name.value: _counts(one) for one in report.counts if one.login == login},
    }


def _counts(one: Counts) -> dict[str, object]:
    return {
        "shown": one.shown,
        "rows": one.rows,
        "records": one.records,
        "left_out": {reason.value: one.left_out.get(reason, 0) for reason in Reason},
        "linked": one.linked,
    }
