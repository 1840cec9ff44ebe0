"""Radicale's storage: turns Radicale's calls into calls of ``dav/``; knows no SQL and no field.

Collections and items are snapshots, because Radicale reads them after it released its lock; what they load
late (texts) opens a transaction of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from radicale import item as radicale_item
from radicale import types
from radicale.config import Configuration
from radicale.log import logger
from radicale.storage import BaseCollection, BaseStorage

from radicale_flowfact.contentlines import printable
from radicale_flowfact.dav import journal
from radicale_flowfact.dav.collections import Collection as Snapshot
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.items import Item as ItemRow
from radicale_flowfact.dav.payload import ACCEPTED
from radicale_flowfact.dav.request import RefusedError, current
from radicale_flowfact.dav.session import Name
from radicale_flowfact.dav.verify import verify
from radicale_flowfact.filtering import TimeRange, read_calendar_filter, read_card_filter
from radicale_flowfact.settings import load_settings
from radicale_flowfact.storage_items import ReportItem, StoredItem, TextBatch, http_date

PLUGIN_CONFIG_SCHEMA = {
    "storage": {
        "flowfact_config": {
            "value": "flowfact.toml",
            "help": "path of flowfact.toml, the settings of the FLOWFACT gateway",
            "type": str,
        }
    }
}
_TAGS = {Name.ADDRESSES: "VADDRESSBOOK", Name.APPOINTMENTS: "VCALENDAR", Name.TASKS: "VCALENDAR"}
_COMPONENTS = {Name.APPOINTMENTS: "VEVENT", Name.TASKS: "VTODO"}
_TITLES = {Name.ADDRESSES: "FLOWFACT", Name.APPOINTMENTS: "FLOWFACT Termine", Name.TASKS: "FLOWFACT Aufgaben"}
_COMPONENT_SET = "C:supported-calendar-component-set"
_FIXED = frozenset({"tag", _COMPONENT_SET})

_gateways: dict[Path, Gateway] = {}
_gateways_lock = threading.Lock()


def gateway_for(config: Path) -> Gateway:
    """Return the process's gateway for a flowfact.toml; Radicale makes its storage more than once."""
    with _gateways_lock:
        path = config.expanduser().resolve()
        if path not in _gateways:
            _gateways[path] = Gateway(load_settings(path))
        return _gateways[path]


def forget_gateways() -> None:
    """Let the next storage read its settings anew; for the end of a server in a process that goes on."""
    with _gateways_lock:
        _gateways.clear()


class Storage(BaseStorage):
    """The storage that ``[storage] type = radicale_flowfact.storage`` names."""

    _is_collision_free = True
    _supports_unicode = True
    _supports_trailing_whitespace = True
    _supports_problematic_chars = True

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(configuration.copy(PLUGIN_CONFIG_SCHEMA))
        self.gateway = gateway_for(Path(self.configuration.get("storage", "flowfact_config")))

    def discover(
        self,
        path: str,
        depth: str = "0",
        child_context_manager: object = None,
        user_groups: object = None,
    ) -> Iterator[types.CollectionOrItem]:
        """Yield what is at ``path`` and, for another depth than 0, what is directly in it."""
        place = Place.of(path)
        if place is None:
            return
        if place.name is None:
            yield Folder(place.path)
            if depth != "0" and place.login:
                yield from (self._collection(place.login, name) for name in Name)
        elif place.href is None:
            collection = self._collection(place.login, place.name)
            yield collection
            if depth != "0":
                yield from collection.get_all()
        else:
            yield from self._item(place, place.name, place.href)

    def _collection(self, login: str, name: Name) -> RecordCollection:
        open_it = self.gateway.open_to_write if self._is_writing else self.gateway.open
        with noted():
            return RecordCollection(self.gateway, open_it(login, name))

    def _item(self, place: Place, name: Name, href: str) -> Iterator[radicale_item.Item]:
        with noted():
            if self._is_writing:
                snapshot = self.gateway.open_to_write(place.login, name, href)
            else:
                snapshot = self.gateway.open(place.login, name)
            row = self.gateway.items_at(snapshot, [href]).get(href)
        if row is not None:
            yield StoredItem(RecordCollection(self.gateway, snapshot), row, TextBatch(self.gateway, snapshot))

    @property
    def _is_writing(self) -> bool:
        return getattr(_held, "mode", "r") == "w"

    def create_collection(
        self,
        href: str,
        items: Iterable[radicale_item.Item] | None = None,
        props: Mapping[str, str] | None = None,
    ) -> tuple[BaseCollection, dict[str, radicale_item.Item], list[str]]:
        """Refuse: the three collections always exist, and no other can be made or replaced."""
        with noted():
            raise RefusedError("the collections of a login are fixed; none can be made or replaced", 403)

    def move(self, item: radicale_item.Item, to_collection: BaseCollection, to_href: str) -> None:
        """Refuse: an item belongs to its record."""
        with noted():
            raise RefusedError("an item cannot be moved; change it where it is", 403)

    @types.contextmanager
    def acquire_lock(self, mode: str, user: str = "", *args: object, **kwargs: Any) -> Iterator[None]:  # noqa: ANN401
        """Hold a write transaction on the collection in ``path``; reading needs no lock.

        May be entered again by the same thread, and with a path or user that is not ours.
        """
        place = Place.of(str(kwargs.get("path") or ""))
        if mode != "w" or self._is_writing or place is None or place.name is None:
            yield
            return
        if place.login not in self.gateway.settings.users:  # discover() will refuse it
            yield
            return
        with self.gateway.writing(place.login, place.name):
            _held.mode = "w"
            try:
                yield
            finally:
                _held.mode = "r"

    def verify(self) -> bool:
        """Check the gateway's tables; log what is broken (``radicale --verify-storage``)."""
        report = verify(self.gateway)
        for breach in report.breaches:
            logger.error("%s: %s (%s). Next: %s", breach.where, breach.what, breach.detail or "-", breach.step)
        return not report.breaches


_held = threading.local()


@contextmanager
def noted() -> Iterator[None]:
    """Let ``app.py`` know of a refusal that Radicale's handlers would turn into a bare status."""
    try:
        yield
    except RefusedError as error:
        current().refusal = error
        logger.warning("Refused: %s", error)
        raise


class Place:
    """A path taken apart: nothing, a login, one of his collections, an item in it."""

    def __init__(self, path: str, login: str = "", name: Name | None = None, href: str | None = None) -> None:
        self.path = path
        self.login = login
        self.name = name
        self.href = href

    @classmethod
    def of(cls, path: str) -> Place | None:
        """Return the place that a sanitized path names, or None if there can be nothing."""
        stripped = path.strip("/")  # Radicale asks with paths of its own files too
        parts = stripped.split("/") if stripped else []
        if len(parts) > 3 or (len(parts) > 1 and parts[1] not in set(Name)):
            return None
        login = parts[0] if parts else ""
        name = Name(parts[1]) if len(parts) > 1 else None
        return cls(stripped, login, name, parts[2] if len(parts) > 2 else None)


class Folder(BaseCollection):
    """The root, or a login's home, which is his principal too: it has no items, and no property but a name."""

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
        """Return the name, which every principal must have (RFC 3744 §4): the login."""
        props = {"D:displayname": self._path} if self._path else {}
        return props if key is None else props.get(key)

    def set_meta(self, all_props: Mapping[str, str]) -> None:
        """Refuse: only the collections have properties."""
        with noted():
            raise RefusedError("only addresses, appointments and tasks have properties to set", 403)

    def get_multi(self, hrefs: Iterable[str]) -> Iterator[tuple[str, None]]:
        """Find none of them."""
        return ((href, None) for href in hrefs)

    def get_all(self) -> Iterator[radicale_item.Item]:
        """Return nothing."""
        return iter(())

    def delete(self, href: str | None = None) -> None:
        """Refuse: a home belongs to its login."""
        with noted():
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
        """The ctag too: names the last journal entry."""
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
        return found.token, [item.href for item in found.items]

    def _all_hrefs(self) -> Iterator[str]:
        """Yield the hrefs of a first sync; PROPFIND asks for the token only and never starts this."""
        yield from (item.href for item in self._gateway.changes(self.snapshot, "").items)

    def get_meta(self, key: str | None = None) -> Any:  # noqa: ANN401 - Radicale's own signature
        """Return one property or all of them."""
        name = self.snapshot.name
        props = {"D:displayname": _TITLES[name], **self.snapshot.props, "tag": _TAGS[name]}
        if name in ACCEPTED:
            props[_COMPONENT_SET] = ",".join(ACCEPTED[name])
        return props if key is None else props.get(key)

    def set_meta(self, all_props: Mapping[str, str]) -> None:
        """Keep what the user may set; the kind of a collection is fixed."""
        now = self.get_meta()
        with noted():
            for key in sorted(_FIXED):
                if all_props.get(key) != now.get(key):
                    raise RefusedError("what kind of collection this is cannot be changed", 403)
            props = {key: value for key, value in all_props.items() if key not in _FIXED}
            self._gateway.set_props(self.snapshot.login, self.snapshot.name, props)

    def get_multi(self, hrefs: Iterable[str]) -> Iterator[tuple[str, radicale_item.Item | None]]:
        """Return these items; their texts are loaded together when the first one is read."""
        wanted = list(dict.fromkeys(hrefs))
        found = self._gateway.items_at(self.snapshot, [href for href in wanted if printable(href) == href])
        made = {item.href: item for item in self._report_items(list(found.values()))}
        query = current().query
        if query.calendar is not None or query.card is not None:  # of one item that was named by itself
            made = {href: item for href, item in made.items() if item.matches(query)}
        return ((href, made.get(href)) for href in wanted)

    def get_all(self) -> Iterator[radicale_item.Item]:
        """Return all items; each loads its text when it is read."""
        batch = TextBatch(self._gateway, self.snapshot)
        return iter([StoredItem(self, row, batch) for row in self._gateway.listing(self.snapshot)])

    def get_filtered(self, filters: Iterable[ET.Element]) -> Iterator[tuple[radicale_item.Item, bool]]:
        """Return the items that match the query; ``filters`` are those that ``app.py`` did not take out.

        Of a free-busy-query Radicale makes one itself, and plain Radicale hands over what the client sent.
        """
        query = current().query
        for filter_ in filters:
            if self.snapshot.name is Name.ADDRESSES:
                query = replace(query, card=read_card_filter(filter_))
            else:
                query = replace(query, calendar=read_calendar_filter(filter_))
        wanted = query.calendar
        rows = self._gateway.listing(self.snapshot) if wanted is None else self._rows_between(wanted.span)
        is_simple = wanted is not None and wanted.is_of_time_only(_COMPONENTS.get(self.snapshot.name, ""))
        for row, item in zip(rows, self._report_items(rows), strict=True):
            # What takes place once does so between the times that its row has.
            is_sure = is_simple and not row.recurs and row.component == _COMPONENTS[self.snapshot.name]
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
        with noted():
            row = self._gateway.put(self.snapshot.login, self.snapshot.name, href, item.serialize()).item
        return StoredItem(self, row, TextBatch(self._gateway, self.snapshot)), None

    def delete(self, href: str | None = None) -> None:
        """Take an item off the user's devices; the collection itself stays. Raises RefusedError."""
        with noted():
            if href is None:
                raise RefusedError("a collection cannot be deleted", 403)
            self._gateway.delete(self.snapshot.login, self.snapshot.name, href)
