"""PUT and DELETE of one item, each one transaction that Radicale's handlers would make several of.

In a PUT the bytes as they came go to the maps; Radicale's own reading would refuse or lose some.

Radicale reads a PUT with vobject before a storage sees it. That refuses what phones send (escaped characters in
parameters, cards without UID), drops what it does not know and counts out whatever rule a time zone has.
"""

from __future__ import annotations

from http import client

from radicale import types
from radicale.config import Configuration

from radicale_flowfact import guarding, retrying
from radicale_flowfact.dav.items import Item
from radicale_flowfact.dav.rendering import etag_of
from radicale_flowfact.dav.request import RefusedError
from radicale_flowfact.dav.session import Name
from radicale_flowfact.preconditions import EntityTags
from radicale_flowfact.storage import Storage


class ItemWrites:
    """Stores the body of a PUT at a path of an item, and carries out a DELETE of one."""

    def __init__(self, configuration: Configuration, storage: Storage) -> None:
        self._configuration = configuration
        self._storage = storage
        self._largest: int = configuration.get("server", "max_resource_size")
        self._strict: bool = configuration.get("storage", "strict_preconditions")

    def put(self, environ: types.WSGIEnviron, login: str, name: Name, href: str) -> types.WSGIResponse:
        """Carry a PUT out. Raises RefusedError."""
        text = self._read(environ, name)

        def require(there: Item | None) -> None:
            if not _is_done(environ, there, text):
                self._require_preconditions(environ, there)

        put = self._storage.gateway.put(login, name, href, text, require)
        # Without an ETag the client fetches what became of it (RFC 4791 §5.3.4).
        headers = {"ETag": f'"{put.item.etag}"'} if put.is_as_sent else {}
        return client.CREATED if put.is_new else client.NO_CONTENT, headers, None, None

    def delete(self, environ: types.WSGIEnviron, login: str, name: Name, href: str, url: str) -> types.WSGIResponse:
        """Carry a DELETE out; ``url`` is what the answer calls the item. Raises RefusedError."""
        self._storage.gateway.delete(login, name, href, lambda there: self._require_match(environ, there))
        response = f"<response><href>{url}</href><status>HTTP/1.1 200 OK</status></response>"
        body = f'<?xml version="1.0" encoding="utf-8"?>\n<multistatus xmlns="DAV:">{response}</multistatus>'
        return client.OK, {"Content-Type": "text/xml"}, body, None

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


def _is_done(environ: types.WSGIEnviron, there: Item | None, text: str) -> bool:
    """Whether an earlier try of this very PUT was committed though the database's answer was lost."""
    return retrying.is_again(environ) and there is not None and there.etag == etag_of(text)
