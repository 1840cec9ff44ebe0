"""Refuses what no client may do to a collection, answers refusals by DAV:error, keeps them in the history (rule 27)."""

from __future__ import annotations

from http import client
from typing import Any
from xml.etree import ElementTree as ET

from radicale import types, xmlutils

from radicale_flowfact.content.contentlines import printable
from radicale_flowfact.database import faults
from radicale_flowfact.database.fault_codes import Kind
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.store.history import Event
from radicale_flowfact.dav.store.request import RefusedError, Request, TakenOffError
from radicale_flowfact.http import retry
from radicale_flowfact.language.texts import translated
from radicale_flowfact.storage import ResourcePath

WRITE_METHODS = frozenset({"PUT", "DELETE", "MOVE", "PROPPATCH", "MKCOL", "MKCALENDAR"})
_NO_RIGHT = "D:need-privileges"
_HISTORY_BYTES = 1_000_000
_FLOWFACT = "urn:radicale-flowfact"


class RecordedBody:
    """A request body that copies what is read of it into ``request.body``: a storage never sees the bytes."""

    def __init__(self, stream: Any, request: Request) -> None:  # noqa: ANN401 - whatever the WSGI server gives
        self._stream = stream
        self._request = request

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        return self._recorded(self._stream.read(size))

    def readline(self, size: int = -1) -> bytes:
        """Read on to the end of the line."""
        return self._recorded(self._stream.readline(size))

    def _recorded(self, data: bytes) -> bytes:
        self._request.body += data
        return data


def require_item_change(method: str, path: str) -> None:
    """Raise RefusedError for a request that would make, replace, move or delete a collection."""
    resource = ResourcePath.of(path)
    if method in ("MKCOL", "MKCALENDAR"):
        raise RefusedError("the collections of a login are fixed; no other can be made")
    if method == "MOVE":
        raise RefusedError("an item cannot be moved; change it where it is")
    if method == "PUT" and (resource is None or resource.href is None):
        raise RefusedError("an item is put into addresses, appointments or tasks; collections cannot be replaced")
    if method == "DELETE" and resource is not None and resource.href is None:
        raise RefusedError("a collection cannot be deleted")


def by_database(error: Exception) -> RefusedError | None:
    """Return the refusal that a trigger, a constraint or a missing right of the database is (rule 28), or None."""
    if not faults.is_refusal(error):
        return None
    condition = _NO_RIGHT if faults.kind_of(error) is Kind.RIGHT else ""
    return RefusedError(f"the database refuses it: {faults.told(error)}", client.FORBIDDEN, condition)


def reason_of(request: Request, status: int) -> str:
    """Return why a request was refused: the refusal's reason, else the phrase of the answer's status."""
    return request.refusal.reason if request.refusal else client.responses.get(status, "")


def remember(gateway: Gateway, method: str, path: str, user: str, request: Request, status: int) -> None:
    """Keep the body of a refused write in the history (rule 27); a fault of the server (5xx) is no refusal."""
    resource = ResourcePath.of(path)
    code = request.refusal.status if request.refusal else status
    if method not in WRITE_METHODS or resource is None or resource.name is None or code >= client.INTERNAL_SERVER_ERROR:
        return
    event = Event(
        user,
        request.agent,
        resource.name.value,
        resource.href or "",
        "refused",
        reason=f"{code} to {method}: {reason_of(request, status)}",
        body=request.body[:_HISTORY_BYTES].decode("utf-8", "replace"),
    )
    if isinstance(request.refusal, TakenOffError):
        gateway.remember_taken_off(event, request.refusal.uid)
    else:
        gateway.remember_refused(event)


def answer(refusal: RefusedError, method: str) -> types.WSGIResponse:
    """Return the refusal as a DAV:error with its precondition and the reason for people (RFC 4918 §16).

    The reason is in the language of the context.
    """
    error = ET.Element(xmlutils.make_clark("D:error"))
    conditions = [refusal.condition] if refusal.condition else []
    if method in ("PUT", "DELETE") and refusal.status == client.FORBIDDEN:
        # DAVx5 passes over an item that is answered so; at any other 403 it ends the sync of the collection (rule 28).
        conditions = sorted({*conditions, _NO_RIGHT})
    for condition in conditions:
        ET.SubElement(error, xmlutils.make_clark(condition))
    ET.SubElement(error, f"{{{_FLOWFACT}}}reason").text = printable(translated(refusal.reason))
    headers = {"Content-Type": "text/xml"}  # Radicale adds the charset
    if refusal.status == client.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = retry.RETRY_AFTER
    return refusal.status, headers, ET.tostring(error, encoding="unicode"), None
