"""Collects the statements that the gateway executes, and where in the code each comes from."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.sql import Executable

import radicale_flowfact

HOME = Path(radicale_flowfact.__file__).parent
ROOMS = ("crm", "dav")
_EXECUTING = {"execute", "scalar", "scalars"}
_COMPOSING = {"_items"}  # executes for its callers what they compose
Place = tuple[str, int]
"""A file, from the package's folder on, and a line in it."""


@dataclass(frozen=True)
class Executed:
    """A statement with the parameters it was executed with: one mapping, or a list for many rows."""

    statement: Executable
    parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]]


@dataclass
class Collected:
    """What was executed, by one specimen of each place that it came from."""

    reached: set[Place] = field(default_factory=set)
    executed: list[Executed] = field(default_factory=list)

    def take(
        self,
        conn: Connection,
        clauseelement: Executable,
        multiparams: Sequence[Mapping[str, Any]],
        params: Mapping[str, Any],
        execution_options: Mapping[str, Any],
    ) -> None:
        """Take down one execution of the gateway's own; Alembic's and the tests' are not of interest."""
        places = _places()
        is_savepoint = "savepoint" in str(getattr(clauseelement, "__visit_name__", ""))  # SQLAlchemy writes those
        if places and not is_savepoint:
            self.reached |= places
            self.executed.append(Executed(clauseelement, list(multiparams) or dict(params)))


@contextmanager
def collecting() -> Iterator[Collected]:
    """Collect what any engine executes."""
    collected = Collected()
    event.listen(Engine, "before_execute", collected.take)
    try:
        yield collected
    finally:
        event.remove(Engine, "before_execute", collected.take)


def _places() -> set[Place]:
    """Return the lines of the gateway's rooms that are being executed in this thread."""
    found: set[Place] = set()
    frame = sys._getframe(2)
    while frame is not None:
        file = Path(frame.f_code.co_filename)
        if HOME in file.parents and file.relative_to(HOME).parts[0] in ROOMS:
            found.add((file.relative_to(HOME).as_posix(), frame.f_lineno))
        frame = frame.f_back  # type: ignore[assignment]
    return found


def call_sites() -> dict[str, tuple[str, int, int]]:
    """Return every call in the rooms that executes a statement, as its words: file, first and last line."""
    found = {}
    for room in ROOMS:
        for file in sorted((HOME / room).rglob("*.py")):
            if "migrations" in file.parts:
                continue
            name = file.relative_to(HOME).as_posix()
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and _executes(node):
                    found[f"{name}:{node.lineno} {ast.unparse(node)[:100]}"] = (name, node.lineno, node.end_lineno or 0)
    return found


def _executes(node: ast.Call) -> bool:
    called = node.func
    if isinstance(called, ast.Name):
        return called.id in _COMPOSING
    if not isinstance(called, ast.Attribute) or called.attr not in _EXECUTING:
        return False
    return "connection" in ast.unparse(called.value)


def unreached(collected: Collected) -> list[str]:
    """Return the calls that no statement came from; where a file executes the same words twice, once will do."""
    sites = call_sites()
    done = {
        (file, words.partition(" ")[2])
        for words, (file, first, last) in sites.items()
        if any(place == file and first <= line <= last for place, line in collected.reached)
    }
    return [words for words, (file, *_) in sites.items() if (file, words.partition(" ")[2]) not in done]
