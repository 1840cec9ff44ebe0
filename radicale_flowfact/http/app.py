"""The WSGI application: Radicale's, with the requests answered here that a storage plugin cannot answer.

Passes the User-Agent to the storage, refuses logins without access (rule 1), answers a refusal with its status and
reason, and records refused writes in the history (rule 27). All other requests are Radicale's. The internals of
Radicale 3.9 that this relies on are pinned by ``tests/http/test_radicale_internals.py``.
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

from radicale_flowfact.content.vcard.versions import VCARD_3
from radicale_flowfact.database import faults
from radicale_flowfact.dav.store import request as dav_request
from radicale_flowfact.dav.store.request import RefusedError, Request
from radicale_flowfact.dav.store.session import Name
from radicale_flowfact.http import (
    card_versions,
    content_coding,
    mobileconfig,
    principals,
    refusals,
    request_checks,
    retry,
)
from radicale_flowfact.http.auth import outages, throttling
from radicale_flowfact.http.auth.remembered_logins import RememberedLogins
from radicale_flowfact.http.auth.spelling import Spelling
from radicale_flowfact.http.auth.throttling import ThrottledLogins
from radicale_flowfact.http.hot.dispatch import HotRequests, Response
from radicale_flowfact.http.item_writes import ItemWrites
from radicale_flowfact.http.multistatus import edited
from radicale_flowfact.http.observe import request_facts
from radicale_flowfact.http.observe.middleware import RequestObserver
from radicale_flowfact.http.partial_data import read_selection
from radicale_flowfact.http.preconditions import not_modified
from radicale_flowfact.http.refusals import WRITE_METHODS
from radicale_flowfact.http.report_bodies import read_report
from radicale_flowfact.http.sync_limit import wanted_limit
from radicale_flowfact.language.texts import using
from radicale_flowfact.storage import ResourcePath, Storage

Answer = types.WSGIResponse
_PLAIN = re.compile(r"[/\w.~@-]*", re.ASCII)  # any [server] validate_path_value takes these


class FlowfactApplication(Application):
    """The application of ``serve`` and of the WSGI entry; without ``hot``, Radicale's handlers answer every request."""

    _storage: Storage

    def __init__(self, configuration: Configuration, *, hot: bool = True) -> None:
        super().__init__(configuration)
        if not isinstance(self._storage, Storage):
            raise RuntimeError("[storage] type must be radicale_flowfact.storage")
        self._storage.gateway.upkeep()
        self._item_writes = ItemWrites(configuration, self._storage)
        self._spelling = Spelling(configuration, self._storage.gateway.settings.login_named)
        self._hot_requests = self._hot_requests_of(configuration) if hot else None
        self._observer = RequestObserver(self._storage.gateway)

    def watch(self) -> None:
        """Watch FlowFact's schema from now on, in a thread of this process."""
        self._observer.watch()

    def _hot_requests_of(self, configuration: Configuration) -> HotRequests | None:
        """Return the dispatch of hot requests; None where Radicale's configuration needs what it does not support."""
        if type(self._auth).get_external_login is not BaseAuth.get_external_login:
            return None
        gateway = self._storage.gateway
        outages.bound_waits(self._auth)
        logins = RememberedLogins(self._auth, configuration, login_named=gateway.settings.login_named)
        throttled = ThrottledLogins(
            outages.ReportedLogins(logins),
            gateway.familiar,
            throttling.accounts_of(configuration),
            gateway.settings.trusted_proxies,
            version_of=logins.password_version,
        )
        self._auth = cast(BaseAuth, throttled)
        if self._sharing._enabled or self._script_name or self._encoding != "utf-8":
            return None
        if configuration.get("group", "type") not in ("none", "from_auth"):
            return None
        return HotRequests(self._storage.gateway, logins, self._rights, self._extra_headers, self._answer_by_radicale)

    def __call__(self, environ: types.WSGIEnviron, start_response: types.WSGIStartResponse) -> Iterable[bytes]:
        """Answer a request; log and count it."""
        environ = self._spelling.corrected({**environ, "PATH_INFO": _decoded(environ.get("PATH_INFO", ""))})
        return self._observer.answer(environ, start_response, self._answer)

    def _answer(self, environ: dict[str, Any], start_response: types.WSGIStartResponse) -> Iterable[bytes]:
        """Answer a hot request from the journal's tables, any other by Radicale's handlers."""
        answer = (
            self._hot_requests.answer(environ) if self._hot_requests is not None and self._is_sound(environ) else None
        )
        if answer is not None:
            request_facts.note_checked_login()
            return answer.send(environ, start_response)
        return super().__call__(environ, start_response)

    def _is_sound(self, environ: types.WSGIEnviron) -> bool:
        """Return whether a request passes the checks that Radicale makes before it calls a handler."""
        path: str = environ["PATH_INFO"]
        if content_coding.is_packed(environ) or request_checks.fault_of(environ, self._max_content_length) is not None:
            return False
        return bool(_PLAIN.fullmatch(path)) or _check_path_format(self._storage, path, self._validate_path_value)

    def _answer_by_radicale(self, environ: types.WSGIEnviron) -> Response:
        """Return what Radicale's handlers answer, without its Content-Length."""
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            started.append((status, headers))

        body = b"".join(super().__call__(environ, start_response))
        status, headers = started[-1]
        return Response(int(status[:3]), {key: value for key, value in headers if key != "Content-Length"}, body)

    def _handle_request(self, environ: types.WSGIEnviron) -> Any:  # noqa: ANN401 - Radicale's own triple
        """Refuse malformed requests and throttled logins; let Radicale answer the others."""
        fault = request_checks.fault_of(environ, self._max_content_length)
        if fault is None:
            try:
                answer = super()._handle_request(request_checks.sanitized(environ))
                return throttling.with_receipt(answer, environ)
            except throttling.TooManyError as error:
                return throttling.answer(error)
            except outages.UnavailableError as error:
                request_facts.note(reason=str(error))
                return outages.answer(error)
        request_facts.note(reason=fault.reason)
        body = fault.reason.encode()
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
        return f"{fault.status} {client.responses[fault.status]}", headers, [body]

    def _handle(self, method: str, environ: types.WSGIEnviron, *args: Any) -> Answer:  # noqa: ANN401
        """Answer the request; repeat it after a passing fault of the database, answer 503 after an outage."""
        if content_coding.is_packed(environ):
            try:
                environ = content_coding.unpacked(environ, self._max_content_length)
            except content_coding.CodingError as error:
                request_facts.note(reason=str(error))
                headers = {"Content-Type": "text/plain", "Accept-Encoding": content_coding.ACCEPTED}
                return error.status, headers, str(error), None
        body = retry.ReplayableBody(environ["wsgi.input"])
        try:
            return faults.whole(lambda number: self._attempt(method, retry.at_attempt(environ, body, number), *args))
        except Exception as error:
            # A refusal comes here only if the history could not keep it: nothing may be lost without a trace.
            if not faults.is_outage(error) and not faults.is_refusal(error):
                raise
            return retry.unavailable(method, args[1], error)

    def _attempt(self, method: str, environ: types.WSGIEnviron, *args: Any) -> Answer:  # noqa: ANN401
        """Let Radicale handle the request; a refusal is answered as such, whatever Radicale's handler made of it."""
        request = dav_request.begin(environ.get("HTTP_USER_AGENT", ""), environ.get("HTTP_IF_MATCH", ""))
        environ = {**environ, "wsgi.input": refusals.RecordedBody(environ["wsgi.input"], request)}
        path, user = args[1], args[2]
        request_facts.note(login=user)
        try:
            self._require_access(path, user)
            refusals.require_item_change(method, path)
            if user and method in ("PUT", "DELETE"):
                self._storage.gateway.require_writing()
            if method in ("GET", "HEAD"):
                answer = self._get(method, environ, request, *args)
            else:
                answer = self._by_radicale(method, environ, request, *args)
        except RefusedError as error:
            request.refusal = error
            answer = client.FORBIDDEN, {}, "", None
        except Exception as error:
            request.refusal = refusals.by_database(error)
            if request.refusal is None and (faults.of_database(error) or not request_checks.is_client_fault(error)):
                raise
            answer = client.FORBIDDEN, {}, "", None
            if request.refusal is None:
                request_facts.note(reason=f"it cannot be read: {error!r}")
                logger.warning("%s %r cannot be answered: %s", method, path, error, exc_info=True)
                answer = httputils.BAD_REQUEST
        if answer[0] < client.BAD_REQUEST:
            return answer
        if user:
            self._note_refusal(method, path, user, request, answer[0])
        if request.refusal is None:
            return answer
        with using(self._storage.gateway.settings.ui.language):
            return refusals.answer(request.refusal.bare(), method)

    def _get(self, method: str, environ: types.WSGIEnviron, request: Request, *args: Any) -> Answer:  # noqa: ANN401
        """Answer a GET or HEAD: 304, or the text, a contact in the version of vCard that Accept prefers."""
        path, user = args[1], args[2]
        resource = ResourcePath.of(path)
        is_card = resource is not None and resource.name is Name.ADDRESSES
        if is_card:
            request.card_version = card_versions.require_accepted(environ)
        found = None
        if request.card_version == VCARD_3:  # both versions have one ETag, and who asks for 4.0 may have the other one
            found = not_modified(self._storage.gateway, path, user, environ)
        answer = found or self._by_radicale(method, environ, request, *args)
        return card_versions.labelled(answer, request.card_version) if is_card else answer

    def do_OPTIONS(self, environ: types.WSGIEnviron, *args: Any) -> Answer:  # noqa: ANN401, N802 - Radicale's name
        """Answer OPTIONS; ``calendarserver-private-events`` makes iOS show its switch *private* (rule 18)."""
        status, headers, answer, xml = super().do_OPTIONS(environ, *args)
        known = dict(headers)
        return status, {**known, "DAV": f"{known['DAV']}, calendarserver-private-events"}, answer, xml

    def _by_radicale(self, method: str, environ: types.WSGIEnviron, request: Request, *args: Any) -> Answer:  # noqa: ANN401
        """Let Radicale answer; what a REPORT or preference asks beyond it is taken out before and added after."""
        base_prefix, path, user = args[0], args[1], args[2]
        if path == mobileconfig.PATH and method in ("GET", "HEAD"):
            return mobileconfig.answer(environ, base_prefix, user)
        if method in ("PUT", "DELETE"):
            return self._write(method, environ, base_prefix, path, user, args[3])
        handler: Callable[..., Answer] = getattr(super(), f"do_{method}")
        if method not in ("PROPFIND", "PROPPATCH", "REPORT"):
            return handler(environ, *args)
        environ, root = request_checks.read_xml(environ)
        wanted = None
        if root is not None:
            request_checks.require_matching_root(method, root)
            if method != "PROPPATCH":
                request_checks.require_few_properties(root)
                environ = request_checks.with_a_property(environ, root)
        if root is not None and method == "REPORT":
            search = principals.propfind_of(root, user)
            if search is not None:
                return self._principals(search, environ, *args)
            wanted = read_selection(root)
            environ = self._with_report(environ, root, path, request)
        answer = handler(environ, *args)
        return edited(answer, environ, wanted, xmlutils.make_href(base_prefix, path) if request.more else None)

    def _write(
        self, method: str, environ: types.WSGIEnviron, base_prefix: str, path: str, user: str, groups: set[str]
    ) -> Answer:
        """Carry a PUT or DELETE of an item out, if the rights allow it."""
        access = Access(self._rights, user, groups, path, None)
        resource = ResourcePath.of(path)
        if resource is None or resource.name is None or resource.href is None:
            return httputils.NOT_ALLOWED
        if not access.check("w") or "w" not in access.parent_permissions:
            return httputils.NOT_ALLOWED
        if method == "PUT":
            return self._item_writes.put(environ, resource.login, resource.name, resource.href)
        url = xmlutils.make_href(base_prefix, path)
        return self._item_writes.delete(environ, resource.login, resource.name, resource.href, url)

    def _principals(self, search: bytes, environ: types.WSGIEnviron, *args: Any) -> Answer:  # noqa: ANN401
        """Answer principal-property-search by a PROPFIND of the login's own principal (RFC 3744 §9.4)."""
        if not search:
            return client.MULTI_STATUS, {"Content-Type": "text/xml"}, principals.EMPTY_MULTISTATUS, None
        asked = {"wsgi.input": io.BytesIO(search), "CONTENT_LENGTH": str(len(search)), "HTTP_DEPTH": "0"}
        base_prefix, _, user = args[:3]
        return super().do_PROPFIND({**environ, **asked}, base_prefix, f"/{user}/", user, *args[3:])

    def _with_report(
        self, environ: types.WSGIEnviron, root: ET.Element, path: str, request: Request
    ) -> types.WSGIEnviron:
        """Read what a REPORT asks for; return the environment with the body that Radicale should see."""
        resource = ResourcePath.of(path)
        report = read_report(root, resource.name if resource is not None else None)
        request.query, request.limit = report.query, wanted_limit(root)
        request.card_version = report.card_version
        return request_checks.with_body(environ, report.body)

    def _require_access(self, path: str, user: str) -> None:
        """Raise RefusedError for a login without access, on every path of its own (rule 1)."""
        resource = ResourcePath.of(path)
        if user and (resource is None or resource.login in ("", user) or path == mobileconfig.PATH):
            self._storage.gateway.user(user)

    def _note_refusal(self, method: str, path: str, user: str, request: Request, status: int) -> None:
        """Add the reason to the request's log line; keep what a refused write sent (rule 27)."""
        request_facts.note(reason=refusals.reason_of(request, status))
        refusals.remember(self._storage.gateway, method, path, user, request, status)


def _decoded(path: str) -> str:
    """Return a path as text: WSGI has its bytes as Latin-1 (PEP 3333), Radicale's own server does not."""
    if path.isascii():
        return path
    try:
        return path.encode("latin-1").decode()
    except UnicodeError:
        return path


def _handler(method: str) -> Callable[..., Answer]:
    def handle(self: FlowfactApplication, environ: types.WSGIEnviron, *args: Any) -> Answer:  # noqa: ANN401
        return self._handle(method, environ, *args)

    handle.__doc__ = f"Answer {method}."
    return handle


for _method in ("GET", "HEAD", "PROPFIND", "REPORT", *sorted(WRITE_METHODS)):
    setattr(FlowfactApplication, f"do_{_method}", _handler(_method))
