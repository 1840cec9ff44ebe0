"""Turns what a check found into one screen for a person, or into JSON for a program."""

from __future__ import annotations

from collections.abc import Iterator

from radicale_flowfact.crm.site.tally import Reason
from radicale_flowfact.database.secrets import masked
from radicale_flowfact.dav.admin.checking.findings import Counts, Finding, Group, Report
from radicale_flowfact.dav.store.session import Name

FORMAT = 1
"""Version of the JSON: it grows when a key changes its meaning or goes, not when one is added."""
_TITLES = {
    Group.DATABASE: "Database",
    Group.NAMES: "Names",
    Group.VALUES: "Values",
    Group.USERS: "Users",
    Group.LOGINS: "Logins",
    Group.WEB: "Web",
    Group.WRITING: "Writing",
    Group.OWN: "Own tables",
}
_REASONS = {
    Reason.MISSING: "{count} without a record",
    Reason.OTHER_KIND: "{count} of no suitable kind",
    Reason.WITHOUT_DUE: "{count} without a Vorlage",
    Reason.ARCHIVED: "{count} archived",
    Reason.NO_RIGHT: "{count} that he may not read",
    Reason.PAST: "{count} outside the window of the past",
}
_TITLE_WIDTH = 24


def problem_lines(report: Report, *, faults: bool) -> Iterator[str]:
    """Yield the faults, or else the notes, by group; below each the next step."""
    word = "fault" if faults else "note"
    for group in Group:
        found = [one for one in report.findings if one.group is group and one.is_fault is faults]
        if found:
            yield _TITLES[group]
        for one in found:
            yield f"  {word}: {_indented(masked(one.text))}"
            if one.step:
                yield f"        -> {_indented(masked(one.step))}"


def _indented(text: str) -> str:
    return text.replace("\n", "\n        ")


def fact_lines(report: Report) -> Iterator[str]:
    """Yield the facts by group, their titles in a column."""
    for group in Group:
        found = [fact for fact in report.lines if fact.group is group]
        if found:
            yield _TITLES[group]
        for fact in found:
            yield f"  {fact.title:<{_TITLE_WIDTH}} {masked(fact.text)}"


def count_lines(report: Report) -> Iterator[str]:
    """Yield how each login's collections come to their numbers, counted from the rows of his Merkmale."""
    for counts in report.counts:
        yield f"  {counts.login}/{counts.name}: {_count_words(counts)}"


def _count_words(counts: Counts) -> str:
    table = "ADMKM" if counts.name is Name.ADDRESSES else "AKTMKM"
    words = (
        f"{counts.rows} rows of {table} with his Merkmale, {counts.records} records; {counts.shown} in the collection"
    )
    left_out = [
        _REASONS[reason].format(count=counts.left_out[reason]) for reason in Reason if reason in counts.left_out
    ]
    if left_out:
        words += f"; not: {', '.join(left_out)}"
    return words + (f"; {counts.linked} more by his appointments" if counts.linked else "")


def summary(report: Report) -> str:
    """Return the last line: how many faults and notes."""
    faults, notes = len(report.faults), len(report.notes)
    if not faults:
        return "No faults." if not notes else f"No faults. {notes} notes."
    return f"{faults} faults, {notes} notes. Names: check --write-map drafts them."


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
    return {
        "group": one.group.value,
        "level": "fault" if one.is_fault else "note",
        "text": masked(one.text),
        "step": masked(one.step),
    }


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
