"""Radicale's storage interface: turns Radicale's calls into calls of ``dav/``; no SQL and no fields here.

The collections that it returns lie in ``storage_collections.py``, their items in ``storage_items.py``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from radicale import item as radicale_item
from radicale import types
from radicale.config import Configuration
from radicale.log import logger
from radicale.storage import BaseCollection, BaseStorage

from radicale_flowfact.dav.admin.verify import verify
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.store.request import RefusedError
from radicale_flowfact.dav.store.session import Name
from radicale_flowfact.settings import load_settings
from radicale_flowfact.storage_collections import HomeCollection, RecordCollection, recorded_refusal
from radicale_flowfact.storage_items import StoredItem, TextBatch

PLUGIN_CONFIG_SCHEMA = {
    "storage": {
        "flowfact_config": {
            "value": "flowfact.toml",
            "help": "path of flowfact.toml, the settings of the FLOWFACT gateway",
            "type": str,
        }
    }
}

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
    """Drop all gateways, so that the next storage reads its settings anew (several servers in one process)."""
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
        resource = ResourcePath.of(path)
        if resource is None:
            return
        if resource.name is None:
            yield HomeCollection(resource.path)
            if depth != "0" and resource.login:
                yield from (self._collection(resource.login, name) for name in Name)
        elif resource.href is None:
            collection = self._collection(resource.login, resource.name)
            yield collection
            if depth != "0":
                yield from collection.get_all()
        else:
            yield from self._item(resource, resource.name, resource.href)

    def _collection(self, login: str, name: Name) -> RecordCollection:
        open_it = self.gateway.open_to_write if self._is_writing else self.gateway.open
        with recorded_refusal():
            return RecordCollection(self.gateway, open_it(login, name))

    def _item(self, resource: ResourcePath, name: Name, href: str) -> Iterator[radicale_item.Item]:
        with recorded_refusal():
            if self._is_writing:
                snapshot = self.gateway.open_to_write(resource.login, name, href)
            else:
                snapshot = self.gateway.open(resource.login, name)
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
        with recorded_refusal():
            raise RefusedError("the collections of a login are fixed; none can be made or replaced", 403)

    def move(self, item: radicale_item.Item, to_collection: BaseCollection, to_href: str) -> None:
        """Refuse: an item belongs to its record."""
        with recorded_refusal():
            raise RefusedError("an item cannot be moved; change it where it is", 403)

    @types.contextmanager
    def acquire_lock(self, mode: str, user: str = "", *args: object, **kwargs: Any) -> Iterator[None]:  # noqa: ANN401
        """Hold a write transaction on the collection in ``path``; reading needs no lock.

        May be entered again by the same thread, and with a path or user that is not ours.
        """
        resource = ResourcePath.of(str(kwargs.get("path") or ""))
        if mode != "w" or self._is_writing or resource is None or resource.name is None:
            yield
            return
        if resource.login not in self.gateway.settings.users:  # discover() will refuse it
            yield
            return
        with self.gateway.writing(resource.login, resource.name):
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


class ResourcePath:
    """Holds a path in its parts: the root, a login's home, one of its collections, or an item."""

    def __init__(self, path: str, login: str = "", name: Name | None = None, href: str | None = None) -> None:
        self.path = path
        self.login = login
        self.name = name
        self.href = href

    @classmethod
    def of(cls, path: str) -> ResourcePath | None:
        """Parse a sanitized path; None for one at which no resource can be."""
        stripped = path.strip("/")  # Radicale calls this with paths of its own files too
        parts = stripped.split("/") if stripped else []
        if len(parts) > 3 or (len(parts) > 1 and parts[1] not in set(Name)):
            return None
        login = parts[0] if parts else ""
        name = Name(parts[1]) if len(parts) > 1 else None
        return cls(stripped, login, name, parts[2] if len(parts) > 2 else None)
