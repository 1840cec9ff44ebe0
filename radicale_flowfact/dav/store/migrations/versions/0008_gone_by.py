"""Each item that is gone says who took it off the devices: its user, the office, or the window of the past."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import context, op

revision = "0008"
down_revision: str | None = "0007"
branch_labels: str | None = None
depends_on: str | None = None

_USER, _OFFICE = "user", "office"
_BATCH = 500
_META = sa.MetaData(schema="dav")
_COLLECTION = sa.Table(
    "dav_collection",
    _META,
    sa.Column("id", sa.Integer),
    sa.Column("login", sa.Unicode(255)),
    sa.Column("name", sa.Unicode(20)),
)
_ITEM = sa.Table(
    "dav_item",
    _META,
    sa.Column("id", sa.BigInteger),
    sa.Column("collection_id", sa.Integer),
    sa.Column("href", sa.Unicode(1000)),
    sa.Column("dsn", sa.Unicode(36)),
    sa.Column("live", sa.Boolean),
    sa.Column("hidden", sa.Boolean),
    sa.Column("gone_by", sa.Unicode(10)),
)
_HISTORY = sa.Table(
    "dav_history",
    _META,
    sa.Column("id", sa.Integer),
    sa.Column("login", sa.Unicode(255)),
    sa.Column("collection", sa.Unicode(20)),
    sa.Column("href", sa.Unicode(1000)),
    sa.Column("what", sa.Unicode(20)),
)


def upgrade() -> None:
    """Add the column: gone by its user is what he hid, what has no record, and what a device deleted last."""
    op.add_column("dav_item", sa.Column("gone_by", sa.Unicode(10), nullable=False, server_default=""), schema=_schema())
    gone = _ITEM.c.live == sa.false()
    own = sa.or_(_ITEM.c.hidden == sa.true(), _ITEM.c.dsn.is_(None))
    connection = context.get_bind()
    connection.execute(sa.update(_ITEM).where(gone).values(gone_by=_OFFICE))
    connection.execute(sa.update(_ITEM).where(gone, own).values(gone_by=_USER))
    if context.is_offline_mode():
        return
    for ids in _deleted_on_devices(connection):
        connection.execute(sa.update(_ITEM).where(_ITEM.c.id.in_(ids)).values(gone_by=_USER))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("dav_item", "gone_by", schema=_schema(), mssql_drop_default=True)


def _deleted_on_devices(connection: sa.Connection) -> Iterator[list[int]]:
    """Yield the ids of items that are gone and whose last entry in the history is a DELETE, some at a time."""
    entry = _HISTORY.c
    written = sa.select(entry.login, entry.collection, entry.href, entry.what).where(entry.what.in_(["put", "delete"]))
    last = {tuple(row[:3]): row.what for row in connection.execute(written.order_by(entry.id))}
    joined = sa.select(_ITEM.c.id, _COLLECTION.c.login, _COLLECTION.c.name, _ITEM.c.href).join_from(
        _ITEM, _COLLECTION, _COLLECTION.c.id == _ITEM.c.collection_id
    )
    rows = connection.execute(joined.where(_ITEM.c.gone_by == _OFFICE)).all()
    ids = [row.id for row in rows if last.get((row.login, row.name, row.href)) == "delete"]
    for start in range(0, len(ids), _BATCH):
        yield ids[start : start + _BATCH]


def _schema() -> str | None:
    # Altering and indexes do not go through the engine's translation of schemas.
    found: str | None = context.config.attributes["schema"]
    return found
