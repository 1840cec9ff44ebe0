"""Makes ``docs/rules.md`` from the docstrings of the rule tests: ``python -m tests.rules.table``."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

RULES = {
    1: "A login is one FlowFact user, or gets nothing",
    2: "Collections hold what carries the user's Merkmale",
    3: "Linked addresses come along",
    4: "The past reaches back as far as allowed",
    5: "Rights and archive count",
    6: "Every change arrives, once",
    7: "Deleted and done in FlowFact",
    8: "The own write does not come back",
    9: "Fields of an address",
    10: "Phone numbers by position",
    11: "Numbers are recognised in any order and spelling",
    12: "Private contacts",
    13: "Deleting a contact takes only the own Merkmal off",
    14: "New contacts",
    15: "PUT after DELETE attaches the same record",
    16: "Subject, times, alarm and note",
    17: "FFDATA",
    18: "Private appointments",
    19: "Deleting an appointment takes only the own Merkmal off",
    20: "Alarm switched off in the past: done",
    21: "New appointments and tasks",
    22: "Tasks",
    23: "Internal mails",
    24: "Time zones and all-day",
    25: "What FlowFact has no field for",
    26: "Only what changed is written",
    27: "Two edits at once",
    28: "Bad values and bad records",
    29: "History and undo",
    30: "Safety stop",
    31: "Writing is off at first",
}
HERE = Path(__file__).parent
TARGET = HERE.parents[1] / "docs" / "rules.md"
_HEAD = """\
# The rules, and what proves them

Made by `python -m tests.rules.table` from the docstrings of the tests in `tests/rules/`; each test drives the gateway
over HTTP and looks at the DAV answer and at FlowFact's rows. What becomes of the several forms of alarms stands in
`radicale_flowfact/alarms.py`.

| rule | what it means in practice | tests |
|---|---|---|
"""


def rule_tests() -> dict[int, list[tuple[str, str]]]:
    """Return (name, docstring) of each test by the number in its name."""
    found: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    for file in sorted(HERE.glob("test_*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and (number := re.match(r"test_rule_(\d\d)_", node.name)):
                says = " ".join((ast.get_docstring(node) or "").split())
                found[int(number[1])].append((f"{file.name}::{node.name}", says))
    return found


def table() -> str:
    """Return the text of ``docs/rules.md``."""
    tests = rule_tests()
    rows = []
    for number, name in RULES.items():
        says = " ".join(says for _, says in tests[number])
        names = "<br>".join(f"`{test}`" for test, _ in tests[number])
        rows.append(f"| {number}. {name} | {says} | {names} |\n".replace("\\|", "|"))
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    TARGET.write_text(table(), encoding="utf-8")
