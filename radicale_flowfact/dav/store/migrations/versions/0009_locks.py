"""A row for each thing that only one transaction at a time may do, whichever gateway it is of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision: str | None = "0008"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Make the table; its rows are made by whoever needs them first."""
    op.create_table(
        "dav_lock",
        sa.Column("name", sa.Unicode(40), primary_key=True),
        sa.Column("held", sa.BigInteger, nullable=False),
        schema="dav",
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("dav_lock", schema="dav")
