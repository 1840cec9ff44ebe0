"""Finds records by what people call them, and names records, for the admin's commands (all of FlowFact, bounded)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, literal_column, or_, select
from sqlalchemy import Table as SqlTable

from radicale_flowfact.crm import rows
from radicale_flowfact.crm.rows import text_of
from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.database.engines import holds, holds_word
from radicale_flowfact.language.texts import shown_time
from radicale_flowfact.records import RecordKey, Table, dsn_key

MOST = 50
"""The most candidates that are listed."""
_MOST_WORDS, _LONGEST_WORD = 8, 60
_CHUNK = 500  # SQL Server takes 2,100 parameters
_ADDRESS = ("KENNUNG", "NAME", "VORNAME", "FIRMA", "ORT", "EMAIL")
_NUMBER = re.compile(r"[\d\s()/.+-]+", re.ASCII)
_FEWEST_DIGITS = 4
_BETWEEN_DIGITS = " /-().+"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that may be meant, with what people call it."""

    record: RecordKey
    title: str


def find_candidates(connection: Connection, tables: Tables, text: str) -> list[Candidate]:
    """Return the addresses and activities that a text may mean, at most ``MOST`` and one more.

    Each of its words is part of a name, firm, town or e-mail of an address, or of an activity's subject, in whatever
    case; or the text is part of a phone number, however that is written.
    """
    words = [word[:_LONGEST_WORD] for word in text.split()[:_MOST_WORDS]]
    if not words:
        return []
    address, activity = tables.address, tables.activity
    named = and_(*(_in_any(address, _ADDRESS, word) for word in words))
    found = [*_addresses(connection, address, named)]
    if digits := _digits_of(text):
        phone = tables.phone
        plain: ColumnElement[str] = phone.c.NUMMER
        for char in _BETWEEN_DIGITS:
            plain = func.replace(plain, literal_column(f"'{char}'"), literal_column("''"))
        owners = select(phone.c.AD_DSN).where(holds(plain, digits))
        found += _addresses(connection, address, address.c.DSN.in_(owners))
    about = and_(*(_in_any(activity, ("BETREFF",), word) for word in words))
    newest_first = select(*_activity_columns(activity)).where(about)
    newest_first = newest_first.order_by(activity.c.BEGINN.desc(), activity.c.DSN).limit(MOST + 1)
    found += [_activity(row) for row in rows.read(connection, newest_first)]
    return list({(one.record.table, dsn_key(one.record.dsn)): one for one in found}.values())[: MOST + 1]


def titles(connection: Connection, tables: Tables, records: Iterable[RecordKey]) -> dict[RecordKey, str]:
    """Return what people call these records; what is gone from FlowFact is left out."""
    wanted = {(one.table, dsn_key(one.dsn)): one for one in records}
    found: dict[RecordKey, str] = {}
    for table, key in ((tables.address, Table.ADDRESS), (tables.activity, Table.ACTIVITY)):
        for dsns in _chunks([one.dsn for one in wanted.values() if one.table is key]):
            columns = _address_columns(table) if key is Table.ADDRESS else _activity_columns(table)
            for row in rows.read(connection, select(*columns).where(table.c.DSN.in_(dsns))):
                named = _address(row) if key is Table.ADDRESS else _activity(row)
                found[wanted[key, dsn_key(named.record.dsn)]] = named.title
    return found


def _addresses(connection: Connection, address: SqlTable, condition: ColumnElement[bool]) -> Iterator[Candidate]:
    statement = select(*_address_columns(address)).where(condition)
    for row in rows.read(connection, statement.order_by(address.c.KENNUNG, address.c.DSN).limit(MOST + 1)):
        yield _address(row)


def _address_columns(address: SqlTable) -> list[ColumnElement[Any]]:
    return [address.c.DSN, *(address.c[name] for name in _ADDRESS if name in address.c)]


def _activity_columns(activity: SqlTable) -> list[ColumnElement[Any]]:
    return [activity.c.DSN, activity.c.BETREFF, activity.c.BEGINN, activity.c.VORLAGE]


def _in_any(table: SqlTable, names: Sequence[str], word: str) -> ColumnElement[bool]:
    """Return the condition that a word is part of one of these columns."""
    return or_(*(holds_word(table.c[name], word) for name in names if name in table.c))


def _digits_of(text: str) -> str:
    """Return a phone number's digits without prefixes of country and trunk; empty if the text is none."""
    digits = re.sub(r"\D", "", text, flags=re.ASCII) if _NUMBER.fullmatch(text) else ""
    digits = digits.removeprefix("00").removeprefix("49") if text.strip().startswith(("+", "00")) else digits
    return digits.lstrip("0") if len(digits.lstrip("0")) >= _FEWEST_DIGITS else ""


def _address(row: Row[Any]) -> Candidate:
    name = " ".join(part for part in (text_of(row, "VORNAME"), text_of(row, "NAME")) if part.strip())
    parts = [part.strip() for part in (name, text_of(row, "FIRMA"), text_of(row, "ORT")) if part.strip()]
    return Candidate(RecordKey(Table.ADDRESS, row.DSN), ", ".join(parts) or text_of(row, "KENNUNG"))


def _activity(row: Row[Any]) -> Candidate:
    when = row.BEGINN or row.VORLAGE
    subject = text_of(row, "BETREFF") or "…"
    return Candidate(RecordKey(Table.ACTIVITY, row.DSN), f"{subject}, {shown_time(when)}" if when else subject)


def _chunks(dsns: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(dsns), _CHUNK):
        yield dsns[start : start + _CHUNK]
