"""A body that is refused again is kept once, with how often; addresses that a login came from outlive a restart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the columns, their index, and the table."""
    schema = _schema()
    op.add_column(
        "dav_history", sa.Column("body_hash", sa.Unicode(64), nullable=False, server_default=""), schema=schema
    )
    op.add_column("dav_history", sa.Column("repeats", sa.Integer, nullable=False, server_default="0"), schema=schema)
    op.create_index("ix_dav_history_body", "dav_history", ["body_hash"], schema=schema)
    op.create_table(
        "dav_familiar",
        sa.Column("login", sa.Unicode(255), primary_key=True),
        sa.Column("address_hash", sa.Unicode(64), primary_key=True),
        sa.Column("seen", sa.DateTime, nullable=False),
        schema="dav",
    )


def downgrade() -> None:
    """Drop them."""
    schema = _schema()
    op.drop_table("dav_familiar", schema="dav")
    op.drop_index("ix_dav_history_body", "dav_history", schema=schema)
    op.drop_column("dav_history", "repeats", schema=schema, mssql_drop_default=True)
    op.drop_column("dav_history", "body_hash", schema=schema, mssql_drop_default=True)


def _schema() -> str | None:
    # Altering and indexes do not go through the engine's translation of schemas.
    found: str | None = context.config.attributes["schema"]
    return found
