"""Radicale's WSGI application with what a storage plugin cannot do.

It tells the storage which device is asking, keeps logins out that may not get in (rule 1), answers a refusal
with its own status and reason, and keeps refused bodies with the history (rule 27). Everything else is
Radicale's. The internals of Radicale 3.9 that this relies on are pinned by ``tests/test_radicale_internals.py``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable
from http import client
from typing import Any, cast
from xml.etree import ElementTree as ET

from radicale import httputils, types, xmlutils
from radicale.app import Application
from radicale.app.base import Access, _check_path_format
from radicale.auth import BaseAuth
from radicale.config import Configuration
from radicale.log import logger

from radicale_flowfact import faults, guarding, mobileconfig, principals, retrying, throttling
from radicale_flowfact.contentlines import printable
from radicale_flowfact.dav import request as dav_request
from radicale_flowfact.dav.history import Event
from radicale_flowfact.dav.request import RefusedError, Request
from radicale_flowfact.hot.front import Finished, Front
from radicale_flowfact.logins import RememberedLogins
from radicale_flowfact.multistatus import edited
from radicale_flowfact.paging import add_more, wanted_limit
from radicale_flowfact.partial_data import Wanted, cut_data, wanted_data
from radicale_flowfact.preconditions import EntityTags
from radicale_flowfact.preferences import APPLIED, make_minimal, wants_minimal
from radicale_flowfact.putting import ItemWrites
from radicale_flowfact.querying import read_report
from radicale_flowfact.storage import Place, Storage
from radicale_flowfact.throttling import ThrottledLogins
from radicale_flowfact.web import seen
from radicale_flowfact.web.watch import Watch

Answer = types.WSGIResponse
_WRITING = frozenset({"PUT", "DELETE", "MOVE", "PROPPATCH", "MKCOL", "MKCALENDAR"})
_KEPT_BYTES = 1_000_000
_FLOWFACT = "urn:radicale-flowfact"
_PLAIN = re.compile(r"[/\w.~@-]*", re.ASCII)  # any [server] validate_path_value takes these


class FlowfactApplication(Application):
    """The application that ``serve`` and the WSGI entry run; without ``hot``, Radicale's handlers answer everything."""

    _storage: Storage

    def __init__(self, configuration: Configuration, *, hot: bool = True) -> None:
        super().__init__(configuration)
        if not isinstance(self._storage, Storage):
            raise RuntimeError("[storage] type must be radicale_flowfact.storage")
        self._storage.gateway.upkeep()
        self._item_writes = ItemWrites(configuration, self._storage)
        self._front = self._made_front(configuration) if hot else None
        self._watch = Watch(self._storage.gateway)

    def _made_front(self, configuration: Configuration) -> Front | None:
        """Return what answers hot requests, unless Radicale is told to do what that knows nothing of."""
        if type(self._auth).get_external_login is not BaseAuth.get_external_login:
            return None
        logins = RememberedLogins(self._auth, configuration)
        self._auth = cast(BaseAuth, ThrottledLogins(logins, self._storage.gateway.settings.trusted_proxies))
        if self._sharing._enabled or self._script_name or self._encoding != "utf-8":
            return None
        if configuration.get("group", "type") not in ("none", "from_auth"):
            return None
        return Front(self._storage.gateway, logins, self._rights, self._extra_headers, self._by_the_long_way)

    def __call__(self, environ: types.WSGIEnviron, start_response: types.WSGIStartResponse) -> Iterable[bytes]:
        """Answer a request, and tell of it."""
        environ = {**environ, "PATH_INFO": _decoded(environ.get("PATH_INFO", ""))}
        return self._watch.answer(environ, start_response, self._answer)

    def _answer(self, environ: dict[str, Any], start_response: types.WSGIStartResponse) -> Iterable[bytes]:
        """Answer a request: a hot one from the journal's tables, any other by Radicale's handlers."""
        answer = self._front.answer(environ) if self._front is not None and self._is_sound(environ) else None
        if answer is not None:
            seen.note_own()
            return answer.send(environ, start_response)
        return super().__call__(environ, start_response)

    def _is_sound(self, environ: types.WSGIEnviron) -> bool:
        """Whether a request may get to a handler; a hot one gets to none."""
        path: str = environ["PATH_INFO"]
        if guarding.fault_of(environ, self._max_content_length) is not None:
            return False
        return bool(_PLAIN.fullmatch(path)) or _check_path_format(self._storage, path, self._validate_path_value)

    def _by_the_long_way(self, environ: types.WSGIEnviron) -> Finished:
        told: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            told.append((status, headers))

        body = b"".join(super().__call__(environ, start_response))
        status, headers = told[-1]
        return Finished(int(status[:3]), {key: value for key, value in headers if key != "Content-Length"}, body)

    def _handle_request(self, environ: types.WSGIEnviron) -> Any:  # noqa: ANN401 - Radicale's own triple
        """Answer what no handler should see; let Radicale answer all else."""
        fault = guarding.fault_of(environ, self._max_content_length)
        if fault is None:
            try:
                return super()._handle_request(guarding.prepared(environ))
            except throttling.TooManyError as error:
                return throttling.answer(error)
        seen.note(reason=fault.reason)
        body = fault.reason.encode()
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
        return f"{fault.status} {client.responses[fault.status]}", headers, [body]

    def _handle(self, method: str, environ: types.WSGIEnviron, *args: Any) -> Answer:  # noqa: ANN401
        """Answer the request, again if the database failed; 503 if it fails for good, never less than there is."""
        body = retrying.Replay(environ["wsgi.input"])
        try:
            return faults.whole(lambda number: self._attempt(method, retrying.at_try(environ, body, number), *args))
        except Exception as error:
            if not faults.is_outage(error):
                raise
            return retrying.unavailable(method, args[1], error)

    def _attempt(self, method: str, environ: types.WSGIEnviron, *args: Any) -> Answer:  # noqa: ANN401
        """Let Radicale handle the request; answer a refusal in its place, whatever Radicale made of it."""
        request = dav_request.begin(environ.get("HTTP_USER_AGENT", ""), environ.get("HTTP_IF_MATCH", ""))
        environ = {**environ, "wsgi.input": _Recorder(environ["wsgi.input"], request)}
        base_prefix, path, user = args[0], args[1], args[2]
        seen.note(login=user)
        try:
            self._require_access(path, user)
            self._require_place(method, path)
            if user and method in ("PUT", "DELETE"):
                self._storage.gateway.require_writing()
            answer = self._not_modified(method, path, user, environ)
            answer = answer or self._by_radicale(method, environ, request, *args)
        except RefusedError as error:
            request.refusal = error
            answer = client.FORBIDDEN, {}, "", None
        except Exception as error:
            if faults.of_database(error) or not guarding.is_stumble(error):
                raise
            seen.note(reason=f"it cannot be read: {error!r}")
            logger.warning("%s %r cannot be answered: %s", method, path, error, exc_info=True)
            answer = httputils.BAD_REQUEST
        if answer[0] < client.BAD_REQUEST:
            return answer
        if user:
            self._tell(method, path, user, request, answer[0])
        return answer if request.refusal is None else self._refused(request.refusal, base_prefix)

    def do_OPTIONS(self, environ: types.WSGIEnviron, *args: Any) -> Answer:  # noqa: ANN401, N802 - Radicale's name
        """Answer OPTIONS, with the word that makes iOS show its switch *private* (rule 18)."""
        status, headers, answer, xml = super().do_OPTIONS(environ, *args)
        told = dict(headers)
        return status, {**told, "DAV": f"{told['DAV']}, calendarserver-private-events"}, answer, xml

    def _by_radicale(self, method: str, environ: types.WSGIEnviron, request: Request, *args: Any) -> Answer:  # noqa: ANN401
        """Let Radicale answer, helped where it understands less than a client may say."""
        base_prefix, path, user = args[0], args[1], args[2]
        if path == mobileconfig.PATH and method in ("GET", "HEAD"):
            return mobileconfig.answer(environ, base_prefix, user)
        if method in ("PUT", "DELETE"):
            return self._write(method, environ, base_prefix, path, user, args[3])
        handler: Callable[..., Answer] = getattr(super(), f"do_{method}")
        if method not in ("PROPFIND", "PROPPATCH", "REPORT"):
            return handler(environ, *args)
        environ, root = guarding.read_xml(environ)
        wanted = None
        if root is not None:
            guarding.require_sense(method, root)
        if root is not None and method == "REPORT":
            search = principals.search_of(root, user)
            if search is not None:
                return self._principals(search, environ, *args)
            wanted = wanted_data(root)
            environ = self._with_report(environ, root, path, request)
        return self._edited(handler(environ, *args), environ, wanted, request, xmlutils.make_href(base_prefix, path))

    def _edited(
        self, answer: Answer, environ: types.WSGIEnviron, wanted: Wanted | None, request: Request, href: str
    ) -> Answer:
        """Change a multistatus where the client asked for it in words that Radicale does not know."""
        edits: list[Callable[[ET.Element], None]] = []
        if wanted is not None:
            edits.append(lambda root: cut_data(root, wanted))
        if request.more:
            edits.append(lambda root: add_more(root, href))
        minimal = wants_minimal(environ)
        if minimal:
            edits.append(make_minimal)
        status, headers, body, xml = answer
        if status != client.MULTI_STATUS or body is None or not edits:
            return answer
        return status, {**dict(headers), **(APPLIED if minimal else {})}, edited(body, edits), xml

    def _write(
        self, method: str, environ: types.WSGIEnviron, base_prefix: str, path: str, user: str, groups: set[str]
    ) -> Answer:
        """Carry a PUT or DELETE of an item out, if the rights allow it; ``_require_place`` looked at the path."""
        access = Access(self._rights, user, groups, path, None)
        place = Place.of(path)
        if place is None or place.name is None or place.href is None:
            return httputils.NOT_ALLOWED
        if not access.check("w") or "w" not in access.parent_permissions:
            return httputils.NOT_ALLOWED
        if method == "PUT":
            return self._item_writes.put(environ, place.login, place.name, place.href)
        url = xmlutils.make_href(base_prefix, path)
        return self._item_writes.delete(environ, place.login, place.name, place.href, url)

    def _principals(self, search: bytes, environ: types.WSGIEnviron, *args: Any) -> Answer:  # noqa: ANN401
        """Answer a search for principals with the login's own, if the search finds it."""
        if not search:
            return client.MULTI_STATUS, {"Content-Type": "text/xml"}, principals.NOBODY, None
        asked = {"wsgi.input": io.BytesIO(search), "CONTENT_LENGTH": str(len(search)), "HTTP_DEPTH": "0"}
        base_prefix, _, user = args[:3]
        return super().do_PROPFIND({**environ, **asked}, base_prefix, f"/{user}/", user, *args[3:])

    def _with_report(
        self, environ: types.WSGIEnviron, root: ET.Element, path: str, request: Request
    ) -> types.WSGIEnviron:
        """Read what a REPORT asks for; return the environment with the body that Radicale should see."""
        place = Place.of(path)
        report = read_report(root, place.name if place is not None else None)
        request.query, request.limit = report.query, wanted_limit(root)
        return guarding.with_body(environ, report.body)

    def _not_modified(self, method: str, path: str, user: str, environ: types.WSGIEnviron) -> Answer | None:
        """Answer a conditional GET of an item that the device has already, without loading it (RFC 9110 §13.1.2)."""
        if method not in ("GET", "HEAD"):
            return None
        tags = EntityTags.parse(environ.get("HTTP_IF_NONE_MATCH", ""))
        etag = self._etag(path, user) if tags else None
        if tags is None or etag is None or not tags.matches(etag):
            return None
        return client.NOT_MODIFIED, {"ETag": etag}, None, None

    def _etag(self, path: str, user: str) -> str | None:
        """Return the ETag, with quotes, of the item at a path of the user's own; None if there is none.

        Radicale's rights are not asked here, so another's item, and that there is one, must stay unknown.
        """
        place = Place.of(path)
        if place is None or place.login != user or place.name is None or place.href is None:
            return None
        gateway = self._storage.gateway
        item = gateway.items_at(gateway.open(place.login, place.name), [place.href]).get(place.href)
        return None if item is None else f'"{item.etag}"'

    def _require_access(self, path: str, user: str) -> None:
        """Refuse a login that may not get in, on every path of its own (rule 1)."""
        place = Place.of(path)
        if user and (place is None or place.login in ("", user) or path == mobileconfig.PATH):
            self._storage.gateway.user(user)

    def _require_place(self, method: str, path: str) -> None:
        """Refuse what would make, replace or move a collection."""
        place = Place.of(path)
        if method in ("MKCOL", "MKCALENDAR"):
            raise RefusedError("the collections of a login are fixed; no other can be made")
        if method == "MOVE":
            raise RefusedError("an item cannot be moved; change it where it is")
        if method == "PUT" and (place is None or place.href is None):
            raise RefusedError("an item is put into addresses, appointments or tasks; collections cannot be replaced")
        if method == "DELETE" and place is not None and place.href is None:
            raise RefusedError("a collection cannot be deleted")

    def _tell(self, method: str, path: str, user: str, request: Request, status: int) -> None:
        """Note why an authenticated request was refused; keep what it wanted to write (rule 27)."""
        reason = request.refusal.reason if request.refusal else client.responses.get(status, "")
        code = request.refusal.status if request.refusal else status
        seen.note(reason=reason)
        place = Place.of(path)
        if method not in _WRITING or place is None or place.name is None or status >= client.INTERNAL_SERVER_ERROR:
            return
        event = Event(
            user,
            request.agent,
            place.name.value,
            place.href or "",
            "refused",
            reason=f"{code} to {method}: {reason}",
            body=request.body[:_KEPT_BYTES].decode("utf-8", "replace"),
        )
        self._storage.gateway.remember_refused(event)

    def _refused(self, refusal: RefusedError, base_prefix: str) -> Answer:
        """Return the refusal as a DAV:error with its precondition and the reason for people (RFC 4918 §16)."""
        error = ET.Element(xmlutils.make_clark("D:error"))
        if refusal.condition:
            ET.SubElement(error, xmlutils.make_clark(refusal.condition))
        ET.SubElement(error, f"{{{_FLOWFACT}}}reason").text = printable(refusal.reason)
        headers = {"Content-Type": "text/xml"}  # Radicale adds the charset
        if refusal.status == client.SERVICE_UNAVAILABLE:
            headers["Retry-After"] = retrying.RETRY_AFTER
        return refusal.status, headers, ET.tostring(error, encoding="unicode"), None


def _decoded(path: str) -> str:
    """Return a path as text: WSGI has its bytes as Latin-1 (PEP 3333), Radicale's own server does not."""
    if path.isascii():
        return path
    try:
        return path.encode("latin-1").decode()
    except UnicodeError:
        return path


class _Recorder:
    """A request body that tells the request what was read of it: a storage never sees the bytes themselves."""

    def __init__(self, stream: Any, request: Request) -> None:  # noqa: ANN401 - whatever the WSGI server gives
        self._stream = stream
        self._request = request

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        return self._remembered(self._stream.read(size))

    def readline(self, size: int = -1) -> bytes:
        """Read on to the end of the line."""
        return self._remembered(self._stream.readline(size))

    def _remembered(self, data: bytes) -> bytes:
        self._request.body += data
        return data


def _handler(method: str) -> Callable[..., Answer]:
    def handle(self: FlowfactApplication, environ: types.WSGIEnviron, *args: Any) -> Answer:  # noqa: ANN401
        return self._handle(method, environ, *args)

    handle.__doc__ = f"Answer {method}."
    return handle


for _method in ("GET", "HEAD", "PROPFIND", "REPORT", *sorted(_WRITING)):
    setattr(FlowfactApplication, f"do_{_method}", _handler(_method))
