"""Fingerprints are kept in buckets: each item says in which one it counts, and every collection is counted anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None

_META = sa.MetaData(schema="dav")
_COLLECTION = sa.Table("dav_collection", _META, sa.Column("sums", sa.UnicodeText))
_ITEM = sa.Table(
    "dav_item",
    _META,
    sa.Column("dsn", sa.Unicode(36)),
    sa.Column("live", sa.Boolean),
    sa.Column("sums", sa.Unicode(400)),
    sa.Column("bucket", sa.Integer),
)
_UNCOUNTED = -1


def upgrade() -> None:
    """Make the column; a collection without a fingerprint is compared with FlowFact as a whole at its next look."""
    schema = _schema()
    op.add_column("dav_item", sa.Column("bucket", sa.Integer, nullable=False, server_default="0"), schema=schema)
    op.create_index("ix_dav_item_bucket", "dav_item", ["collection_id", "bucket"], schema=schema)
    shown = sa.and_(_ITEM.c.live == sa.true(), _ITEM.c.sums == "", _ITEM.c.dsn.is_not(None))
    context.get_bind().execute(sa.update(_ITEM).where(shown).values(bucket=_UNCOUNTED))
    context.get_bind().execute(sa.update(_COLLECTION).values(sums=""))


def downgrade() -> None:
    """Drop the column; the older way counts anew, too."""
    schema = _schema()
    op.drop_index("ix_dav_item_bucket", "dav_item", schema=schema)
    op.drop_column("dav_item", "bucket", schema=schema, mssql_drop_default=True)
    context.get_bind().execute(sa.update(_COLLECTION).values(sums=""))


def _schema() -> str | None:
    # Altering and indexes do not go through the engine's translation of schemas.
    found: str | None = context.config.attributes["schema"]
    return found
