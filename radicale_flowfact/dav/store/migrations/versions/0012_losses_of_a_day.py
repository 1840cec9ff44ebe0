"""Each item says under which number it went, and the upkeep when it ran last: both tell too much from enough."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = "0012"
down_revision: str | None = "0011"
branch_labels: str | None = None
depends_on: str | None = None

_ITEM = sa.Table(
    "dav_item",
    sa.MetaData(schema="dav"),
    sa.Column("live", sa.Boolean),
    sa.Column("number", sa.BigInteger),
    sa.Column("went", sa.BigInteger),
)


def upgrade() -> None:
    """Add the column and the table; what is gone went with its last change."""
    op.add_column("dav_item", sa.Column("went", sa.BigInteger, nullable=False, server_default="0"), schema=_schema())
    context.get_bind().execute(sa.update(_ITEM).where(_ITEM.c.live == sa.false()).values(went=_ITEM.c.number))
    op.create_table(
        "dav_upkeep",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("ran", sa.DateTime, nullable=False),
        sa.Column("looked", sa.DateTime, nullable=False),
        sa.Column("doubted", sa.DateTime, nullable=True),
        schema="dav",
    )


def downgrade() -> None:
    """Drop both."""
    op.drop_table("dav_upkeep", schema="dav")
    op.drop_column("dav_item", "went", schema=_schema(), mssql_drop_default=True)


def _schema() -> str | None:
    # Altering and indexes do not go through the engine's translation of schemas.
    found: str | None = context.config.attributes["schema"]
    return found
