"""PUT of one item: the bytes as they came go to the maps; Radicale's own reading would refuse or lose some.

Radicale reads a PUT with vobject before a storage sees it. That refuses what phones send (escaped characters in
parameters, cards without UID), drops what it does not know and counts out whatever rule a time zone has.
"""

from __future__ import annotations

from http import client

from radicale import types
from radicale.config import Configuration

from radicale_flowfact import guarding
from radicale_flowfact.dav.items import Item
from radicale_flowfact.dav.request import RefusedError
from radicale_flowfact.dav.session import Name
from radicale_flowfact.preconditions import EntityTags
from radicale_flowfact.storage import Storage


class ItemPut:
    """Stores the body of a PUT at a path of an item."""

    def __init__(self, configuration: Configuration, storage: Storage) -> None:
        self._configuration = configuration
        self._storage = storage
        self._largest: int = configuration.get("server", "max_resource_size")
        self._strict: bool = configuration.get("storage", "strict_preconditions")

    def answer(self, environ: types.WSGIEnviron, login: str, name: Name, href: str) -> types.WSGIResponse:
        """Carry the PUT out. Raises RefusedError."""
        text = self._read(environ, name)
        gateway = self._storage.gateway
        with gateway.writing(login, name):
            there = gateway.items_at(gateway.open_to_write(login, name, href), [href]).get(href)
            self._require_preconditions(environ, there)
            item, is_as_sent = gateway.put(login, name, href, text)
        # Without an ETag the client fetches what became of it (RFC 4791 §5.3.4).
        headers = {"ETag": f'"{item.etag}"'} if is_as_sent else {}
        return client.CREATED if there is None else client.NO_CONTENT, headers, None, None

    def _read(self, environ: types.WSGIEnviron, name: Name) -> str:
        """Return the body as text. Raises RefusedError for one that is too large, cut off or of an unknown charset."""
        space = "CR" if name is Name.ADDRESSES else "C"
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > self._largest:
            raise RefusedError(
                f"it has {length} bytes, and {self._largest} are the most ([server] max_resource_size)",
                403,
                f"{space}:max-resource-size",
            )
        return guarding.decoded(environ, guarding.read_body(environ))

    def _require_preconditions(self, environ: types.WSGIEnviron, there: Item | None) -> None:
        """Raise RefusedError (412) when If-Match or If-None-Match does not hold (RFC 9110 §13.1)."""
        etag = None if there is None else f'"{there.etag}"'
        match = environ.get("HTTP_IF_MATCH", "").strip()
        if match:
            wanted = EntityTags.parse(match)
            if etag is None:
                raise RefusedError("the item is gone meanwhile; sync again", 412)
            if wanted is None or not wanted.matches(etag):
                raise RefusedError("the item changed meanwhile; fetch it again", 412)
        elif etag is not None and self._strict:
            raise RefusedError("the item exists; a change needs If-Match ([storage] strict_preconditions)", 412)
        unwanted = EntityTags.parse(environ.get("HTTP_IF_NONE_MATCH", ""))
        if etag is not None and unwanted is not None and unwanted.matches(etag):
            raise RefusedError("there is such an item already", 412)
