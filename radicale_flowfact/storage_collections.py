"""Collections as Radicale handles them: a login's home, and its addresses, appointments and tasks.

Each is a snapshot, because Radicale reads it after it released its lock; what it loads late (texts) opens a
transaction of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from xml.etree import ElementTree as ET

from radicale import item as radicale_item
from radicale.log import logger
from radicale.storage import BaseCollection

from radicale_flowfact.content.contentlines import printable
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.store import journal
from radicale_flowfact.dav.store.collections import Collection as Snapshot
from radicale_flowfact.dav.store.items import Item as ItemRow
from radicale_flowfact.dav.store.request import RefusedError, current
from radicale_flowfact.dav.store.session import Name
from radicale_flowfact.dav.writing.payload import ACCEPTED
from radicale_flowfact.queries.filters import TimeRange, read_calendar_filter, read_card_filter
from radicale_flowfact.storage_items import ReportItem, StoredItem, TextBatch, http_date

_TAGS = {Name.ADDRESSES: "VADDRESSBOOK", Name.APPOINTMENTS: "VCALENDAR", Name.TASKS: "VCALENDAR"}
_COMPONENTS = {Name.APPOINTMENTS: "VEVENT", Name.TASKS: "VTODO"}
_TITLES = {Name.ADDRESSES: "FLOWFACT", Name.APPOINTMENTS: "FLOWFACT Termine", Name.TASKS: "FLOWFACT Aufgaben"}
_COMPONENT_SET = "C:supported-calendar-component-set"
_FIXED = frozenset({"tag", _COMPONENT_SET})
_LONGEST_PROPERTY, _ALL_PROPERTIES = 20_000, 100_000  # characters; a calendar-timezone has some thousand


@contextmanager
def recorded_refusal() -> Iterator[None]:
    """Record a refusal for ``http/app.py``: Radicale's handlers would answer a bare status."""
    try:
        yield
    except RefusedError as error:
        current().refusal = error
        logger.warning("Refused: %s", error)
        raise


def _require_short(props: Mapping[str, str]) -> None:
    """Raise RefusedError (507) for properties that are longer, or more, than a client needs (RFC 4918 §9.2.1)."""
    for key, value in props.items():
        if len(key) + len(value) > _LONGEST_PROPERTY:
            raise RefusedError(
                f"the property {key[:60]!r} has {len(value)} characters, and {_LONGEST_PROPERTY} are the most", 507
            )
    if sum(len(key) + len(value) for key, value in props.items()) > _ALL_PROPERTIES:
        raise RefusedError(f"all properties together have more than {_ALL_PROPERTIES} characters", 507)


class HomeCollection(BaseCollection):
    """The root, or a login's home, which is the principal too: no items, and displayname as its only property."""

    def __init__(self, path: str) -> None:
        self._path = path

    @property
    def path(self) -> str:
        """The path without slashes at its ends."""
        return self._path

    @property
    def etag(self) -> str:
        """Never changes: what is in it is fixed."""
        return '"home"'

    @property
    def last_modified(self) -> str:
        """Never changes."""
        return format_datetime(datetime(2000, 1, 1, tzinfo=UTC), usegmt=True)

    def sync(self, old_token: str = "") -> tuple[str, Iterable[str]]:
        """Refuse: there is nothing to sync here. Raises ValueError (valid-sync-token)."""
        raise ValueError("a home collection has no sync token")

    def get_meta(self, key: str | None = None) -> Any:  # noqa: ANN401 - Radicale's own signature
        """Return displayname, which every principal must have (RFC 3744 §4): the login."""
        props = {"D:displayname": self._path} if self._path else {}
        return props if key is None else props.get(key)

    def set_meta(self, all_props: Mapping[str, str]) -> None:
        """Refuse: only the collections have properties."""
        with recorded_refusal():
            raise RefusedError("only addresses, appointments and tasks have properties to set", 403)

    def get_multi(self, hrefs: Iterable[str]) -> Iterator[tuple[str, None]]:
        """Find none of them."""
        return ((href, None) for href in hrefs)

    def get_all(self) -> Iterator[radicale_item.Item]:
        """Return nothing."""
        return iter(())

    def delete(self, href: str | None = None) -> None:
        """Refuse: a home belongs to its login."""
        with recorded_refusal():
            raise RefusedError("a home cannot be deleted", 403)


class RecordCollection(BaseCollection):
    """One of a login's three collections, as it was when it was opened."""

    def __init__(self, gateway: Gateway, snapshot: Snapshot) -> None:
        self._gateway = gateway
        self.snapshot = snapshot

    @property
    def path(self) -> str:
        """``<login>/<name>``."""
        return f"{self.snapshot.login}/{self.snapshot.name.value}"

    @property
    def etag(self) -> str:
        """The ETag and ctag, with quotes: names the last journal entry."""
        return f'"{self.snapshot.ctag}"'

    @property
    def last_modified(self) -> str:
        """HTTP date of the last journal entry."""
        return http_date(self.snapshot.modified)

    def sync(self, old_token: str = "") -> tuple[str, Iterable[str]]:
        """Return the new token and, when they are asked for, the hrefs that changed. ValueError: bad token."""
        request = current()
        if not old_token and request.limit is None:
            return journal.token(self.snapshot), self._all_hrefs()
        found = self._gateway.changes(self.snapshot, old_token, request.limit)
        request.more = found.more
        self._gateway.moved(self.snapshot, request.agent, old_token, found.token)
        return found.token, [item.href for item in found.items]

    def _all_hrefs(self) -> Iterator[str]:
        """Yield the hrefs of a first sync; PROPFIND asks for the token only and never starts this."""
        self._gateway.moved(self.snapshot, current().agent, "", journal.token(self.snapshot))
        yield from (item.href for item in self._gateway.changes(self.snapshot, "").items)

    def get_meta(self, key: str | None = None) -> Any:  # noqa: ANN401 - Radicale's own signature
        """Return one property or all of them."""
        name = self.snapshot.name
        props = {"D:displayname": _TITLES[name], **self.snapshot.props, "tag": _TAGS[name]}
        if name in ACCEPTED:
            props[_COMPONENT_SET] = ",".join(ACCEPTED[name])
        return props if key is None else props.get(key)

    def set_meta(self, all_props: Mapping[str, str]) -> None:
        """Store the properties that a user may set; tag and component set are fixed. Raises RefusedError."""
        now = self.get_meta()
        with recorded_refusal():
            for key in sorted(_FIXED):
                if all_props.get(key) != now.get(key):
                    raise RefusedError("what kind of collection this is cannot be changed", 403)
            props = {key: value for key, value in all_props.items() if key not in _FIXED}
            _require_short(props)
            self._gateway.set_props(self.snapshot.login, self.snapshot.name, props)

    def get_multi(self, hrefs: Iterable[str]) -> Iterator[tuple[str, radicale_item.Item | None]]:
        """Return these items, None for one that is not there; their texts are loaded together when one is read.

        Of a query on the path of one item, an item that does not match is left out, as a collection leaves it out.
        """
        wanted = list(dict.fromkeys(hrefs))
        found = self._gateway.items_at(self.snapshot, [href for href in wanted if printable(href) == href])
        made = {item.href: item for item in self._report_items(list(found.values()))}
        query = current().query
        if query.calendar is not None or query.card is not None:
            unlike = {href for href, item in made.items() if not item.matches(query)}
            wanted = [href for href in wanted if href not in unlike]
        return ((href, made.get(href)) for href in wanted)

    def get_all(self) -> Iterator[radicale_item.Item]:
        """Return all items; each loads its text when it is read."""
        batch = TextBatch(self._gateway, self.snapshot)
        return iter([StoredItem(self, row, batch) for row in self._gateway.listing(self.snapshot)])

    def get_filtered(self, filters: Iterable[ET.Element]) -> Iterator[tuple[radicale_item.Item, bool]]:
        """Return the items that match the query; ``filters``: those that ``http/app.py`` did not remove.

        Radicale makes a filter of a free-busy-query itself, and without ``http/app.py`` passes on the client's.
        """
        query = current().query
        for filter_ in filters:
            if self.snapshot.name is Name.ADDRESSES:
                query = replace(query, card=read_card_filter(filter_))
            else:
                query = replace(query, calendar=read_calendar_filter(filter_))
        wanted = query.calendar
        rows = self._gateway.listing(self.snapshot) if wanted is None else self._rows_between(wanted.span)
        is_simple = wanted is not None and wanted.is_time_range_only(_COMPONENTS.get(self.snapshot.name, ""))
        for row, item in zip(rows, self._report_items(rows), strict=True):
            # The row's times are exact for an event that does not recur.
            is_sure = is_simple and not row.recurs and row.component == _COMPONENTS[self.snapshot.name]
            item.busy = wanted.span if wanted is not None and wanted is not current().query.calendar else None
            takes_place = query.expand is None or not row.recurs or bool(item.expanded())
            if takes_place and (is_sure or item.matches(query)):
                yield item, True

    def _rows_between(self, wanted: TimeRange) -> list[ItemRow]:
        start, end = (int(moment.timestamp()) for moment in (wanted.start, wanted.end))
        return self._gateway.items_between(self.snapshot, start, end)

    def _report_items(self, rows: Sequence[ItemRow]) -> list[ReportItem]:
        batch = TextBatch(self._gateway, self.snapshot)
        return [ReportItem(self, row, batch) for row in rows]

    def has_uid(self, uid: str) -> bool:
        """Return whether the collection shows an item with this UID."""
        return self._gateway.has_uid(self.snapshot, uid)

    def upload(self, href: str, item: radicale_item.Item) -> tuple[radicale_item.Item, radicale_item.Item | None]:
        """Store what a device sent, as Radicale's own application read it. Raises RefusedError, answered with 403."""
        with recorded_refusal():
            row = self._gateway.put(self.snapshot.login, self.snapshot.name, href, item.serialize()).item
        return StoredItem(self, row, TextBatch(self._gateway, self.snapshot)), None

    def delete(self, href: str | None = None) -> None:
        """Take an item off the user's devices; the collection itself stays. Raises RefusedError."""
        with recorded_refusal():
            if href is None:
                raise RefusedError("a collection cannot be deleted", 403)
            self._gateway.delete(self.snapshot.login, self.snapshot.name, href)
