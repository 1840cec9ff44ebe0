"""The gateway's own tables. Alembic makes and migrates them (``migrations/``); FlowFact's are never altered.

Hrefs and UIDs are byte-exact, and databases differ in how they compare text, so both are looked up by
their SHA-256. Times are UTC without zone.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Unicode,
    UnicodeText,
    UniqueConstraint,
)

SCHEMA = "dav"
"""Stands for the schema that the settings name; the engine translates it."""

LASTING = 32 * 86_400
"""Seconds; what takes longer, and every series without an end, is found by itself in queries for a time."""

metadata = MetaData(schema=SCHEMA)

collection = Table(
    "dav_collection",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("login", Unicode(255), nullable=False),
    Column("name", Unicode(20), nullable=False),
    Column("owner", Unicode(36), nullable=False),  # the FlowFact user whose records it shows; empty: not opened yet
    Column("number", BigInteger, nullable=False),  # of the last change in the journal
    Column("nonce", Unicode(32), nullable=False),  # of the last journal entry
    Column("items", BigInteger, nullable=False),  # how many items it ever had; numbers new ones
    Column("basis", Unicode(64), nullable=False),  # settings and renderer that the items were made with
    Column("sums", UnicodeText, nullable=False),  # the fingerprint at the last refresh
    Column("props", UnicodeText, nullable=False),  # display name, colour … as JSON, this user's own
    Column("stopped", UnicodeText, nullable=False),  # the safety stop as JSON, or empty
    Column("modified", DateTime, nullable=False),
    UniqueConstraint("login", "name", name="uq_dav_collection"),
)

journal = Table(
    "dav_journal",
    metadata,
    Column("collection_id", Integer, primary_key=True),
    Column("last_number", BigInteger, primary_key=True, autoincrement=False),
    Column("first_number", BigInteger, nullable=False),
    Column("nonce", Unicode(32), nullable=False),
    Column("made", DateTime, nullable=False),
)

item = Table(
    "dav_item",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("collection_id", Integer, nullable=False),
    Column("href", Unicode(1000), nullable=False),
    Column("href_hash", Unicode(64), nullable=False),
    Column("uid", Unicode(1000), nullable=False),
    Column("uid_hash", Unicode(64), nullable=False),
    Column("record", Unicode(120), nullable=False),  # "AD:<dsn_key>", or "-:<uid_hash>" of a device-only item
    Column("dsn", Unicode(36), nullable=True),  # as FlowFact spells it
    Column("live", Boolean, nullable=False),  # the device has it
    Column("hidden", Boolean, nullable=False),
    Column("number", BigInteger, nullable=False),  # of its last change in the journal
    Column("born", BigInteger, nullable=False),  # the number under which it first appeared
    Column("sums", Unicode(400), nullable=False),  # digest of all that is shown; empty: not in scope
    Column("bucket", Integer, nullable=False),  # of the fingerprint, in which the digest counts; -1: in none
    Column("rendered", Unicode(64), nullable=False),  # hash of FlowFact's version at that digest
    Column("etag", Unicode(64), nullable=False),  # of the version served
    Column("component", Unicode(20), nullable=False),
    Column("starts", BigInteger, nullable=False),  # Unix seconds, for calendar-query
    Column("ends", BigInteger, nullable=False),
    Column("lasting", Boolean, nullable=False),  # longer than LASTING: looked for without the index by start
    Column("modified", DateTime, nullable=False),
    Column("device_only", Unicode(255), nullable=False),  # the reason, or empty
    Column("fault", Unicode(400), nullable=False),  # why it is served in a minimal form, or empty
    Column("sidecar", UnicodeText, nullable=False),  # JSON list of unfolded content lines
    UniqueConstraint("collection_id", "href_hash", name="uq_dav_item_href"),
    UniqueConstraint("collection_id", "record", name="uq_dav_item_record"),
    Index("ix_dav_item_uid", "collection_id", "uid_hash"),
    Index("ix_dav_item_number", "collection_id", "number"),
    Index("ix_dav_item_bucket", "collection_id", "bucket"),
    Index("ix_dav_item_time", "collection_id", "lasting", "starts"),
)

search = Table(
    "dav_search",
    metadata,
    Column("item_id", BigInteger, primary_key=True, autoincrement=False),
    Column("collection_id", Integer, nullable=False),
    Column("etag", Unicode(64), nullable=False),  # of the version that the text is of
    Column("text", UnicodeText, nullable=False),  # a contact's values, in small letters
    Index("ix_dav_search_collection", "collection_id"),
)

version = Table(
    "dav_version",
    metadata,
    Column("item_id", BigInteger, primary_key=True, autoincrement=False),
    Column("etag", Unicode(64), primary_key=True),
    Column("made", DateTime, nullable=False),
    Column("text", UnicodeText, nullable=False),
)

device = Table(
    "dav_device",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("login", Unicode(255), nullable=False),
    Column("agent", Unicode(255), nullable=False),
    Column("agent_hash", Unicode(64), nullable=False),
    Column("seen", DateTime, nullable=False),  # last, to the minute when it syncs, else to the day
    UniqueConstraint("login", "agent_hash", name="uq_dav_device"),
)

device_sync = Table(
    "dav_device_sync",
    metadata,
    Column("device_id", Integer, primary_key=True, autoincrement=False),
    Column("name", Unicode(20), primary_key=True),  # of the collection
    Column("synced", DateTime, nullable=False),  # to the minute
)

fetched = Table(
    "dav_fetched",
    metadata,
    Column("device_id", Integer, primary_key=True, autoincrement=False),
    Column("item_id", BigInteger, primary_key=True, autoincrement=False),
    Column("etag", Unicode(64), nullable=False),
)

history = Table(
    "dav_history",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("made", DateTime, nullable=False),
    Column("login", Unicode(255), nullable=False),
    Column("agent", Unicode(255), nullable=False),
    Column("collection", Unicode(20), nullable=False),
    Column("href", Unicode(1000), nullable=False),
    Column("record", Unicode(120), nullable=False),  # "AD:<dsn_key>" or empty
    Column("what", Unicode(20), nullable=False),  # put, delete, refused, undo
    Column("reason", Unicode(1000), nullable=False),
    Column("actions", UnicodeText, nullable=False),  # JSON
    Column("body", UnicodeText, nullable=False),  # a refused or deleted text, or empty
    Column("undone", Integer, nullable=True),  # the history entry that reversed it
    Index("ix_dav_history_made", "made"),
    Index("ix_dav_history_record", "record"),
)


def text_hash(text: str) -> str:
    """Return the SHA-256 by which hrefs, UIDs and user agents are looked up, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
