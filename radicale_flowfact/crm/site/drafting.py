"""Drafts a name map from a real schema by similarity of names, types and columns; a person must confirm it.

Tables are compared by the concepts in their names, and by how many of their columns have a counterpart. Then each
column is assigned to the most similar one of a fitting type. What is mapped already and exists is kept.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.types import TypeEngine

from radicale_flowfact.crm.names import OPTIONAL, TABLES, NameMap
from radicale_flowfact.crm.site.vocabulary import OTHER_MEANINGS, concepts, folded

_SURE, _LIKELY = 0.85, 0.5
_TABLE_SURE, _TABLE_LIKELY = 0.65, 0.42
_LINKS = frozenset({"BENMKM", "BENGRP", "ADMKM", "AKTMKM", "AKTAD"})
Fits = Callable[[str, TypeEngine[Any]], bool]
"""Whether a logical column can be in a column of this type."""


@dataclass(frozen=True, slots=True)
class Found:
    """A table or view of the database: ``name`` with its schema if it needs one, and its columns' types."""

    name: str
    columns: Mapping[str, TypeEngine[Any]]


@dataclass(frozen=True, slots=True)
class Guess:
    """A line of the draft. ``physical`` is "" if nothing is similar; ``nearest`` then names what comes nearest."""

    logical: str
    physical: str
    likeness: float
    nearest: str = ""

    @property
    def is_sure(self) -> bool:
        """Whether the guess is very probably right."""
        return self.likeness >= _SURE


def draft(names: NameMap, there: Sequence[Found], fits: Fits) -> list[Guess]:
    """Return a guess for every table and column of the reference schema, in its order."""
    tables = _matched_tables(names, there, fits)
    guesses = []
    for table in TABLES:
        score, found = tables.get(table, (0.0, None))
        if found is None:
            guesses.append(Guess(table, "", 0.0, _nearest(table, [one.name for one in there])))
            continue
        guesses.append(Guess(table, found.name, score))
        limit = 1.0 if score >= _TABLE_SURE else _SURE - 0.01  # in a doubtful table no column is sure
        guesses += [
            replace(guess, likeness=min(guess.likeness, limit)) for guess in _columns(names, table, found, fits)
        ]
    return guesses


def toml(guesses: Iterable[Guess]) -> list[str]:
    """Return the draft as lines of a ``[names]`` section; it holds only what differs from the reference."""
    lines = ["[names]"]
    for guess in guesses:
        key = f'"{guess.logical}"'
        if guess.physical == guess.logical.rpartition(".")[2] and guess.is_sure:
            continue
        if guess.physical:
            mark = "" if guess.is_sure else "  # please check" if guess.likeness >= _LIKELY + 0.15 else "  # a guess"
            lines.append(f"{key} = {_quoted(guess.physical)}{mark}")
            continue
        hint = f"; the nearest is {guess.nearest}" if guess.nearest else ""
        if guess.logical in OPTIONAL:
            lines.append(f'{key} = ""  # nothing like it{hint}. Without it: {OPTIONAL[guess.logical]}')
        else:
            lines.append(f'# {key} = "…"  # MISSING and needed; nothing like it{hint}')
    return lines if len(lines) > 1 else [*lines, "# nothing differs from the reference"]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _matched_tables(names: NameMap, there: Sequence[Found], fits: Fits) -> dict[str, tuple[float, Found]]:
    """Return the assignment of tables, each used once, beginning with the most similar pair."""
    kept = {table: found for table in TABLES if (found := _kept(names, table, there)) is not None}
    taken = {found.name for found in kept.values()}
    pairs = [
        (_table_likeness(table, one, fits), table, one)
        for table in TABLES
        for one in there
        if table not in kept and one.name not in taken
    ]
    matched = {table: (1.0, found) for table, found in kept.items()}
    for score, table, one in sorted(pairs, key=lambda pair: -pair[0]):
        if score >= _TABLE_LIKELY and table not in matched and one.name not in taken:
            matched[table] = score, one
            taken.add(one.name)
    return matched


def _kept(names: NameMap, table: str, there: Sequence[Found]) -> Found | None:
    """Return the table that the present map names, if it exists; None for one that is mapped to nothing."""
    place = names.table(table)
    if place is None:
        return None
    wanted = ".".join(part for part in place if part).casefold()
    return next((one for one in there if one.name.casefold() == wanted), None)


def _table_likeness(table: str, found: Found, fits: Fits) -> float:
    name = found.name.rpartition(".")[2]
    matched = _assigned(TABLES[table], found, fits, table)
    overlap = sum(score for score, _ in matched.values()) / len(TABLES[table])
    surplus = len(found.columns) - len(matched)
    crowded = surplus / (surplus + 6) if table in _LINKS else surplus / (surplus + 60)
    return (0.55 * likeness(table, name) + 0.45 * overlap) * (1 - 0.3 * crowded)


def _columns(names: NameMap, table: str, found: Found, fits: Fits) -> list[Guess]:
    caseless = {column.casefold(): column for column in found.columns}
    kept: dict[str, str] = {}
    for column in TABLES[table]:
        physical = caseless.get((names.column(table, column) or "").casefold())
        if physical is not None and fits(column, found.columns[physical]):
            kept[column] = physical
    rest = Found(found.name, {name: kind for name, kind in found.columns.items() if name not in kept.values()})
    open_columns = [column for column in TABLES[table] if column not in kept]
    matched = {column: (1.0, physical) for column, physical in kept.items()} | _assigned(
        open_columns, rest, fits, table
    )
    guesses = []
    for column in TABLES[table]:
        score, physical = matched.get(column, (0.0, ""))
        nearest = "" if physical else _nearest(f"{table}.{column}", list(rest.columns))
        guesses.append(Guess(f"{table}.{column}", physical, score, nearest))
    return guesses


def _assigned(columns: Sequence[str], found: Found, fits: Fits, table: str) -> dict[str, tuple[float, str]]:
    """Return a column for each logical one, each used once, beginning with the most similar pair."""
    pairs = [
        (likeness(f"{table}.{column}", physical, found.name), column, physical)
        for column in columns
        for physical, kind in found.columns.items()
        if fits(column, kind)
    ]
    matched: dict[str, tuple[float, str]] = {}
    taken: set[str] = set()
    for score, column, physical in sorted(pairs, key=lambda pair: -pair[0]):
        if score >= _LIKELY and column not in matched and physical not in taken:
            matched[column] = score, physical
            taken.add(physical)
    return matched


def likeness(logical: str, physical: str, found_table: str = "") -> float:
    """Return from 0 to 1 how probable it is that a name has the meaning of a logical name ("AD", "AD.FIRMA").

    ``found_table``: the table of a column; its words may stand before each of its columns, and then mean nothing.
    """
    plain = logical.rpartition(".")[2]
    if folded(plain) == folded(physical):
        return 1.0
    there = concepts(physical)
    own = _without(there, concepts(found_table)) if found_table else there
    meanings = [(plain_concepts := concepts(plain)), *OTHER_MEANINGS.get(logical, ())]
    if len(plain_concepts) > 1 and plain_concepts[-1] == "key":
        meanings.append(plain_concepts[:-1])  # a reference is often called as what it refers to
    about = max(max(_shared(meaning, there), 0.97 * _shared(meaning, own)) for meaning in meanings)
    letters = difflib.SequenceMatcher(None, folded(plain), folded(physical)).ratio()
    return max(0.9 * about + 0.1 * letters, letters - 0.1)


def _shared(wanted: Sequence[str], there: Sequence[str]) -> float:
    """Return the common share of two lists of concepts; the last one is the noun, the others qualify it."""
    if not wanted or not there:
        return 0.0
    common = len(set(wanted) & set(there))
    score = 2 * common / (len(set(wanted)) + len(set(there)))
    return score if wanted[-1] == there[-1] else score * 0.95


def _without(there: Sequence[str], words: Sequence[str]) -> tuple[str, ...]:
    rest = tuple(concept for concept in there if concept not in words)
    return rest or tuple(there)


def _nearest(name: str, there: Sequence[str]) -> str:
    scored = [(likeness(name, one.rpartition(".")[2]), one) for one in there]
    best = max(scored, default=(0.0, ""))
    return best[1] if best[0] >= 0.3 else ""
