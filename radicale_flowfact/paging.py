"""``limit/nresults`` of sync-collection (RFC 6578 §3.6): what Radicale ignores, read before and told after.

The storage cuts the list and gives the token to go on from; the answer then names the collection with status
507, which tells the client to ask again.
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import defusedxml.ElementTree as Safe
from radicale import xmlutils

_LARGEST = 1_000_000  # no sync-collection request is longer


def wanted_limit(body: bytes) -> int | None:
    """Return how many results a REPORT wants at most, or None if it sets no limit or is no sync-collection."""
    if len(body) > _LARGEST or b"nresults" not in body:
        return None
    try:
        root: Any = Safe.fromstring(body)
    except (ET.ParseError, ValueError):  # Radicale refuses it with its own words
        return None
    if root.tag != xmlutils.make_clark("D:sync-collection"):
        return None
    limit = (root.findtext(f"{xmlutils.make_clark('D:limit')}/{xmlutils.make_clark('D:nresults')}") or "").strip()
    return max(1, int(limit)) if limit.isascii() and limit.isdigit() else None


def with_more(answer: str | bytes, href: str) -> str:
    """Return a multistatus that says there is more to fetch."""
    root: Any = Safe.fromstring(answer)
    response = ET.Element(xmlutils.make_clark("D:response"))
    ET.SubElement(response, xmlutils.make_clark("D:href")).text = href
    ET.SubElement(response, xmlutils.make_clark("D:status")).text = "HTTP/1.1 507 Insufficient Storage"
    error = ET.SubElement(response, xmlutils.make_clark("D:error"))
    ET.SubElement(error, xmlutils.make_clark("D:number-of-matches-within-limits"))
    root.append(response)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)
