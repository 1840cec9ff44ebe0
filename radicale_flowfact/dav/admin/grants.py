"""Lists the grants that the database user needs on FlowFact's tables and on the gateway's own."""

from __future__ import annotations

from collections.abc import Sequence

from radicale_flowfact.crm.names import NameMap
from radicale_flowfact.crm.site import grants as crm_grants
from radicale_flowfact.database import privileges
from radicale_flowfact.database.engines import parsed_url
from radicale_flowfact.database.privileges import Need, OwnTables
from radicale_flowfact.dav.store import tables
from radicale_flowfact.dav.store.schema import VERSION_TABLE
from radicale_flowfact.settings import Settings


def needs(settings: Settings) -> list[Need]:
    """Return the grants needed on FlowFact's tables with these settings."""
    private = "flowfact" in (settings.addresses.private, settings.appointments.private)
    return crm_grants.needs(NameMap.from_overrides(settings.names), write=settings.write, private=private)


def own_tables(settings: Settings, *, makes: bool) -> OwnTables:
    """Return the gateway's own tables; ``makes``: the gateway creates them itself."""
    made = tables.metadata.sorted_tables
    counted = tuple(table.name for table in made if table.autoincrement_column is not None)
    return OwnTables(settings.state_schema, (VERSION_TABLE, *(table.name for table in made)), counted, makes)


def statements(settings: Settings, user: str | None = None, *, makes: bool = True) -> Sequence[str]:
    """Return the SQL that an administrator runs; empty for a database without users.

    On SQL Server, beside FlowFact's tables, the gateway never creates its own: it would need ALTER on the whole schema.
    """
    url = parsed_url(settings.database_url)
    dialect = url.get_backend_name()
    makes = makes and (dialect != "mssql" or bool(settings.state_schema))
    name = user or url.username or "flowfact_gateway"
    return privileges.grants(dialect, needs(settings), own_tables(settings, makes=makes), name)
