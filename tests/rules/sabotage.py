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
        "union(_tagged_addresses(tables), _linked_addresses(tables))",
        "union(_tagged_addresses(tables))",
    ),
    Sabotage(4, "crm/scope.py", "or_(end.is_(None), end >= _past_limit(activity.c.BEGINN))", "true()"),
    Sabotage(5, "crm/scope.py", "return or_(not_(exists().where(mine)), exists().where(mine, entry))", "return true()"),
    Sabotage(6, "dav/refresh.py", "item.sums != str(member.sums)", "False"),
    Sabotage(
        7, "ical_map.py", "if activity.done or not activity.reminder_has_time", "if not activity.reminder_has_time"
    ),
    Sabotage(8, "dav/writing.py", "served = etag_of(payload.text) if same else canonical", "served = canonical + 'x'"),
    Sabotage(9, "vcard_map.py", "            fax=self._number(self._fax()),", "            fax='',"),
    Sabotage(10, "phones.py", "        if 1 <= phone.position <= len(slots) and", "        if"),
    Sabotage(
        11, "phones.py", '    extension = f";{parsed.extension}" if parsed.extension else ""', "    return number"
    ),
    Sabotage(12, "dav/writing.py", 'and policy == "device" and not has_record', "and False"),
    Sabotage(13, "dav/writing.py", "hidden=member is not None,", "hidden=False,"),
    Sabotage(14, "dav/creating.py", "(*made.actions, tag, *rights)", "(*made.actions, *rights)"),
    Sabotage(15, "dav/writing.py", "            actions.append(AddMerkmal(record.key, own))", "            pass"),
    Sabotage(16, "ical_map.py", 'return f"{before}{subject}{after}" if kind else subject', "return subject"),
    Sabotage(17, "ical_reading.py", 'note=ffdata.strip(entry.text("DESCRIPTION"))', 'note=entry.text("DESCRIPTION")'),
    Sabotage(18, "crm/reads.py", "    return mine - others", "    return set()"),
    Sabotage(19, "dav/writing.py", "        actions.append(RemoveMerkmal(key, own))", "        pass"),
    Sabotage(20, "dav/edits.py", "or end is None or end > now:", "or end is None:"),
    Sabotage(21, "dav/creating.py", "    for wanted in (preset, fallback):", "    for wanted in (fallback,):"),
    Sabotage(22, "ical_reading.py", '    done = status == "COMPLETED" or (', "    done = False and ("),
    Sabotage(23, "dav/writing.py", "sender and dsn_key(sender) != dsn_key(write.user.dsn)", "False"),
    Sabotage(
        24,
        "timezones.py",
        "    return to_local(plain.replace(tzinfo=resolve(name, own_zones)), zone)",
        "    return plain",
    ),
    Sabotage(
        25,
        "dav/edits.py",
        "    return (*(line for line in merged if _name(line) not in replaced), *new)",
        "    return ()",
    ),
    Sabotage(26, "dav/edits.py", "getattr(sent.fields, field.name), getattr(base.fields, field.name))", 'None, "x")'),
    Sabotage(27, "app.py", "        self._storage.gateway.remember_refused(event)", "        pass"),
    Sabotage(28, "crm/writes.py", "    if limit is not None and length > limit:", "    if False:"),
    Sabotage(29, "dav/undo.py", "    if not unchanged:", "    if False:"),
    Sabotage(30, "dav/refresh.py", "    if not stopped:", "    if True:"),
    Sabotage(31, "dav/writing.py", "    if not settings.write:", "    if False:"),
]


def survives(sabotage: Sabotage, root: Path) -> bool:
    """Return whether all tests of the rule pass though the line is spoilt."""
    file = root / "radicale_flowfact" / sabotage.file
    whole = sabotage.text(root)
    file.write_text(whole.replace(sabotage.before, sabotage.after), encoding="utf-8")
    try:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/rules"]
        command += ["-k", f"rule_{sabotage.rule:02}"]
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
                shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(".git", ".venv", "demo*", "*.egg-info"))
                shutil.copytree(ROOT / "radicale_flowfact" / "demo", root / "radicale_flowfact" / "demo")
            return survives(sabotage, root)

        for sabotage, bad in zip(chosen, pool.imap(attempt, chosen), strict=True):
            unnoticed += bad
            print(f"rule {sabotage.rule:2}  {'UNNOTICED' if bad else 'noticed'}  {sabotage.file}", flush=True)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
