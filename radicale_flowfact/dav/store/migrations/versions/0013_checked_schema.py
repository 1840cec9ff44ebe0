"""What the last check saw of FlowFact's schema, so that the next one can say what changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision: str | None = "0012"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Make the table; the first check makes its row."""
    op.create_table(
        "dav_checked_schema",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seen", sa.DateTime, nullable=False),
        sa.Column("state", sa.UnicodeText, nullable=False),
        schema="dav",
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("dav_checked_schema", schema="dav")
