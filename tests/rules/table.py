"""Makes ``docs/rules.md``, a section for each rule with its tests: ``python -m tests.rules.table``."""

from __future__ import annotations

import ast
import re
import textwrap
from collections import defaultdict
from pathlib import Path

from tests.rules.sentences import CHAPTERS, Rule

HERE = Path(__file__).parent
TARGET = HERE.parents[1] / "docs" / "rules.md"
WIDTH = 118
_HEAD = """\
# The rules, and what proves them

What must hold between FlowFact and the devices. Each rule has its sentence, then what it means in practice: each point
with the test that proves it. The tests lie in `tests/rules/`; each drives the gateway over HTTP and looks at both
sides, the DAV answer and FlowFact's rows. Which forms alarms have, and what becomes of each, stands in
`radicale_flowfact/maps/alarms.py`.

*Own Merkmal*: the user's Benutzermerkmal. *Scope*: the records that a user's collection holds.

This page is made by `python -m tests.rules.table` from `tests/rules/sentences.py` and the docstrings of the tests.
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


def page() -> str:
    """Return the text of ``docs/rules.md``."""
    tests = rule_tests()
    parts = [_HEAD]
    for chapter, rules in CHAPTERS.items():
        parts.append(f"\n## {chapter}\n")
        parts.extend(_section(number, rule, tests[number]) for number, rule in rules.items())
    return "".join(parts)


def _section(number: int, rule: Rule, tests: list[tuple[str, str]]) -> str:
    """Return a rule's section: its sentence, and a point for each test."""
    points = (f"* {_wrapped(says, indent='  ')[2:]}<br>\n  `{test}`\n" for test, says in tests)
    return f"\n### {number}. {rule.name}\n\n{_wrapped(rule.sentence)}\n\n" + "".join(points)


def _wrapped(text: str, *, indent: str = "") -> str:
    """Return the text in lines that fit the page; none begins like a list or a heading."""
    lines = textwrap.wrap(
        text.replace("\\|", "|"),
        WIDTH - 4,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(re.sub(r"^( *)([-+*#]|\d+\.)(?= )", r"\1\\\2", line) for line in lines)


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
