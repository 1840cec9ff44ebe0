"""Queries by text and time look into narrow rows: what contacts are found by, and which entries last for long."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import context, op

from radicale_flowfact.content.contentlines import PayloadError, split_lines, unescape

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None

_BINARY = frozenset({"PHOTO", "LOGO", "SOUND", "KEY"})
_LASTING = 32 * 86_400
_BATCH = 500
_meta = sa.MetaData(schema="dav")
_item = sa.Table(
    "dav_item",
    _meta,
    sa.Column("id", sa.BigInteger),
    sa.Column("collection_id", sa.Integer),
    sa.Column("etag", sa.Unicode(64)),
    sa.Column("component", sa.Unicode(20)),
    sa.Column("starts", sa.BigInteger),
    sa.Column("ends", sa.BigInteger),
    sa.Column("lasting", sa.Boolean),
)
_version = sa.Table(
    "dav_version",
    _meta,
    sa.Column("item_id", sa.BigInteger),
    sa.Column("etag", sa.Unicode(64)),
    sa.Column("text", sa.UnicodeText),
)


def upgrade() -> None:
    """Make the table and the column, and fill both from what is there."""
    schema = _schema()
    search = op.create_table(
        "dav_search",
        sa.Column("item_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("collection_id", sa.Integer, nullable=False),
        sa.Column("etag", sa.Unicode(64), nullable=False),
        sa.Column("text", sa.UnicodeText, nullable=False),
        schema="dav",
    )
    op.create_index("ix_dav_search_collection", "dav_search", ["collection_id"], schema=schema)
    op.add_column(
        "dav_item", sa.Column("lasting", sa.Boolean, nullable=False, server_default=sa.false()), schema=schema
    )
    op.create_index("ix_dav_item_time", "dav_item", ["collection_id", "lasting", "starts"], schema=schema)
    op.drop_index("ix_dav_item_starts", "dav_item", schema=schema)
    if context.is_offline_mode():
        return
    connection = op.get_bind()
    connection.execute(sa.update(_item).where(_item.c.ends - _item.c.starts > _LASTING).values(lasting=sa.true()))
    for rows in _rows(connection):
        connection.execute(sa.insert(search), rows)


def downgrade() -> None:
    """Drop both."""
    schema = _schema()
    op.create_index("ix_dav_item_starts", "dav_item", ["collection_id", "starts"], schema=schema)
    op.drop_index("ix_dav_item_time", "dav_item", schema=schema)
    op.drop_column("dav_item", "lasting", schema=schema, mssql_drop_default=True)
    op.drop_table("dav_search", schema=schema)


def _rows(connection: sa.Connection) -> Iterator[list[dict[str, object]]]:
    """Yield what contacts are found by, some at a time."""
    cards = _item.c.component == "VCARD"
    items = connection.execute(sa.select(_item.c.id, _item.c.collection_id, _item.c.etag).where(cards)).all()
    for start in range(0, len(items), _BATCH):
        batch = items[start : start + _BATCH]
        wanted = _version.c.item_id.in_([row.id for row in batch])
        texts = {
            (row.item_id, row.etag): row.text
            for row in connection.execute(sa.select(_version.c.item_id, _version.c.etag, _version.c.text).where(wanted))
        }
        yield [
            {
                "item_id": row.id,
                "collection_id": row.collection_id,
                "etag": row.etag,
                "text": _values(texts.get((row.id, row.etag), "")),
            }
            for row in batch
        ]


def _values(text: str) -> str:
    try:
        lines = split_lines(text)
    except PayloadError:
        return ""
    return "\n".join(unescape(line.value) for line in lines if line.name not in _BINARY).casefold()


def _schema() -> str | None:
    # Altering and indexes do not go through the engine's translation of schemas.
    found: str | None = context.config.attributes["schema"]
    return found
