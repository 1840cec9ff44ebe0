"""Drafts a name map from a real schema by names, types and values; a person must confirm it.

Tables are compared by the concepts in their names, and by how many of their columns have a counterpart. Then each
column is assigned to the most similar one whose type and values fit; values weigh as much as the name. What is mapped
already and exists is kept. What may be absent is taken only where it is sure: a wrong table would change what users
see. ``hint`` answers for one name by the same measure.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.types import TypeEngine

from radicale_flowfact.crm.names import OPTIONAL, TABLES, NameMap
from radicale_flowfact.crm.site import evidence
from radicale_flowfact.crm.site.vocabulary import OTHER_MEANINGS, concepts, folded

_SURE, _LIKELY = 0.85, 0.5
_TABLE_SURE, _TABLE_LIKELY = 0.65, 0.42
_LINKS = frozenset({"BENMKM", "BENGRP", "ADMKM", "AKTMKM", "AKTAD"})
Fits = Callable[[str, TypeEngine[Any]], bool]
"""Whether a logical column can be in a column of this type."""


@dataclass(frozen=True, slots=True)
class Found:
    """A table or view of the database: ``name`` with its schema if it needs one, and its columns' types.

    ``values``: of each column those of the same few rows; none if they were not read. ``all_rows``: whether these are
    all rows.
    """

    name: str
    columns: Mapping[str, TypeEngine[Any]]
    values: Mapping[str, Sequence[object]] = field(default_factory=dict)
    all_rows: bool = False


@dataclass(frozen=True, slots=True)
class Guess:
    """A line of the draft. ``physical`` is "" if nothing is similar; ``nearest`` then names what comes nearest.

    ``in_doubt``: it may be absent, and ``nearest`` may be it: a person has to say.
    """

    logical: str
    physical: str
    likeness: float
    nearest: str = ""
    in_doubt: bool = False

    @property
    def is_sure(self) -> bool:
        """Whether the guess is very probably right."""
        return self.likeness >= _SURE


def draft(names: NameMap, there: Sequence[Found], fits: Fits) -> list[Guess]:
    """Return a guess for every table and column of the reference schema, in its order."""
    tables = _matched_tables(names, there, fits)
    keys = _keys(names, tables, fits)
    guesses = []
    for table in TABLES:
        if names.overrides.get(table) == "":
            guesses.append(Guess(table, "", 1.0))
            continue
        score, found = tables.get(table, (0.0, None))
        if found is None:
            guesses.append(Guess(table, "", 0.0, _nearest(table, [one.name for one in there])))
            continue
        limit = 1.0 if score >= _TABLE_SURE else _SURE - 0.01  # in a doubtful table no column is sure
        columns = [
            replace(guess, likeness=min(guess.likeness, limit)) for guess in _columns(names, table, found, fits, keys)
        ]
        guesses += _cautious(Guess(table, found.name, score), columns)
    return guesses


def hint(names: NameMap, logical: str, there: Sequence[Found], fits: Fits) -> str:
    """Return what comes nearest to a mapped name that does not exist, or "": a table, or a column of its table.

    ``there``: the tables of the database, or only the column's. What other names are mapped to is left out.
    """
    table, _, column = logical.partition(".")
    if not column:
        others = {_place(names, other) for other in TABLES if other != table}
        free = [one for one in there if one.name.casefold() not in others]
        scored = [(_table_likeness(table, one, fits), one.name) for one in free]
        return max((pair for pair in scored if pair[0] >= _TABLE_LIKELY), default=(0.0, ""))[1]
    guesses = (guess for one in there for guess in _columns(names, table, one, fits, {}))
    return next((guess.physical for guess in guesses if guess.logical == logical), "")


def _cautious(table: Guess, columns: list[Guess]) -> list[Guess]:
    """Return the guesses of a table and its columns; what may be absent is left so where it is in doubt."""
    if table.logical in OPTIONAL:
        lacks = any(not guess.physical for guess in columns if guess.logical not in OPTIONAL)
        if table.likeness < _TABLE_SURE or lacks:
            return [Guess(table.logical, "", 0.0, table.physical, in_doubt=True)]
    return [table, *(_cautious_column(guess) for guess in columns)]


def _cautious_column(guess: Guess) -> Guess:
    if guess.logical in OPTIONAL and guess.physical and not guess.is_sure:
        return Guess(guess.logical, "", 0.0, guess.physical, in_doubt=True)
    return guess


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
        near = f"; the nearest is {guess.nearest}" if guess.nearest else ""
        words = f"in doubt: perhaps {guess.nearest}" if guess.in_doubt else f"nothing like it{near}"
        if guess.logical in OPTIONAL:
            lines.append(f'{key} = ""  # {words}. Without it: {OPTIONAL[guess.logical]}')
        else:
            lines.append(f'# {key} = "…"  # MISSING and needed; nothing like it{near}')
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
        if table not in kept and one.name not in taken and names.overrides.get(table) != ""
    ]
    matched = {table: (1.0, found) for table, found in kept.items()}
    for score, table, one in sorted(pairs, key=lambda pair: -pair[0]):
        if score >= _TABLE_LIKELY and table not in matched and one.name not in taken:
            matched[table] = score, one
            taken.add(one.name)
    return matched


def _kept(names: NameMap, table: str, there: Sequence[Found]) -> Found | None:
    """Return the table that the present map names, if it exists; None for one that is mapped to nothing."""
    wanted = _place(names, table)
    return next((one for one in there if one.name.casefold() == wanted), None)


def _place(names: NameMap, table: str) -> str | None:
    """Return the name of a mapped table in small letters, with its schema."""
    place = names.table(table)
    return None if place is None else ".".join(part for part in place if part).casefold()


Keys = Mapping[str, tuple[frozenset[str], bool]]
"""The keys of each table that was found, and whether they are all of its keys."""


def _keys(names: NameMap, tables: Mapping[str, tuple[float, Found]], fits: Fits) -> Keys:
    found: dict[str, tuple[frozenset[str], bool]] = {}
    for table in set(evidence.REFERS.values()) & set(tables):
        one = tables[table][1]
        guess = next(guess for guess in _columns(names, table, one, fits, {}) if guess.logical == f"{table}.DSN")
        if guess.physical and guess.likeness >= _LIKELY:
            found[table] = evidence.keys_of(one.values.get(guess.physical, ())), one.all_rows
    return found


def _table_likeness(table: str, found: Found, fits: Fits) -> float:
    name = found.name.rpartition(".")[2]
    matched = _assigned(TABLES[table], found, fits, table)
    overlap = sum(score for score, _ in matched.values()) / len(TABLES[table])
    surplus = len(found.columns) - len(matched)
    crowded = surplus / (surplus + 6) if table in _LINKS else surplus / (surplus + 60)
    return (0.55 * likeness(table, name) + 0.45 * overlap) * (1 - 0.3 * crowded)


def _columns(names: NameMap, table: str, found: Found, fits: Fits, keys: Keys) -> list[Guess]:
    caseless = {column.casefold(): column for column in found.columns}
    kept: dict[str, tuple[float, str]] = {}
    for column in TABLES[table]:
        physical = caseless.get((names.column(table, column) or "").casefold())
        if physical is not None and _fits(column, physical, found, fits):
            is_told = f"{table}.{column}" in names.overrides
            kept[column] = 1.0 if is_told else _weighed(1.0, column, physical, found, keys), physical
    taken = {physical for _, physical in kept.values()}
    rest = replace(found, columns={name: kind for name, kind in found.columns.items() if name not in taken})
    absent = {column for column in TABLES[table] if names.overrides.get(f"{table}.{column}") == ""}
    open_columns = [column for column in TABLES[table] if column not in kept and column not in absent]
    matched = kept | _assigned(open_columns, rest, fits, table, keys)
    guesses = []
    for column in TABLES[table]:
        score, physical = matched.get(column, (float(column in absent), ""))
        nearest = "" if physical else _nearest(f"{table}.{column}", list(rest.columns))
        guesses.append(Guess(f"{table}.{column}", physical, score, nearest))
    return guesses


def _assigned(
    columns: Sequence[str], found: Found, fits: Fits, table: str, keys: Keys | None = None
) -> dict[str, tuple[float, str]]:
    """Return a column for each logical one, each used once, beginning with the most similar pair."""
    pairs = [
        (_weighed(named, column, physical, found, keys or {}), named, column, physical)
        for column in columns
        for physical in found.columns
        if _fits(column, physical, found, fits)
        for named in [likeness(f"{table}.{column}", physical, found.name)]
    ]
    matched: dict[str, tuple[float, str]] = {}
    taken: set[str] = set()
    for score, _, column, physical in sorted(pairs, key=lambda pair: (-pair[0], -pair[1])):
        if score >= _LIKELY and column not in matched and physical not in taken:
            matched[column] = score, physical
            taken.add(physical)
    return matched


def _fits(column: str, physical: str, found: Found, fits: Fits) -> bool:
    """Return whether a column has a type for this, or values that can be read as it."""
    return fits(column, found.columns[physical]) or evidence.takes(column, found.values.get(physical, ()))


def _weighed(named: float, column: str, physical: str, found: Found, keys: Keys) -> float:
    """Return how probable a column is by its name and, with the same weight, by what its values say."""
    values = found.values.get(physical, ())
    said = evidence.judge(column, values)
    if said is None and (target := evidence.REFERS.get(column)) in keys and target is not None:
        known, is_whole = keys[target]
        said = evidence.refers(values, known, all_keys=is_whole)
    return named if said is None else (named + said) / 2


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
    elif plain in evidence.REFERS:
        meanings.append((*plain_concepts, "key"))  # and one that is called so may say that it is a key
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
