"""Describes the gateway's own tables. Alembic creates and migrates them (``migrations/``).

Hrefs and UIDs are compared byte by byte, and databases compare text in different ways, so both are looked up by their
SHA-256. Times are UTC without zone.
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
    PrimaryKeyConstraint,
    Table,
    Unicode,
    UnicodeText,
    UniqueConstraint,
    text,
)

SCHEMA = "dav"
"""Stands for the schema that the settings name; the engine translates it."""

LASTING = 32 * 86_400
"""Seconds; what takes longer, and every series without an end, is found by itself in queries for a time."""

metadata = MetaData(schema=SCHEMA)

collection = Table(
    "dav_collection",
    metadata,
    Column("id", Integer),
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
    PrimaryKeyConstraint("id", name="pk_dav_collection", mssql_clustered=False),
    UniqueConstraint("login", "name", name="uq_dav_collection", mssql_clustered=True),
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
    Column("gone_by", Unicode(10), nullable=False),  # who took it off the devices, see Gone; empty: live
    Column("went", BigInteger, nullable=False),  # the number under which it last went, 0: never
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
    Column("fault", Unicode(400), nullable=False),  # why it is served in a minimal form or was mended, or empty
    Column("sidecar", UnicodeText, nullable=False),  # JSON list of unfolded content lines
    UniqueConstraint("collection_id", "href_hash", name="uq_dav_item_href"),
    UniqueConstraint("collection_id", "record", name="uq_dav_item_record"),
    Index("ix_dav_item_uid", "collection_id", "uid_hash"),
    Index("ix_dav_item_number", "collection_id", "number"),
    Index("ix_dav_item_bucket", "collection_id", "bucket"),
    Index("ix_dav_item_time", "collection_id", "lasting", "starts"),
    # Of all items, SQLite would take it for any that are live (see the migration 0011).
    Index("ix_dav_item_gone", "live", "modified", sqlite_where=text("live = 0"), postgresql_where=text("live = false")),
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
    # of the journal, under which it was made or served again: versions are ordered by it, never by a clock
    Column("number", BigInteger, nullable=False),
    Column("maker", Unicode(255), nullable=False),  # the identity of the device whose PUT made it; empty: the office
    Index("ix_dav_version_made", "made"),
)

device = Table(
    "dav_device",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("login", Unicode(255), nullable=False),
    Column("identity", Unicode(255), nullable=False),  # what tells it from the login's others (rule 43)
    Column("identity_hash", Unicode(64), nullable=False),
    Column("agent", Unicode(255), nullable=False),  # the whole User-Agent that it sent last
    Column("seen", DateTime, nullable=False),  # last: when it synced, fetched or made something
    Column("shared", DateTime, nullable=True),  # when a version was last fetched twice: two devices may be behind it
    UniqueConstraint("login", "identity_hash", name="uq_dav_device"),
    Index("ix_dav_device_seen", "seen"),
)

device_sync = Table(
    "dav_device_sync",
    metadata,
    Column("device_id", Integer, primary_key=True, autoincrement=False),
    Column("name", Unicode(20), primary_key=True),  # of the collection
    Column("synced", DateTime, nullable=False),  # to the minute
    Column("chains", UnicodeText, nullable=False),  # the sync tokens in use, as JSON
    Index("ix_dav_device_sync_synced", "synced"),
)

fetched = Table(
    "dav_fetched",
    metadata,
    Column("device_id", Integer, primary_key=True, autoincrement=False),
    Column("item_id", BigInteger, primary_key=True, autoincrement=False),
    Column("etag", Unicode(64), primary_key=True),
    Column("number", BigInteger, nullable=False),  # the item's, when the device fetched or made the version
    Column("fetches", Integer, nullable=False),  # 0: only made by a PUT, 2: twice or more, so maybe by two devices
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
    Column("what", Unicode(20), nullable=False),  # put, delete, refused, undo, renamed
    Column("reason", Unicode(1000), nullable=False),
    Column("actions", UnicodeText, nullable=False),  # JSON
    Column("body", UnicodeText, nullable=False),  # a refused or deleted text, or empty
    Column("undone", Integer, nullable=True),  # the history entry that reversed it
    # of a refusal: what was sent where by whom; of a login that was renamed: its former name; else empty
    Column("body_hash", Unicode(64), nullable=False),
    Column("repeats", Integer, nullable=False),  # how often the same was refused again
    Index("ix_dav_history_body", "body_hash"),
    Index("ix_dav_history_made", "made"),
    Index("ix_dav_history_record", "record"),
)

familiar = Table(
    "dav_familiar",
    metadata,
    Column("login", Unicode(255), primary_key=True),
    Column("address_hash", Unicode(64), primary_key=True),  # of an address that the login came from
    Column("seen", DateTime, nullable=False),  # last, to the day
)

lock = Table(
    "dav_lock",
    metadata,
    Column("name", Unicode(40), primary_key=True),
    Column("held", BigInteger, nullable=False),  # how often; a number, so that holding it changes the row
)


def item_ids(collection_id: int) -> tuple[int, int]:
    """Return the first and the last id that an item of a collection may have."""
    return collection_id << 32, (collection_id + 1 << 32) - 1


def item_id(collection_id: int, number: int) -> int:
    """Return the id of a collection's item with this number, from 1.

    The ids of one collection form a range. So a statement that names the range reads no other user's rows, whichever
    plan the database chooses.
    """
    return item_ids(collection_id)[0] | number


upkeep = Table(
    "dav_upkeep",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("ran", DateTime, nullable=False),  # when it last dropped what was old
    Column("looked", DateTime, nullable=False),  # when it last looked at the clock
    Column("doubted", DateTime, nullable=True),  # since when the clock seems to have jumped ahead
)

checked_schema = Table(
    "dav_checked_schema",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("seen", DateTime, nullable=False),  # when the last check looked
    Column("state", UnicodeText, nullable=False),  # JSON: the types of FlowFact's columns, by table and column
)


def text_hash(text: str) -> str:
    """Return the SHA-256 of a text in hexadecimal digits, by which hrefs, UIDs and user agents are looked up."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
