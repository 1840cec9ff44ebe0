"""Alembic runs this for each upgrade; the connection and the schema come from ``dav.schema``."""

from __future__ import annotations

from alembic import context

from radicale_flowfact.dav import tables

_attributes = context.config.attributes
context.configure(
    connection=_attributes["connection"],
    target_metadata=tables.metadata,
    version_table="dav_alembic",
    version_table_schema=_attributes["schema"],
    transaction_per_migration=False,
)
context.run_migrations()
