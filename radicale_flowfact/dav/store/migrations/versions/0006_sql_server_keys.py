"""On SQL Server a collection is found and locked by its clustered key; what upkeep deletes is found by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.schema import AddConstraint

revision = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None

_KEY, _UNIQUE = "pk_dav_collection", "uq_dav_collection"
_FORGOTTEN = {"dav_version": "made", "dav_device": "seen", "dav_device_sync": "synced"}


def upgrade() -> None:
    """Exchange the clustered key, on SQL Server; make the indexes."""
    _cluster_by_id(False)
    for table, column in _FORGOTTEN.items():
        op.create_index(f"ix_{table}_{column}", table, [column], schema=_schema())


def downgrade() -> None:
    """Do the opposite."""
    for table, column in _FORGOTTEN.items():
        op.drop_index(f"ix_{table}_{column}", table, schema=_schema())
    _cluster_by_id(True)


def _cluster_by_id(by_id: bool) -> None:
    """Let the rows lie in the order of their ids, else of login and name: no look-up of one passes another's."""
    if op.get_context().dialect.name != "mssql":
        return
    schema = _schema()
    op.drop_constraint(_UNIQUE, "dav_collection", type_="unique", schema=schema)
    op.drop_constraint(_primary_key(schema), "dav_collection", type_="primary", schema=schema)
    table = sa.Table(
        "dav_collection",
        sa.MetaData(schema=schema),
        sa.Column("id", sa.Integer),
        sa.Column("login", sa.Unicode(255)),
        sa.Column("name", sa.Unicode(20)),
    )
    op.execute(AddConstraint(sa.PrimaryKeyConstraint(table.c.id, name=_KEY, mssql_clustered=by_id)))
    unique = sa.UniqueConstraint(table.c.login, table.c.name, name=_UNIQUE, mssql_clustered=not by_id)
    op.execute(AddConstraint(unique))


def _primary_key(schema: str | None) -> str:
    """Return the name that SQL Server gave the primary key."""
    if context.is_offline_mode():
        return _KEY
    return sa.inspect(op.get_bind()).get_pk_constraint("dav_collection", schema=schema)["name"] or _KEY


def _schema() -> str | None:
    # Altering and indexes do not go through the engine's translation of schemas.
    found: str | None = context.config.attributes["schema"]
    return found
