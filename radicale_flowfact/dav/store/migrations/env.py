"""Alembic runs this for each upgrade; the connection and the schema come from ``dav.schema``."""

from __future__ import annotations

from alembic import context

from radicale_flowfact.dav.store import tables
from radicale_flowfact.dav.store.schema import VERSION_TABLE

_attributes = context.config.attributes
context.configure(
    connection=_attributes["connection"],
    target_metadata=tables.metadata,
    version_table=VERSION_TABLE,
    version_table_schema=_attributes["schema"],
    transaction_per_migration=False,
)
context.run_migrations()
