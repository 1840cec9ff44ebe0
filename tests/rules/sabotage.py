"""Spoils one line of the code for each rule and sees that a test of that rule fails.

``python -m tests.rules.sabotage`` runs all of them (some minutes), with numbers only those rules. Each processor works
on a copy of the project, so nothing is left behind. ``tests/rules/README.md`` lists them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from multiprocessing.pool import ThreadPool
from pathlib import Path

ROOT = Path(__file__).parents[2]

# What others write or delete while the project is copied, and what no test needs.
_LEFT_BEHIND = [".git", ".venv", ".*_cache", ".hypothesis", ".coverage*", "__pycache__", "build", "dist", "site"]
_LEFT_BEHIND += ["demo.sqlite*", "demo-config", "*.egg-info"]


@dataclass(frozen=True)
class Sabotage:
    """One line of one file, and what it is replaced by."""

    rule: int
    file: str
    before: str
    after: str

    def text(self, root: Path = ROOT) -> str:
        """Return the file's text."""
        return (root / "radicale_flowfact" / self.file).read_text(encoding="utf-8")


SABOTAGES = [
    Sabotage(1, "crm/users.py", "    if not user.active:", "    if False:"),
    Sabotage(2, "crm/scope.py", "return and_(activity.c.DSN.in_(tagged), _suits", "return and_(true(), _suits"),
    Sabotage(
        3,
        "crm/scope.py",
        "union(_tagged_addresses(tables, canonical), _linked_addresses(tables, canonical))",
        "union(_tagged_addresses(tables, canonical))",
    ),
    Sabotage(4, "crm/scope.py", "or_(last.is_(None), last >= _past_limit(begin))", "true()"),
    Sabotage(
        5, "crm/conditions.py", "return or_(not_(exists().where(mine)), exists().where(mine, entry))", "return true()"
    ),
    Sabotage(6, "crm/scope.py", "row_digest([members.c.DSN, *shown])", "row_digest([*shown])"),
    Sabotage(6, "crm/scope.py", '"STRASSE", "PLZ", "ORT", "EMAIL")', '"EMAIL")'),
    Sabotage(6, "dav/reading/refresh.py", "item.sums != str(member.sums)", "False"),
    Sabotage(
        7,
        "maps/ical_rendering.py",
        "if activity.done or not activity.reminder_has_time",
        "if not activity.reminder_has_time",
    ),
    Sabotage(
        8,
        "dav/writing/put_delete.py",
        "served = etag_of(payload.text) if same else canonical",
        "served = canonical + 'x'",
    ),
    Sabotage(9, "maps/contacts/reading.py", "            fax=self._number(self._fax()),", "            fax='',"),
    Sabotage(10, "maps/contacts/phones.py", "        if 1 <= phone.position <= len(slots) and", "        if"),
    Sabotage(
        11,
        "maps/contacts/phones.py",
        '    extension = f";{parsed.extension}" if parsed.extension else ""',
        "    return number",
    ),
    Sabotage(12, "dav/writing/put_delete.py", 'and policy == "device" and not has_record', "and False"),
    Sabotage(13, "dav/writing/put_delete.py", "hidden=member is not None)", "hidden=False)"),
    Sabotage(14, "dav/writing/creating.py", "(*made.actions, tag, *rights)", "(*made.actions, *rights)"),
    Sabotage(
        15, "dav/writing/put_delete.py", "            actions.append(AddMerkmal(record.key, own))", "            pass"
    ),
    Sabotage(15, "dav/writing/taken_off.py", "    if not is_his:", "    if False:"),
    Sabotage(16, "maps/ical_summaries.py", 'return f"{before}{subject}{after}" if kind else subject', "return subject"),
    Sabotage(
        17, "maps/ical_reading.py", 'note=ffdata.strip(entry.text("DESCRIPTION"))', 'note=entry.text("DESCRIPTION")'
    ),
    Sabotage(17, "maps/ffdata.py", "if len({words_of(text) for text in found}) == 1 else", "if found else"),
    Sabotage(18, "crm/reads.py", "    return mine - others", "    return set()"),
    Sabotage(19, "dav/writing/put_delete.py", "        actions.append(RemoveMerkmal(key, own))", "        pass"),
    Sabotage(20, "dav/writing/edits/entries.py", "or end is None or end > now:", "or end is None:"),
    Sabotage(21, "dav/writing/creating.py", "    for wanted in (preset, fallback):", "    for wanted in (fallback,):"),
    Sabotage(21, "dav/writing/creating.py", "    if titled is not None:", "    if False:"),
    Sabotage(21, "dav/writing/edits/entries.py", "has is not None and (had is None or had[0] != has[0])", "False"),
    Sabotage(22, "maps/ical_reading.py", '    done = status == "COMPLETED" or (', "    done = False and ("),
    Sabotage(23, "dav/writing/put_delete.py", "sender and dsn_key(sender) != dsn_key(write.user.dsn)", "False"),
    Sabotage(
        24,
        "content/timezones.py",
        "        return to_local(plain.replace(tzinfo=resolve_tzid(self._tzid, self._own_zones)), self._zone)",
        "        return plain",
    ),
    Sabotage(
        25,
        "dav/writing/edits/sidecars.py",
        "    return (*(line for line in merged if name_of(line) not in replaced), *new)",
        "    return ()",
    ),
    Sabotage(
        26,
        "dav/writing/edits/contacts.py",
        "not same(field, getattr(reading.sent.fields, field), ",
        'not same("", "", ',
    ),
    Sabotage(27, "http/refusals.py", "    gateway.remember_refused(event)", "    pass"),
    Sabotage(
        28,
        "dav/reading/whole_texts.py",
        "    return value if limit is None else limit.cut(value)",
        "    return value",
    ),
    Sabotage(28, "dav/reading/whole_texts.py", 'or "") == whole.beginning]', 'or "") is not None]'),
    Sabotage(29, "dav/writing/undo.py", "    if not unchanged:", "    if False:"),
    Sabotage(30, "dav/reading/safety_stop.py", "    if not there:", "    if True:"),
    Sabotage(30, "dav/reading/safety_stop.py", "session.utc - _DAY)", "session.utc)"),
    Sabotage(31, "dav/writing/put_delete.py", "    if not settings.write:", "    if False:"),
    Sabotage(
        43,
        "dav/store/devices.py",
        "    return Device(login, program(sent), sent)",
        "    return Device(login, sent, sent)",
    ),
    Sabotage(43, "dav/writing/edits/seen.py", "return all(differs(reading)", "return any(differs(reading)"),
    Sabotage(43, "dav/writing/edits/seen.py", "return field not in self.frozen and", "return"),
    Sabotage(43, "dav/writing/candidates.py", "    if len(chains) == 1:", "    if False:"),
    Sabotage(43, "dav/writing/candidates.py", "    return all(chain.presented >=", "    return any(chain.presented >="),
    Sabotage(43, "dav/store/request.py", """return self.if_match.count('"') == 2""", "return bool(self.if_match)"),
    Sabotage(44, "content/mending.py", "text = _DECOMPOSED.sub(lambda found: _composed(found[0]), text)", "pass"),
    Sabotage(44, "dav/writing/places.py", "    if not has or has == had:", "    if True:"),
    Sabotage(44, "maps/ical_sidecar.py", "if kept and had.get(name) == said:", "if False:"),
    Sabotage(44, "maps/contacts/rendering.py", "    kept.drop_old_twins(found)", "    pass"),
    Sabotage(44, "maps/contacts/reading.py", "if kept and twin.said(base or ()) == said:", "if False:"),
    Sabotage(44, "dav/writing/last_seen.py", "sent = respelling.as_served(served, said)", "sent = said"),
    Sabotage(44, "dav/writing/last_seen.py", "    served = _spelt_as_sent(text)", "    served = text"),
    Sabotage(44, "dav/writing/identity.py", "return one == other or", "return one == other and"),
    Sabotage(
        44,
        "dav/writing/last_seen.py",
        "card_versions.spelt_as(sent, served) if self.name is Name.ADDRESSES else sent",
        "sent",
    ),
    Sabotage(4, "dav/reading/refresh.py", "elif taker is Gone.WINDOW and item.gone_by == Gone.LEAVING:", "elif False:"),
    Sabotage(
        9, "dav/writing/edits/contacts.py", "tuple((found | whole_address(sent)).items())", "tuple(found.items())"
    ),
    Sabotage(
        10,
        "maps/contacts/phones.py",
        "    if found is None:\n        return number",
        "    if True:\n        return number",
    ),
    Sabotage(14, "dav/writing/lost.py", "    if not made.taken:", "    if True:"),
    Sabotage(22, "maps/undated_tasks.py", "        return rings", "        return False"),
    Sabotage(24, "maps/repeated_hour.py", "and end - begin < length:", "and False:"),
    Sabotage(24, "content/timezones.py", "    shown = _DISPLAYED.fullmatch(name.strip())", "    return ''"),
    Sabotage(
        25,
        "maps/contacts/phones.py",
        "line.removesuffix(mine) for line in found), usual)",
        "line for line in ()), usual)",
    ),
    Sabotage(28, "content/contentlines.py", '    return _CONTROL.sub("", text)', "    return text"),
    Sabotage(28, "content/salvaging.py", "    if begun:\n        return lines", "    if True:\n        return lines"),
    Sabotage(28, "database/fault_codes.py", "        if self.number in _OF_NUMBER:", "        if False:"),
    Sabotage(28, "database/fault_codes.py", "        found = _OF_STATE.get(self.state) or", "        found ="),
    Sabotage(28, "database/fault_codes.py", "sqlite3.SQLITE_TOOBIG), _REFUSAL)", "sqlite3.SQLITE_TOOBIG), _OUTAGE)"),
    Sabotage(28, "http/refusals.py", '_NO_RIGHT = "D:need-privileges"', '_NO_RIGHT = "D:other"'),
]


def survives(sabotage: Sabotage, root: Path) -> bool:
    """Return whether all tests of the rule pass though the line is spoilt."""
    file = root / "radicale_flowfact" / sabotage.file
    whole = sabotage.text(root)
    file.write_text(whole.replace(sabotage.before, sabotage.after), encoding="utf-8")
    try:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/rules"]
        command += ["-k", f"rule_{sabotage.rule:02} and not at_random"]  # luck is no test
        return subprocess.run(command, cwd=root, capture_output=True, check=False).returncode == 0  # noqa: S603
    finally:
        file.write_text(whole, encoding="utf-8")


def main(wanted: list[str]) -> int:
    """Run the sabotages; return 1 if one of them goes unnoticed."""
    chosen = [sabotage for sabotage in SABOTAGES if not wanted or str(sabotage.rule) in wanted]
    unnoticed = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPool(os.cpu_count()) as pool:

        def attempt(sabotage: Sabotage) -> bool:
            root = Path(folder) / threading.current_thread().name
            if not root.exists():
                shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*_LEFT_BEHIND))
            return survives(sabotage, root)

        for sabotage, bad in zip(chosen, pool.imap(attempt, chosen), strict=True):
            unnoticed += bad
            print(f"rule {sabotage.rule:2}  {'UNNOTICED' if bad else 'noticed'}  {sabotage.file}", flush=True)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
