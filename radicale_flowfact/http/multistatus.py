"""Edits the multistatus answers that Radicale wrote: partial data, a cut sync list, ``Prefer: return=minimal``.

Radicale advertises what its own parser reads; here both versions of vCard are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import client
from xml.etree import ElementTree as ET

import defusedxml.ElementTree as Safe
from radicale import types

from radicale_flowfact.http import card_versions
from radicale_flowfact.http.partial_data import DataSelection, cut_data
from radicale_flowfact.http.prefer import APPLIED, make_minimal, wants_minimal
from radicale_flowfact.http.sync_limit import add_truncation

Edit = Callable[[ET.Element], None]


def edited(
    answer: types.WSGIResponse, environ: types.WSGIEnviron, wanted: DataSelection | None, truncated: str | None
) -> types.WSGIResponse:
    """Return Radicale's answer with the edits that the request asks for; any other answer is returned unchanged.

    ``wanted``: the parts of items that a REPORT names, None: whole items. ``truncated``: the href of a collection
    whose sync list was cut at the client's limit, None: the list is complete.
    """
    edits: list[Edit] = []
    if environ["REQUEST_METHOD"] == "PROPFIND" and _names_versions(answer[2]):
        edits.append(card_versions.advertise)
    if wanted is not None:
        edits.append(lambda root: cut_data(root, wanted))
    if truncated is not None:
        edits.append(lambda root: add_truncation(root, truncated))
    minimal = wants_minimal(environ)
    if minimal:
        edits.append(make_minimal)
    status, headers, body, xml = answer
    if status != client.MULTI_STATUS or body is None or not edits:
        return answer
    return status, {**dict(headers), **(APPLIED if minimal else {})}, _rewritten(body, edits), xml


def _names_versions(body: str | bytes | None) -> bool:
    return "supported-address-data" in body if isinstance(body, str) else b"supported-address-data" in (body or b"")


def _rewritten(body: str | bytes, edits: Iterable[Edit]) -> bytes:
    root: ET.Element = Safe.fromstring(body)
    for edit in edits:
        edit(root)
    changed: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return changed
