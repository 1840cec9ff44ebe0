"""The first tables: collections, journal, items, versions, devices, history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

_SCHEMA = "dav"


def upgrade() -> None:
    """Make the tables and their indexes."""
    _make_collection()
    _make_journal()
    _make_item()
    _make_version()
    _make_device()
    _make_fetched()
    _make_history()


def downgrade() -> None:
    """Drop the tables: the devices then start again from a first sync."""
    for name in ("history", "fetched", "device", "version", "item", "journal", "collection"):
        op.drop_table(f"dav_{name}", schema=_SCHEMA)


def _make_collection() -> None:
    op.create_table(
        "dav_collection",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("login", sa.Unicode(255), nullable=False),
        sa.Column("name", sa.Unicode(20), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("nonce", sa.Unicode(32), nullable=False),
        sa.Column("items", sa.BigInteger, nullable=False),
        sa.Column("basis", sa.Unicode(64), nullable=False),
        sa.Column("sums", sa.UnicodeText, nullable=False),
        sa.Column("props", sa.UnicodeText, nullable=False),
        sa.Column("stopped", sa.UnicodeText, nullable=False),
        sa.Column("modified", sa.DateTime, nullable=False),
        sa.UniqueConstraint("login", "name", name="uq_dav_collection"),
        schema=_SCHEMA,
    )


def _make_journal() -> None:
    op.create_table(
        "dav_journal",
        sa.Column("collection_id", sa.Integer, primary_key=True),
        sa.Column("last_number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("first_number", sa.BigInteger, nullable=False),
        sa.Column("nonce", sa.Unicode(32), nullable=False),
        sa.Column("made", sa.DateTime, nullable=False),
        schema=_SCHEMA,
    )


def _make_item() -> None:
    op.create_table(
        "dav_item",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("collection_id", sa.Integer, nullable=False),
        sa.Column("href", sa.Unicode(1000), nullable=False),
        sa.Column("href_hash", sa.Unicode(64), nullable=False),
        sa.Column("uid", sa.Unicode(1000), nullable=False),
        sa.Column("uid_hash", sa.Unicode(64), nullable=False),
        sa.Column("record", sa.Unicode(120), nullable=False),
        sa.Column("dsn", sa.Unicode(36), nullable=True),
        sa.Column("live", sa.Boolean, nullable=False),
        sa.Column("hidden", sa.Boolean, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("born", sa.BigInteger, nullable=False),
        sa.Column("sums", sa.Unicode(400), nullable=False),
        sa.Column("rendered", sa.Unicode(64), nullable=False),
        sa.Column("etag", sa.Unicode(64), nullable=False),
        sa.Column("component", sa.Unicode(20), nullable=False),
        sa.Column("starts", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
        sa.Column("modified", sa.DateTime, nullable=False),
        sa.Column("device_only", sa.Unicode(255), nullable=False),
        sa.Column("fault", sa.Unicode(400), nullable=False),
        sa.Column("sidecar", sa.UnicodeText, nullable=False),
        sa.UniqueConstraint("collection_id", "href_hash", name="uq_dav_item_href"),
        sa.UniqueConstraint("collection_id", "record", name="uq_dav_item_record"),
        schema=_SCHEMA,
    )
    op.create_index("ix_dav_item_uid", "dav_item", ["collection_id", "uid_hash"], schema=_SCHEMA)
    op.create_index("ix_dav_item_number", "dav_item", ["collection_id", "number"], schema=_SCHEMA)
    op.create_index("ix_dav_item_starts", "dav_item", ["collection_id", "starts"], schema=_SCHEMA)


def _make_version() -> None:
    op.create_table(
        "dav_version",
        sa.Column("item_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("etag", sa.Unicode(64), primary_key=True),
        sa.Column("made", sa.DateTime, nullable=False),
        sa.Column("text", sa.UnicodeText, nullable=False),
        schema=_SCHEMA,
    )


def _make_device() -> None:
    op.create_table(
        "dav_device",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("login", sa.Unicode(255), nullable=False),
        sa.Column("agent", sa.Unicode(255), nullable=False),
        sa.Column("agent_hash", sa.Unicode(64), nullable=False),
        sa.Column("seen", sa.DateTime, nullable=False),
        sa.UniqueConstraint("login", "agent_hash", name="uq_dav_device"),
        schema=_SCHEMA,
    )


def _make_fetched() -> None:
    op.create_table(
        "dav_fetched",
        sa.Column("device_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("item_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("etag", sa.Unicode(64), nullable=False),
        schema=_SCHEMA,
    )


def _make_history() -> None:
    op.create_table(
        "dav_history",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("made", sa.DateTime, nullable=False),
        sa.Column("login", sa.Unicode(255), nullable=False),
        sa.Column("agent", sa.Unicode(255), nullable=False),
        sa.Column("collection", sa.Unicode(20), nullable=False),
        sa.Column("href", sa.Unicode(1000), nullable=False),
        sa.Column("record", sa.Unicode(120), nullable=False),
        sa.Column("what", sa.Unicode(20), nullable=False),
        sa.Column("reason", sa.Unicode(1000), nullable=False),
        sa.Column("actions", sa.UnicodeText, nullable=False),
        sa.Column("body", sa.UnicodeText, nullable=False),
        sa.Column("undone", sa.Integer, nullable=True),
        schema=_SCHEMA,
    )
    op.create_index("ix_dav_history_made", "dav_history", ["made"], schema=_SCHEMA)
    op.create_index("ix_dav_history_record", "dav_history", ["record"], schema=_SCHEMA)
