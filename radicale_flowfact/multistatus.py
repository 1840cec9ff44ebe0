"""Reads XML that devices send, and edits the multistatus answers that Radicale wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from xml.etree import ElementTree as ET

import defusedxml.ElementTree as Safe
from defusedxml import DefusedXmlException

_LARGEST = 10_000_000  # no request for properties or items is longer


def read_xml(body: bytes) -> ET.Element | None:
    """Return the root of a request's body, or None for one that Radicale refuses with its own words."""
    if not body or len(body) > _LARGEST:
        return None
    try:
        root: ET.Element = Safe.fromstring(body)
    except (ET.ParseError, DefusedXmlException, ValueError):
        return None
    return root


def edited(answer: str | bytes, edits: Iterable[Callable[[ET.Element], None]]) -> bytes:
    """Return a multistatus after the edits."""
    root: ET.Element = Safe.fromstring(answer)
    for edit in edits:
        edit(root)
    changed: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return changed
