"""Lists what the gateway does with each of FlowFact's tables: it reads all, and writes those that ``writes`` does."""

from __future__ import annotations

from radicale_flowfact.crm.names import TABLES, UNREAD, NameMap
from radicale_flowfact.database.privileges import Need

_WRITTEN = {
    "AD": {"INSERT", "UPDATE"},
    "ADTEL": {"INSERT", "UPDATE", "DELETE"},
    "ADMKM": {"INSERT", "DELETE"},
    "AKT": {"INSERT", "UPDATE"},
    "AKTMKM": {"INSERT", "DELETE"},
}
_WRITTEN_IF_PRIVATE = {"RECHTE": {"INSERT", "DELETE"}}


def needs(names: NameMap, *, write: bool, private: bool) -> list[Need]:
    """Return the grants that each mapped table needs.

    ``write``: as in the settings; ``private``: private items become records, so rights lists are written (rules 12,
    18).
    """
    written = {**_WRITTEN, **(_WRITTEN_IF_PRIVATE if private else {})} if write else {}
    found = []
    for table in TABLES:
        place = names.table(table)
        if place is not None and table not in UNREAD:
            found.append(Need(*place, frozenset({"SELECT", *written.get(table, ())})))
    return found
