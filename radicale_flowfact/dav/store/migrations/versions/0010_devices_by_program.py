"""Devices are known by their program; versions by number and maker; what a device fetched is a set (rule 43).

Nobody can tell any more how many devices fetched a version before, so each counts as fetched twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import context, op

from radicale_flowfact.dav.store.user_agents import program

revision = "0010"
down_revision: str | None = "0009"
branch_labels: str | None = None
depends_on: str | None = None

_META = sa.MetaData(schema="dav")
_ITEM = sa.Table("dav_item", _META, *(sa.Column(name, sa.BigInteger) for name in ("id", "number")))
_ITEM.append_column(sa.Column("etag", sa.Unicode(64)))
_VERSION = sa.Table("dav_version", _META, *(sa.Column(name, sa.BigInteger) for name in ("item_id", "number")))
_VERSION.append_column(sa.Column("etag", sa.Unicode(64)))
_VERSION.append_column(sa.Column("made", sa.DateTime))


def upgrade() -> None:
    """Make the columns and tables anew; devices of one program are merged."""
    schema: str | None = context.config.attributes["schema"]  # adding a column does not go through the translation
    number = sa.Column("number", sa.BigInteger, nullable=False, server_default="0")
    maker = sa.Column("maker", sa.Unicode(255), nullable=False, server_default="")
    op.add_column("dav_version", number, schema=schema)
    op.add_column("dav_version", maker, schema=schema)
    op.get_bind().execute(sa.update(_VERSION).values(number=_number()))
    rows, syncs = _rows("dav_device", ("id", "login", "agent", "seen")), _rows("dav_device_sync", _SYNCED)
    _make_devices()
    former = _mapping(_insert_devices(rows, syncs))
    _copy_fetched(former)
    op.drop_table("dav_device_former", schema="dav")


def downgrade() -> None:
    """Make the older tables; of several versions that a device fetched the newest is kept."""
    schema: str | None = context.config.attributes["schema"]
    rows, syncs = _rows("dav_device", ("id", "login", "agent", "seen")), _rows("dav_device_sync", _SYNCED)
    fetched = _table("dav_fetched", _FETCHED)
    kept = op.create_table("dav_fetched_former", *_columns(_FETCHED[:3], keys=2), schema="dav")
    newer = fetched.alias()
    is_newest = ~sa.exists().where(
        newer.c.device_id == fetched.c.device_id,
        newer.c.item_id == fetched.c.item_id,
        newer.c.number > fetched.c.number,
    )
    newest = sa.select(fetched.c.device_id, fetched.c.item_id, sa.func.max(fetched.c.etag)).where(is_newest)
    _insert_from(kept, newest.group_by(fetched.c.device_id, fetched.c.item_id))
    for name in ("dav_fetched", "dav_device_sync", "dav_device"):
        op.drop_table(name, schema="dav")
    device = op.create_table(
        "dav_device",
        sa.Column("id", sa.Integer, primary_key=True),
        *_columns(("login", "agent", "agent_hash", "seen"), keys=0),
        sa.UniqueConstraint("login", "agent_hash", name="uq_dav_device"),
        schema="dav",
    )
    sync = op.create_table("dav_device_sync", *_columns(_SYNCED, keys=2), schema="dav")
    made = op.create_table("dav_fetched", *_columns(_FETCHED[:3], keys=2), schema="dav")
    _make_indexes()
    for row in rows:
        values = {"login": row.login, "agent": row.agent, "agent_hash": _hash(row.agent), "seen": row.seen}
        op.get_bind().execute(sa.insert(device).values(values))
    made_ids = {(row.login, row.agent): row.id for row in _rows("dav_device", ("id", "login", "agent"))}
    ids = {row.id: made_ids[row.login, row.agent] for row in rows}
    for row in syncs:
        values = {"device_id": ids[row.device_id], "name": row.name, "synced": row.synced}
        op.get_bind().execute(sa.insert(sync).values(values))
    former = _mapping(ids)
    mapped = sa.select(former.c.new_id, kept.c.item_id, kept.c.etag).join_from(
        kept, former, former.c.old_id == kept.c.device_id
    )
    _insert_from(made, mapped)
    for name in ("dav_device_former", "dav_fetched_former"):
        op.drop_table(name, schema="dav")
    for column in ("maker", "number"):
        op.drop_column("dav_version", column, schema=schema, mssql_drop_default=True)


_SYNCED = ("device_id", "name", "synced")
_FETCHED = ("device_id", "item_id", "etag", "number", "fetches")
_TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "id": sa.Integer(),
    "login": sa.Unicode(255),
    "identity": sa.Unicode(255),
    "identity_hash": sa.Unicode(64),
    "agent": sa.Unicode(255),
    "agent_hash": sa.Unicode(64),
    "seen": sa.DateTime(),
    "device_id": sa.Integer(),
    "name": sa.Unicode(20),
    "synced": sa.DateTime(),
    "chains": sa.UnicodeText(),
    "item_id": sa.BigInteger(),
    "etag": sa.Unicode(64),
    "number": sa.BigInteger(),
    "fetches": sa.Integer(),
    "old_id": sa.Integer(),
    "new_id": sa.Integer(),
}


def _columns(names: Sequence[str], keys: int) -> list[sa.Column[object]]:
    """Return the columns of a table, the first ones its key."""
    found: list[sa.Column[object]] = []
    for name in names[:keys]:
        found.append(sa.Column(name, _TYPES[name], primary_key=True, autoincrement=False))
    return found + [sa.Column(name, _TYPES[name], nullable=False) for name in names[keys:]]


def _table(name: str, names: Sequence[str]) -> sa.Table:
    return sa.Table(name, sa.MetaData(schema="dav"), *(sa.Column(one, _TYPES[one]) for one in names))


def _rows(name: str, names: Sequence[str]) -> Sequence[sa.Row[tuple[object, ...]]]:
    """Return all rows of a table; none where the statements are only written down."""
    if context.is_offline_mode():
        return []
    table = _table(name, names)
    return op.get_bind().execute(sa.select(*(table.c[one] for one in names))).all()


def _insert_from(table: sa.Table, query: sa.Select[tuple[object, ...]]) -> None:
    op.get_bind().execute(sa.insert(table).from_select([column.name for column in table.c], query))


def _number() -> sa.ColumnElement[int]:
    """Return a version's number: its item's if it is served, and one less for each that was made later."""
    later, served = _VERSION.alias("later"), _ITEM.c.etag
    is_later = sa.or_(
        later.c.made > _VERSION.c.made, sa.and_(later.c.made == _VERSION.c.made, later.c.etag > _VERSION.c.etag)
    )
    of_item = later.c.item_id == _VERSION.c.item_id
    count = sa.select(sa.func.count()).where(of_item, is_later, later.c.etag != served).correlate(_VERSION, _ITEM)
    behind = sa.case((_VERSION.c.etag == served, 0), else_=count.scalar_subquery() + 1)
    mine = sa.select(_ITEM.c.number - behind).where(_ITEM.c.id == _VERSION.c.item_id).correlate(_VERSION)
    return sa.func.coalesce(mine.scalar_subquery(), 0)


def _make_devices() -> None:
    for name in ("dav_device_sync", "dav_device"):
        op.drop_table(name, schema="dav")
    op.create_table(
        "dav_device",
        sa.Column("id", sa.Integer, primary_key=True),
        *_columns(("login", "identity", "identity_hash", "agent", "seen"), keys=0),
        sa.Column("shared", sa.DateTime, nullable=True),
        sa.UniqueConstraint("login", "identity_hash", name="uq_dav_device"),
        schema="dav",
    )
    op.create_table("dav_device_sync", *_columns((*_SYNCED, "chains"), keys=2), schema="dav")
    _make_indexes()


def _make_indexes() -> None:
    schema: str | None = context.config.attributes["schema"]  # an index does not go through the translation
    for table, column in (("dav_device", "seen"), ("dav_device_sync", "synced")):
        op.create_index(f"ix_{table}_{column}", table, [column], schema=schema)


def _insert_devices(
    rows: Sequence[sa.Row[tuple[object, ...]]], syncs: Sequence[sa.Row[tuple[object, ...]]]
) -> dict[int, int]:
    """Insert a device for each login and program, with its last syncs; return its number by the former ones."""
    device = _table("dav_device", ("id", "login", "identity", "identity_hash", "agent", "seen"))
    sync = _table("dav_device_sync", (*_SYNCED, "chains"))
    device.c.id.primary_key = True
    newest = {(row.login, program(row.agent)): row for row in sorted(rows, key=lambda row: row.seen)}
    for (login, identity), row in newest.items():
        values = {"login": login, "identity": identity, "identity_hash": _hash(identity)}
        op.get_bind().execute(sa.insert(device).values(agent=row.agent, seen=row.seen, **values))
    made = _rows("dav_device", ("id", "login", "identity"))
    ids = {(row.login, row.identity): row.id for row in made}
    new = {row.id: ids[row.login, program(row.agent)] for row in rows}
    last: dict[tuple[int, str], object] = {}
    for row in sorted(syncs, key=lambda row: row.synced):
        if row.device_id in new:
            last[new[row.device_id], row.name] = row.synced
    for (device_id, name), synced in last.items():
        values = {"device_id": device_id, "name": name, "synced": synced, "chains": "[]"}
        op.get_bind().execute(sa.insert(sync).values(values))
    return new


def _mapping(ids: dict[int, int]) -> sa.Table:
    """Make a table of the devices' former and new numbers."""
    former = op.create_table("dav_device_former", *_columns(("old_id", "new_id"), keys=1), schema="dav")
    for old, new in ids.items():
        op.get_bind().execute(sa.insert(former).values(old_id=old, new_id=new))
    return former


def _copy_fetched(former: sa.Table) -> None:
    """Make the table of what devices fetched anew, by their new numbers."""
    old = _table("dav_fetched", _FETCHED[:3])
    kept = op.create_table("dav_fetched_former", *_columns(_FETCHED[:3], keys=3), schema="dav")
    mapped = sa.select(former.c.new_id, old.c.item_id, old.c.etag).distinct()
    _insert_from(kept, mapped.join_from(old, former, former.c.old_id == old.c.device_id))
    op.drop_table("dav_fetched", schema="dav")
    made = op.create_table("dav_fetched", *_columns(_FETCHED, keys=3), schema="dav")
    is_of = sa.and_(_VERSION.c.item_id == kept.c.item_id, _VERSION.c.etag == kept.c.etag)
    rows = sa.select(*kept.c, _VERSION.c.number, sa.literal(2)).join_from(kept, _VERSION, is_of)
    _insert_from(made, rows)
    op.drop_table("dav_fetched_former", schema="dav")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
