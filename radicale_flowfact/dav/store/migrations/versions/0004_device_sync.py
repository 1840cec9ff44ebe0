"""When a device last heard of each collection; a device is forgotten once it has not been seen for long."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import context, op

revision = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None

_DEVICE = sa.Table("dav_device", sa.MetaData(schema="dav"), sa.Column("seen", sa.DateTime))


def upgrade() -> None:
    """Make the table. Until now a device's row said when it was made: nobody may be forgotten for that."""
    op.create_table(
        "dav_device_sync",
        sa.Column("device_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Unicode(20), primary_key=True),
        sa.Column("synced", sa.DateTime, nullable=False),
        schema="dav",
    )
    context.get_bind().execute(sa.update(_DEVICE).values(seen=datetime.now(UTC).replace(tzinfo=None, microsecond=0)))


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("dav_device_sync", schema="dav")
