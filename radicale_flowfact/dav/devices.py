"""Which version of an item a device last saw.

A device is a login and a User-Agent. Some send no If-Match (Thunderbird's address book, Evolution); what they
changed can only be told by comparing with the newest version that they fetched (rule 26).
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from radicale_flowfact.dav import tables
from radicale_flowfact.dav.items import chunks
from radicale_flowfact.dav.session import Session
from radicale_flowfact.dav.tables import text_hash

_ATTEMPTS = 5


def device_id(session: Session, login: str, agent: str) -> int:
    """Return the device's number, giving it one when it is new."""
    found = _find(session, login, agent)
    if found is not None:
        return found
    row = {"login": login, "agent": agent, "agent_hash": text_hash(agent), "seen": session.utc}
    session.connection.execute(insert(tables.device).values(row))
    made = _find(session, login, agent)
    assert made is not None  # noqa: S101 - the row was just written in this transaction
    return made


def last_seen(session: Session, login: str, agent: str, item_id: int) -> str | None:
    """Return the ETag of the newest version of the item that this device fetched, or None."""
    found = _find(session, login, agent)
    if found is None:
        return None
    fetched = tables.fetched
    return session.connection.scalar(
        select(fetched.c.etag).where(fetched.c.device_id == found, fetched.c.item_id == item_id)
    )


def remember(session: Session, login: str, agent: str, versions: Mapping[int, str]) -> None:
    """Remember that the device now has these versions (item id to ETag).

    Phones send several requests at once, so another one may add the same rows in the same moment.
    """
    for attempt in range(_ATTEMPTS):
        try:
            with session.connection.begin_nested():
                _remember(session, login, agent, versions)
        except IntegrityError:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return


def _remember(session: Session, login: str, agent: str, versions: Mapping[int, str]) -> None:
    device = device_id(session, login, agent)
    fetched = tables.fetched
    known: dict[int, str] = {}
    for chunk in chunks(sorted(versions)):
        rows = session.connection.execute(
            select(fetched.c.item_id, fetched.c.etag).where(fetched.c.device_id == device, fetched.c.item_id.in_(chunk))
        )
        known |= {row.item_id: row.etag for row in rows}
    new = [
        {"device_id": device, "item_id": item_id, "etag": etag}
        for item_id, etag in sorted(versions.items())  # in one order, so that no two wait for each other
        if item_id not in known
    ]
    if new:
        session.connection.execute(insert(fetched), new)
    newer = [
        {"this_item": item_id, "new_etag": etag}
        for item_id, etag in sorted(versions.items())
        if item_id in known and known[item_id] != etag
    ]
    if newer:
        mine = (fetched.c.device_id == device, fetched.c.item_id == bindparam("this_item"))
        session.connection.execute(update(fetched).where(*mine).values(etag=bindparam("new_etag")), newer)


def _find(session: Session, login: str, agent: str) -> int | None:
    device = tables.device
    return session.connection.scalar(
        select(device.c.id).where(device.c.login == login, device.c.agent_hash == text_hash(agent))
    )
