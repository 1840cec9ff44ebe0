"""Scope recomputed from scratch, from plain rows, with none of the gateway's code."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.office import Office

Row = dict[str, Any]


@dataclass
class Model:
    """What one user should have, and what he hid by deleting it on a device."""

    office: Office
    user: str
    own: str
    merkmale: set[str]
    hidden: set[str] = field(default_factory=set)

    def addresses(self, now: datetime) -> set[str]:
        """Return the DSNs of the addresses that his devices should have."""
        return self._shown(self.addresses_in_scope(now), "AD")

    def deleted(self, table: str, dsn: str, now: datetime) -> None:
        """Note that a device deleted a record: it is hidden if it is in scope all the same."""
        in_scope = self.addresses_in_scope(now) if table == "AD" else self.appointments_in_scope(now)
        if dsn in in_scope:
            self.hidden.add(dsn)

    def addresses_in_scope(self, now: datetime) -> set[str]:
        """Return the DSNs of his addresses, hidden or not; ``now`` is office local time."""
        tables = self.office.tables
        tagged = {row["AD_DSN"] for row in self.office.rows(tables.address_merkmal) if row["MKM_DSN"] in self.merkmale}
        mine = self.appointments_in_scope(now)
        linked = {row["AD_DSN"] for row in self.office.rows(tables.activity_address) if row["AKT_DSN"] in mine}
        rows = self.office.rows(tables.address)
        return self._shown(
            {row["DSN"] for row in rows if row["DSN"] in tagged | linked and self._seen("AD", row)}, "AD"
        )

    def appointments(self, now: datetime) -> set[str]:
        """Return the DSNs of the appointments that his devices should have."""
        return self._shown(self.appointments_in_scope(now), "AKT")

    def appointments_in_scope(self, now: datetime) -> set[str]:
        """Return the DSNs of his appointments, hidden or not; ``now`` is office local time."""
        tables = self.office.tables
        tagged = {row["AKT_DSN"] for row in self.office.rows(tables.activity_merkmal) if row["MKM_DSN"] == self.own}
        found = set()
        for row in self.office.rows(tables.activity):
            recent = row["ENDE"] >= now - timedelta(days=90)
            if row["DSN"] in tagged and recent and self._seen("AKT", row):
                found.add(row["DSN"])
        return found

    def section(self, dsn: str) -> set[str]:
        """Return what an appointment tells of participants and linked addresses (rule 17), a line for each."""
        tables = self.office.tables
        tags = {row["MKM_DSN"] for row in self.office.rows(tables.activity_merkmal, AKT_DSN=dsn)}
        people = [row for row in self.office.rows(tables.user) if row["MKM_DSN"] in tags and row["DSN"] != self.user]
        linked = {f"Adresse: {self._linked(row)}" for row in self._linked_rows(dsn)}
        return {f"Teilnehmer: {row['NAME']}" for row in people} | linked

    def place(self, dsn: str) -> str:
        """Return where an appointment takes place: where its linked addresses are, if that is one place (rule 17)."""
        places = {place for row in self._linked_rows(dsn) if (place := self._place(row))}
        return places.pop() if len(places) == 1 else ""

    def _linked_rows(self, dsn: str) -> list[Row]:
        tables = self.office.tables
        links = {row["AD_DSN"] for row in self.office.rows(tables.activity_address, AKT_DSN=dsn)}
        return [row for row in self.office.rows(tables.address) if row["DSN"] in links and self._seen("AD", row)]

    @staticmethod
    def _place(row: Row) -> str:
        town = " ".join(row[part] for part in ("PLZ", "ORT") if row[part])
        return ", ".join(part for part in (row["STRASSE"], town) if part)

    def is_private(self, dsn: str) -> bool:
        """Return whether an appointment's rights list names him alone (rule 18)."""
        readers = {row["BEN_DSN"] for row in self._rights("AKT", dsn)}
        return readers == {self.user}

    def _linked(self, row: Row) -> str:
        phones = self.office.rows(self.office.tables.phone, AD_DSN=row["DSN"])
        numbers = [phone["NUMMER"] for phone in sorted(phones, key=lambda phone: int(phone["POS"])) if phone["NUMMER"]]
        name = " ".join(row[part] for part in ("TITEL", "VORNAME", "NAME") if row[part])
        return ", ".join(part for part in (name, row["FIRMA"], self._place(row), *numbers[:1], row["EMAIL"]) if part)

    def may_write(self, table: str, dsn: str) -> bool:
        """Return whether he has full rights on a record."""
        rights = self._rights(table, dsn)
        return not rights or any(row["RECHT"] == "VOLL" and row["BEN_DSN"] == self.user for row in rights)

    def _seen(self, table: str, row: Row) -> bool:
        rights = self._rights(table, row["DSN"])
        return not row["ARCHIV"] and (not rights or any(right["BEN_DSN"] == self.user for right in rights))

    def _rights(self, table: str, dsn: str) -> list[Row]:
        assert self.office.tables.rights is not None
        return self.office.rows(self.office.tables.rights, TABELLE=table, OBJ_DSN=dsn)

    def _shown(self, in_scope: set[str], table: str) -> set[str]:
        """Return what is not hidden; the own Merkmal set again ends the hiding of what is in scope."""
        tables = self.office.tables
        tags, column = (tables.address_merkmal, "AD_DSN") if table == "AD" else (tables.activity_merkmal, "AKT_DSN")
        own = {row[column] for row in self.office.rows(tags, MKM_DSN=self.own)}
        self.hidden -= own & in_scope
        return in_scope - self.hidden
