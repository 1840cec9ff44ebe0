"""Carries out PUT and DELETE of one item (RFC 9110 §9.3), each in one transaction; Radicale's handlers take several.

The body of a PUT goes to the maps as it was sent. Radicale parses it with vobject before a storage sees it: that
refuses what phones send (escaped characters in parameters, cards without UID), drops unknown properties, and
expands the recurrence rules of time zones without bound.
"""

from __future__ import annotations

from collections.abc import Callable
from http import client

from radicale import types
from radicale.config import Configuration

from radicale_flowfact.content.contentlines import PayloadError
from radicale_flowfact.dav.store.items import Item
from radicale_flowfact.dav.store.request import RefusedError, unreadable
from radicale_flowfact.dav.store.session import Name
from radicale_flowfact.http import request_checks, retry
from radicale_flowfact.http.preconditions import EntityTags
from radicale_flowfact.storage import Storage


class ItemWrites:
    """Carries out PUT and DELETE of an item, with their preconditions."""

    def __init__(self, configuration: Configuration, storage: Storage) -> None:
        self._configuration = configuration
        self._storage = storage
        self._largest: int = configuration.get("server", "max_resource_size")
        self._strict: bool = configuration.get("storage", "strict_preconditions")

    def put(self, environ: types.WSGIEnviron, login: str, name: Name, href: str) -> types.WSGIResponse:
        """Store the body of a PUT. Raises RefusedError."""
        text, is_plain = self._read(environ, name)

        def require(there: Item | None, was_stored_last: Callable[[], bool]) -> None:
            # Of an earlier attempt COMMIT may have been done, and its answer lost.
            if not (retry.is_retry(environ) and was_stored_last()):
                self._require_preconditions(environ, there)

        put = self._storage.gateway.put(login, name, href, text, require)
        # Without an ETag the client fetches the item as it was stored (RFC 4791 §5.3.4).
        headers = {"ETag": f'"{put.item.etag}"'} if put.is_as_sent and is_plain else {}
        return client.CREATED if put.is_new else client.NO_CONTENT, headers, None, None

    def delete(self, environ: types.WSGIEnviron, login: str, name: Name, href: str, url: str) -> types.WSGIResponse:
        """Carry out a DELETE; ``url`` is the item's href in the answer. Raises RefusedError."""
        self._storage.gateway.delete(login, name, href, lambda there: self._require_match(environ, there))
        response = f"<response><href>{url}</href><status>HTTP/1.1 200 OK</status></response>"
        body = f'<?xml version="1.0" encoding="utf-8"?>\n<multistatus xmlns="DAV:">{response}</multistatus>'
        return client.OK, {"Content-Type": "text/xml"}, body, None

    def _read(self, environ: types.WSGIEnviron, name: Name) -> tuple[str, bool]:
        """Return the body as text, and whether it is just that in UTF-8.

        Raises RefusedError for one that is too large, cut off or no text.
        """
        space = "CR" if name is Name.ADDRESSES else "C"
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > self._largest:
            raise RefusedError(
                f"it has {length} bytes, and {self._largest} are the most ([server] max_resource_size)",
                403,
                f"{space}:max-resource-size",
            )
        body = request_checks.read_body(environ)
        try:
            text = request_checks.item_text(environ, body)
        except PayloadError as error:
            raise unreadable(name, f"cannot be read: {error}") from error
        return text, text.encode("utf-8") == body

    def _require_match(self, environ: types.WSGIEnviron, there: Item | None) -> None:
        """Raise RefusedError (412) when If-Match does not hold (RFC 9110 §13.1.1)."""
        match = environ.get("HTTP_IF_MATCH", "").strip()
        if not match:
            if there is not None and self._strict:
                raise RefusedError("the item exists; this needs If-Match ([storage] strict_preconditions)", 412)
            return
        wanted = EntityTags.parse(match)
        if there is None:
            raise RefusedError("the item is gone meanwhile; sync again", 412)
        if wanted is None or not wanted.matches(f'"{there.etag}"'):
            raise RefusedError("the item changed meanwhile; fetch it again", 412)

    def _require_preconditions(self, environ: types.WSGIEnviron, there: Item | None) -> None:
        """Raise RefusedError (412) when If-Match or If-None-Match does not hold (RFC 9110 §13.1)."""
        self._require_match(environ, there)
        unwanted = EntityTags.parse(environ.get("HTTP_IF_NONE_MATCH", ""))
        if there is not None and unwanted is not None and unwanted.matches(f'"{there.etag}"'):
            raise RefusedError("there is such an item already", 412)
