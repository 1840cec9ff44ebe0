"""What the database user of these settings must be allowed: on FlowFact's tables and on the gateway's own."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.engine import make_url

from radicale_flowfact import privileges
from radicale_flowfact.crm import grants as crm_grants
from radicale_flowfact.crm.names import NameMap
from radicale_flowfact.dav import tables
from radicale_flowfact.dav.schema import VERSION_TABLE
from radicale_flowfact.privileges import Need, OwnTables
from radicale_flowfact.settings import Settings


def needs(settings: Settings) -> list[Need]:
    """Return what FlowFact's tables need."""
    private = "flowfact" in (settings.addresses.private, settings.appointments.private)
    return crm_grants.needs(NameMap.from_overrides(settings.names), write=settings.write, private=private)


def own_tables(settings: Settings, *, makes: bool) -> OwnTables:
    """Return the gateway's own tables."""
    made = tables.metadata.sorted_tables
    counted = tuple(table.name for table in made if table.autoincrement_column is not None)
    return OwnTables(settings.state_schema, (VERSION_TABLE, *(table.name for table in made)), counted, makes)


def statements(settings: Settings, user: str | None = None, *, makes: bool = True) -> Sequence[str]:
    """Return the SQL that an administrator runs; empty for a database without users.

    Beside FlowFact's tables on SQL Server the gateway makes none: there that takes ALTER on all of the schema.
    """
    url = make_url(settings.database_url)
    dialect = url.get_backend_name()
    makes = makes and (dialect != "mssql" or bool(settings.state_schema))
    name = user or url.username or "flowfact_gateway"
    return privileges.grants(dialect, needs(settings), own_tables(settings, makes=makes), name)
