"""Dispatches hot requests: login, target, body, answer; ``None`` leaves the request to Radicale."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import client
from typing import Any

from radicale import types
from radicale.rights import BaseRights
from sqlalchemy.exc import SQLAlchemyError

from radicale_flowfact.content.vcard import versions
from radicale_flowfact.database import faults
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.store.cache import BoundedCache
from radicale_flowfact.dav.store.collections import Collection
from radicale_flowfact.dav.store.journal import InvalidTokenError
from radicale_flowfact.dav.store.request import RefusedError, kept_agent
from radicale_flowfact.dav.store.session import Name
from radicale_flowfact.http import card_versions, retry
from radicale_flowfact.http.auth.remembered_logins import RememberedLogins
from radicale_flowfact.http.hot import bodies, reports
from radicale_flowfact.http.hot.bodies import Propfind
from radicale_flowfact.http.hot.reports import Target
from radicale_flowfact.http.prefer import APPLIED, wants_minimal
from radicale_flowfact.storage_items import http_date

_PATH = re.compile(r"/(?P<login>[^/]+)/(?P<name>addresses|appointments|tasks)/(?P<href>[^/]*)")
_XML = {"Content-Type": "text/xml; charset=utf-8"}
_TYPES = {"VCARD": "text/vcard", "VEVENT": "text/calendar", "VTODO": "text/calendar", "VJOURNAL": "text/calendar"}
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_SERVER")
_CACHED_BYTES = 2_000_000
_ANSWER_BYTES = 1500  # of an answer's headers, its key and objects
_GZIP_FROM = 1000  # bytes
_CHARSET, _UTF8 = re.compile("charset", re.IGNORECASE), re.compile(r"charset=\"?utf-8\"?\s*(;|$)", re.IGNORECASE)
Environ = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Response:
    """Holds a complete HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def send(self, environ: Environ, start_response: types.WSGIStartResponse) -> list[bytes]:
        """Send it, with gzip if the client accepts that and the body is long enough."""
        body, headers = self.body, dict(self.headers)
        if len(body) > _GZIP_FROM and _takes_gzip(environ):
            packer = zlib.compressobj(1, wbits=16 + zlib.MAX_WBITS)
            body = packer.compress(body) + packer.flush()
            headers["Content-Encoding"] = "gzip"
        if self.status != client.NOT_MODIFIED:
            headers["Content-Length"] = str(len(body))
        start_response(f"{self.status} {client.responses[self.status]}", list(headers.items()))
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def _takes_gzip(environ: Environ) -> bool:
    return "gzip" in (one.strip() for one in environ.get("HTTP_ACCEPT_ENCODING", "").split(","))


Handler = Callable[[Environ], Response]


class HotRequests:
    """Answers hot requests. ``by_radicale`` answers a request by Radicale's handlers."""

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
        self._cache = BoundedCache(_CACHED_BYTES)

    def answer(self, environ: Environ) -> Response | None:
        """Return the answer to a hot request; None for any other, whose body can still be read."""
        handle = {"PROPFIND": self._propfind, "REPORT": self._report, "GET": self._get, "HEAD": self._get}.get(
            environ["REQUEST_METHOD"]
        )
        target = None if handle is None else self._target(environ)
        if handle is None or target is None:
            return None
        try:
            found = handle(environ, target)
        except (RefusedError, InvalidTokenError):
            return None  # Radicale's handlers answer it
        except SQLAlchemyError as error:
            if faults.is_passing(error) or not faults.is_outage(error):
                return None  # Radicale's handlers are repeated
            status, headers, words, _ = retry.unavailable(environ["REQUEST_METHOD"], target.path, error)
            return Response(status, dict(headers), str(words).encode())
        if found is None:
            return None
        self._gateway.stats.hot += 1
        return Response(found.status, {**found.headers, **self._extra_headers}, found.body)

    def _target(self, environ: Environ) -> Target | None:
        """Return the collection or item of the login's own that is asked for; None if Radicale has to decide."""
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
        agent = kept_agent(environ.get("HTTP_USER_AGENT", ""))
        return Target(prefix, user, Name(name), href, agent, rights)

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
        """Return the body, which can be read again; empty if it is too large, cut off or not in UTF-8."""
        length, kind = environ.get("CONTENT_LENGTH") or "0", environ.get("CONTENT_TYPE") or ""
        if (
            not length.isdigit()
            or int(length) > bodies.MAX_BODY_BYTES
            or (_CHARSET.search(kind) and not _UTF8.search(kind))
        ):
            return b""
        try:
            body: bytes = environ["wsgi.input"].read(int(length))
        except (OSError, EOFError):
            return b""
        environ["wsgi.input"] = io.BytesIO(body)
        return body if len(body) == int(length) else b""

    def _propfind(self, environ: Environ, target: Target) -> Response | None:
        depth = environ.get("HTTP_DEPTH", "0")
        if target.href or depth not in ("0", "1"):
            return None
        body = self._body(environ)
        root = bodies.parse_xml(body)
        request = None if root is None else bodies.parse_request(root)
        if not isinstance(request, Propfind):
            return None
        collection = self._gateway.open(target.login, target.name)
        minimal = wants_minimal(environ)
        if depth == "1" and not reports.has_known_properties(request):
            return None
        if depth == "1" and reports.are_types_mixed(self._gateway, collection, target, request):
            return None
        own = self._of_collection(environ, body, target, collection, minimal=minimal)
        if depth == "0" or own is None:
            return own
        return Response(own.status, own.headers, self._listing(collection, target, request, own, minimal=minimal))

    def _listing(
        self, collection: Collection, target: Target, request: Propfind, own: Response, *, minimal: bool
    ) -> bytes:
        return reports.listing(self._gateway, collection, target, request, own.body, minimal=minimal)

    def _of_collection(
        self, environ: Environ, body: bytes, target: Target, collection: Collection, *, minimal: bool
    ) -> Response | None:
        """Return Radicale's answer to PROPFIND 0, cached by the collection's state and the body.

        The number and nonce in the key are read in every request, so another process's writes are seen.
        """
        state = (collection.id, collection.number, collection.nonce, collection.modified, str(collection.props))
        asked = (target.prefix, target.login, target.rights, state, body, minimal)
        key = hashlib.blake2b(repr(asked).encode("utf-8", "surrogatepass")).digest()
        found = self._cache.get(key)
        if not isinstance(found, Response):
            found = self._by_radicale({**environ, "HTTP_DEPTH": "0", "HTTP_ACCEPT_ENCODING": ""})
            environ["wsgi.input"] = io.BytesIO(body)
            if found.status != client.MULTI_STATUS:
                return None
            self._cache.keep(key, found, len(found.body) + _ANSWER_BYTES)
        return found

    def _report(self, environ: Environ, target: Target) -> Response | None:
        if target.href:
            return None
        root = bodies.parse_xml(self._body(environ))
        request = None if root is None else bodies.parse_request(root)
        if request is None or isinstance(request, Propfind):
            return None
        minimal = wants_minimal(environ)
        body = reports.report(self._gateway, target, request, minimal=minimal)
        return None if body is None else Response(client.MULTI_STATUS, {**_XML, **(APPLIED if minimal else {})}, body)

    def _get(self, environ: Environ, target: Target) -> Response | None:
        if not target.href or environ.get("HTTP_IF_NONE_MATCH"):
            return None
        version = card_versions.accepted_version(environ.get("HTTP_ACCEPT", ""))
        is_card = target.name is Name.ADDRESSES
        if is_card and version is None:
            return None
        self._gateway.refresh_if_due(target.login, target.name)
        found = self._gateway.text_of(target.login, target.name, target.href, target.agent)
        if found is None:
            return None
        component, etag, text, modified = found
        kind = _TYPES[component]
        if is_card and version is not None:
            kind, text = card_versions.content_type(version), versions.in_version(text, version)
        headers = {
            "Content-Type": f"{kind}; charset=utf-8",
            "Last-Modified": http_date(modified),
            "ETag": f'"{etag}"',
            **(card_versions.VARY if is_card else {}),
        }
        return Response(client.OK, headers, text.encode("utf-8", "surrogatepass"))
