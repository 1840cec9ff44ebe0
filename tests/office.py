"""A small FlowFact office for tests: what its desktop program would write, by plain SQL."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, delete, insert, literal, select, update
from sqlalchemy import Table as SqlTable

from radicale_flowfact.crm.sums import BUCKETS
from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.database.engines import WRITES, spread

LONG_AGO = datetime(2026, 1, 5, 9, 0)


@dataclass
class Office:
    """FlowFact's desktop: every method is one committed transaction, as another program would make it."""

    engine: Engine
    tables: Tables
    _counter: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def add(self, table: SqlTable, **values: object) -> None:
        """Insert one row."""
        with self.engine.connect().execution_options(**WRITES) as connection, connection.begin():
            connection.execute(insert(table).values({table.c[key]: value for key, value in values.items()}))

    def change(self, table: SqlTable, where: dict[str, object], **values: object) -> None:
        """Update the rows that match ``where``."""
        conditions = [table.c[key] == value for key, value in where.items()]
        with self.engine.connect().execution_options(**WRITES) as connection, connection.begin():
            statement = update(table).where(*conditions)
            connection.execute(statement.values({table.c[key]: value for key, value in values.items()}))

    def remove(self, table: SqlTable, **where: object) -> None:
        """Delete the rows that match ``where``."""
        with self.engine.connect().execution_options(**WRITES) as connection, connection.begin():
            connection.execute(delete(table).where(*(table.c[key] == value for key, value in where.items())))

    def rows(self, table: SqlTable, **where: object) -> list[dict[str, Any]]:
        """Return rows as dictionaries by FlowFact's column names."""
        with self.engine.connect() as connection:
            query = select(table).where(*(table.c[key] == value for key, value in where.items()))
            found = connection.execute(query).all()
        return [dict(zip(table.c.keys(), row, strict=True)) for row in found]

    def row(self, table: SqlTable, **where: object) -> dict[str, Any]:
        """Return the one row that matches."""
        (found,) = self.rows(table, **where)
        return found

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """Return all rows of all FlowFact tables, ordered, to compare before with after."""
        return {
            name: sorted(self.rows(table), key=lambda row: [str(value) for value in row.values()])
            for name, table in self.all_tables().items()
        }

    def all_tables(self) -> dict[str, SqlTable]:
        """Return FlowFact's tables by a short name."""
        tables = self.tables
        named: dict[str, SqlTable | None] = {
            "AD": tables.address,
            "ADTEL": tables.phone,
            "ADMKM": tables.address_merkmal,
            "AKT": tables.activity,
            "AKTMKM": tables.activity_merkmal,
            "AKTAD": tables.activity_address,
            "ART": tables.kind,
            "BEN": tables.user,
            "MKM": tables.merkmal,
            "BENMKM": tables.user_merkmal,
            "GRP": tables.group,
            "BENGRP": tables.user_group,
            "RECHTE": tables.rights,
            "DELLOG": tables.deletion_log,
        }
        return {name: table for name, table in named.items() if table is not None}

    def dsn(self, prefix: str) -> str:
        """Return a new DSN."""
        return f"{prefix}-{next(self._counter):04d}-DSN"

    def merkmal(self, name: str, owner: str | None = None) -> str:
        """Add a Merkmal and return its DSN."""
        dsn = self.dsn("MKM")
        self.add(self.tables.merkmal, DSN=dsn, NAME=name, KUERZEL=name[:8], PFAD=name, AKTIV=True, BEN_DSN=owner)
        return dsn

    def user(self, login: str, **values: object) -> str:
        """Add an active user with an own Merkmal that his addresses and activities sync; return his DSN."""
        dsn = self.dsn("BEN")
        own = self.merkmal(f"Merkmal {login}", dsn)
        row = {"NAME": login.title(), "LOGIN": login, "AKTIV": True, "MKM_DSN": own}
        self.add(self.tables.user, DSN=dsn, **{**row, **values})
        for area in ("OUTLOOK", "VORLAGE"):
            self.syncs(dsn, own, area)
        return dsn

    def syncs(self, user: str, merkmal: str, area: str) -> None:
        """Let a user sync a Merkmal: ``OUTLOOK`` for addresses, ``VORLAGE`` for activities."""
        assert self.tables.user_merkmal is not None
        self.add(self.tables.user_merkmal, BEN_DSN=user, MKM_DSN=merkmal, BEREICH=area)

    def own(self, user: str) -> str:
        """Return the DSN of a user's own Merkmal."""
        found: str = self.row(self.tables.user, DSN=user)["MKM_DSN"]
        return found

    def kind(self, name: str, *, calendar: bool = False, task: bool = False, mail: bool = False) -> str:
        """Add an Aktivitätenart and return its DSN."""
        dsn = self.dsn("ART")
        flags = {"KALENDER": calendar, "AUFGABE": task, "MAIL": mail}
        self.add(self.tables.kind, DSN=dsn, NAME=name, KUERZEL=name[:8], **flags)
        return dsn

    def address(self, merkmale: Iterable[str] = (), phones: Iterable[str] = (), **values: object) -> str:
        """Add an address with Merkmale and phone numbers; return its DSN."""
        dsn = str(values.pop("DSN", None) or self.dsn("AD"))
        row: dict[str, object] = {"KENNUNG": dsn, "NAME": "Muster", "ARCHIV": False, "TOUCH": LONG_AGO}
        self.add(self.tables.address, DSN=dsn, **{**row, **values})
        for merkmal in merkmale:
            self.tag_address(dsn, merkmal)
        for position, number in enumerate(phones, 1):
            self.add(self.tables.phone, AD_DSN=dsn, POS=position, NUMMER=number, BEMERKUNG=f"Bemerkung {position}")
        return dsn

    def tag_address(self, dsn: str, merkmal: str) -> None:
        """Put a Merkmal on an address, as the desktop does: no Touch moves."""
        self.add(self.tables.address_merkmal, AD_DSN=dsn, MKM_DSN=merkmal)

    def activity(self, kind: str, merkmale: Iterable[str] = (), addresses: Iterable[str] = (), **values: object) -> str:
        """Add an activity with Merkmale and linked addresses; return its DSN."""
        dsn = str(values.pop("DSN", None) or self.dsn("AKT"))
        row: dict[str, object] = {
            "ART_DSN": kind,
            "BETREFF": "Betreff",
            "VORLAGE_ZEIT": False,
            "ERLEDIGT": False,
            "GANZTAGS": False,
            "ARCHIV": False,
            "TOUCH": LONG_AGO,
        }
        self.add(self.tables.activity, DSN=dsn, **{**row, **values})
        for merkmal in merkmale:
            self.add(self.tables.activity_merkmal, AKT_DSN=dsn, MKM_DSN=merkmal)
        for address in addresses:
            self.add(self.tables.activity_address, AKT_DSN=dsn, AD_DSN=address)
        return dsn

    def restrict(self, table: str, dsn: str, right: str, user: str | None = None, group: str | None = None) -> None:
        """Add a row to a record's rights list."""
        assert self.tables.rights is not None
        self.add(self.tables.rights, TABELLE=table, OBJ_DSN=dsn, BEN_DSN=user, GRP_DSN=group, RECHT=right)


_one_bucket: dict[tuple[str, str, int], list[str]] = {}


def of_one_bucket(office: Office, prefix: str, count: int) -> list[str]:
    """Return new DSNs of records that this database counts in the same bucket of a fingerprint."""
    key = (office.engine.dialect.name, prefix, count)
    if key not in _one_bucket:
        numbered = [f"{prefix}-{number:05d}-XYZ" for number in range(2 * BUCKETS * count)]
        column = office.tables.address.c.DSN
        heaps: defaultdict[int, list[str]] = defaultdict(list)
        with office.engine.connect() as connection:
            for dsn in numbered:
                heap = heaps[connection.scalar(select(spread(literal(dsn, column.type), BUCKETS))) or 0]
                heap.append(dsn)
                if len(heap) == count:
                    break
        found = max(heaps.values(), key=len)
        assert len(found) == count
        _one_bucket[key] = found
    return _one_bucket[key]
