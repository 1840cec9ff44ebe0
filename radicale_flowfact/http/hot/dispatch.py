"""The way of a hot request: who asks, what for, and the answer; ``None`` leaves the request to Radicale."""

from __future__ import annotations

import base64
import io
import re
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import client
from typing import Any

from radicale import types
from radicale.rights import BaseRights
from sqlalchemy.exc import SQLAlchemyError

from radicale_flowfact import faults, retrying
from radicale_flowfact.dav.collections import Collection
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.journal import InvalidTokenError
from radicale_flowfact.dav.request import RefusedError
from radicale_flowfact.dav.session import Name
from radicale_flowfact.hot import bodies, reports
from radicale_flowfact.hot.bodies import Propfind
from radicale_flowfact.hot.reports import Place
from radicale_flowfact.logins import RememberedLogins
from radicale_flowfact.preferences import APPLIED, wants_minimal
from radicale_flowfact.storage_items import http_date

_PATH = re.compile(r"/(?P<login>[^/]+)/(?P<name>addresses|appointments|tasks)/(?P<href>[^/]*)")
_XML = {"Content-Type": "text/xml; charset=utf-8"}
_TYPES = {"VCARD": "text/vcard", "VEVENT": "text/calendar", "VTODO": "text/calendar", "VJOURNAL": "text/calendar"}
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_SERVER")
_CACHED, _CACHED_BYTES = 512, 8192
_ZIPPED_FROM = 1000  # bytes
_CHARSET, _UTF8 = re.compile("charset", re.IGNORECASE), re.compile(r"charset=\"?utf-8\"?\s*(;|$)", re.IGNORECASE)
Environ = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finished:
    """An answer ready to be sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def send(self, environ: Environ, start_response: types.WSGIStartResponse) -> list[bytes]:
        """Send it, compressed if the client takes that and it pays."""
        body, headers = self.body, dict(self.headers)
        if len(body) > _ZIPPED_FROM and _takes_gzip(environ):
            packer = zlib.compressobj(1, wbits=16 + zlib.MAX_WBITS)
            body = packer.compress(body) + packer.flush()
            headers["Content-Encoding"] = "gzip"
        if self.status != client.NOT_MODIFIED:
            headers["Content-Length"] = str(len(body))
        start_response(f"{self.status} {client.responses[self.status]}", list(headers.items()))
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def _takes_gzip(environ: Environ) -> bool:
    return "gzip" in (one.strip() for one in environ.get("HTTP_ACCEPT_ENCODING", "").split(","))


Handler = Callable[[Environ], Finished]


class Front:
    """Answers hot requests. ``by_radicale`` answers a request the long way."""

    def __init__(
        self,
        gateway: Gateway,
        logins: RememberedLogins,
        rights: BaseRights,
        extra_headers: Mapping[str, str],
        by_radicale: Handler,
    ) -> None:
        self._gateway = gateway
        self._logins = logins
        self._rights = rights
        self._extra_headers = extra_headers
        self._by_radicale = by_radicale
        self._cache: OrderedDict[object, Finished] = OrderedDict()

    def answer(self, environ: Environ) -> Finished | None:
        """Return the answer to a hot request; None for every other one, whose body can still be read."""
        handle = {"PROPFIND": self._propfind, "REPORT": self._report, "GET": self._get, "HEAD": self._get}.get(
            environ["REQUEST_METHOD"]
        )
        place = None if handle is None else self._place(environ)
        if handle is None or place is None:
            return None
        try:
            found = handle(environ, place)
        except (RefusedError, InvalidTokenError):
            return None  # Radicale's way finds the words
        except SQLAlchemyError as error:
            if faults.is_passing(error) or not faults.is_outage(error):
                return None  # Radicale's way tries again
            status, headers, words, _ = retrying.unavailable(environ["REQUEST_METHOD"], place.path, error)
            return Finished(status, dict(headers), str(words).encode())
        if found is None:
            return None
        self._gateway.stats.hot += 1
        return Finished(found.status, {**found.headers, **self._extra_headers}, found.body)

    def _place(self, environ: Environ) -> Place | None:
        """Return the collection or item that a login asks for of its own; None if anything about it is unusual."""
        prefix = str(environ.get("HTTP_X_SCRIPT_NAME", environ.get("SCRIPT_NAME", "")))
        path: str = environ.get("PATH_INFO", "")
        if prefix:
            if prefix[0] != "/" or prefix[-1] == "/":
                return None
            if any(environ.get(name) for name in _FORWARDED):
                path = path.removeprefix(prefix)
        found = _PATH.fullmatch(path)
        if found is None or environ.get("QUERY_STRING"):
            return None
        login, name, href = found.groups()
        if href in (".", ".."):
            return None
        user, groups = self._user(environ)
        rights = self._rights.authorization(user, groups, f"/{user}/{name}/") if user == login else ""
        if "r" not in rights:
            return None
        agent = environ.get("HTTP_USER_AGENT", "")[:255]
        return Place(prefix, user, Name(name), href, agent, rights)

    def _user(self, environ: Environ) -> tuple[str, set[str]]:
        header = environ.get("HTTP_AUTHORIZATION", "")
        if not header.startswith("Basic "):
            return "", set()
        try:
            login, _, password = base64.b64decode(header[6:].strip(), validate=True).decode().partition(":")
        except ValueError:
            return "", set()
        known = self._logins.known(login, password)
        return ("", set()) if known is None else (known[0], known[2])

    def _body(self, environ: Environ) -> bytes:
        """Read the body, and leave it to be read again; empty for one that Radicale's way reads otherwise."""
        length, kind = environ.get("CONTENT_LENGTH") or "0", environ.get("CONTENT_TYPE") or ""
        if not length.isdigit() or int(length) > bodies.LARGEST or (_CHARSET.search(kind) and not _UTF8.search(kind)):
            return b""
        try:
            body: bytes = environ["wsgi.input"].read(int(length))
        except (OSError, EOFError):
            return b""
        environ["wsgi.input"] = io.BytesIO(body)
        return body if len(body) == int(length) else b""

    def _propfind(self, environ: Environ, place: Place) -> Finished | None:
        depth = environ.get("HTTP_DEPTH", "0")
        if place.href or depth not in ("0", "1"):
            return None
        body = self._body(environ)
        root = bodies.read(body)
        asked = None if root is None else bodies.asked(root)
        if not isinstance(asked, Propfind):
            return None
        collection = self._gateway.open(place.login, place.name)
        minimal = wants_minimal(environ)
        if depth == "1" and not reports.is_usual(asked):
            return None
        if depth == "1" and reports.are_types_mixed(self._gateway, collection, place, asked):
            return None
        own = self._of_collection(environ, body, place, collection, minimal=minimal)
        if depth == "0" or own is None:
            return own
        return Finished(own.status, own.headers, self._listed(collection, place, asked, own, minimal=minimal))

    def _listed(self, collection: Collection, place: Place, asked: Propfind, own: Finished, *, minimal: bool) -> bytes:
        return reports.listing(self._gateway, collection, place, asked, own.body, minimal=minimal)

    def _of_collection(
        self, environ: Environ, body: bytes, place: Place, collection: Collection, *, minimal: bool
    ) -> Finished | None:
        """Return what Radicale says of the collection itself; the same question in the same state has one answer."""
        state = (collection.id, collection.number, collection.nonce, collection.modified, str(collection.props))
        key = (place.prefix, place.login, place.rights, state, body, minimal)
        found = self._cache.get(key)
        if found is None:
            found = self._by_radicale({**environ, "HTTP_DEPTH": "0", "HTTP_ACCEPT_ENCODING": ""})
            environ["wsgi.input"] = io.BytesIO(body)
            if found.status != client.MULTI_STATUS:
                return None
            if len(found.body) <= _CACHED_BYTES:
                self._cache[key] = found
            if len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        return found

    def _report(self, environ: Environ, place: Place) -> Finished | None:
        if place.href:
            return None
        root = bodies.read(self._body(environ))
        asked = None if root is None else bodies.asked(root)
        if asked is None or isinstance(asked, Propfind):
            return None
        minimal = wants_minimal(environ)
        body = reports.report(self._gateway, place, asked, minimal=minimal)
        return None if body is None else Finished(client.MULTI_STATUS, {**_XML, **(APPLIED if minimal else {})}, body)

    def _get(self, environ: Environ, place: Place) -> Finished | None:
        if not place.href or environ.get("HTTP_IF_NONE_MATCH"):
            return None
        self._gateway.refresh_if_due(place.login, place.name)
        found = self._gateway.text_of(place.login, place.name, place.href, place.agent)
        if found is None:
            return None
        component, etag, text, modified = found
        headers = {
            "Content-Type": f"{_TYPES[component]}; charset=utf-8",
            "Last-Modified": http_date(modified),
            "ETag": f'"{etag}"',
        }
        return Finished(client.OK, headers, text.encode("utf-8", "surrogatepass"))
