"""Items that are gone are found by the time they went, to forget their texts after ``history_days``.

SQLite and PostgreSQL index only those: SQLite, which knows no frequencies, would go through all live items of all
users where an index leads to the few that are asked for.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = "0011"
down_revision: str | None = "0010"
branch_labels: str | None = None
depends_on: str | None = None

_INDEX = "ix_dav_item_gone"


def upgrade() -> None:
    """Make the index."""
    op.create_index(
        _INDEX,
        "dav_item",
        ["live", "modified"],
        schema=_schema(),
        sqlite_where=sa.text("live = 0"),
        postgresql_where=sa.text("live = false"),
    )


def downgrade() -> None:
    """Drop the index."""
    op.drop_index(_INDEX, "dav_item", schema=_schema())


def _schema() -> str | None:
    # Altering and indexes do not go through the engine's translation of schemas.
    found: str | None = context.config.attributes["schema"]
    return found
