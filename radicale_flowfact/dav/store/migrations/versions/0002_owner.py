"""A collection knows the FlowFact user whose records it shows, since a login may be given to another one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the column; the next look at FlowFact fills it."""
    owner = sa.Column("owner", sa.Unicode(36), nullable=False, server_default="")
    op.add_column("dav_collection", owner, schema=_schema())


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("dav_collection", "owner", schema=_schema(), mssql_drop_default=True)


def _schema() -> str | None:
    # ALTER TABLE does not go through the engine's translation of schemas.
    found: str | None = context.config.attributes["schema"]
    return found
