"""``limit/nresults`` of sync-collection (RFC 6578 §3.6): what Radicale ignores, read before and told after.

The storage cuts the list and gives the token to go on from; the answer then names the collection with status
507, which tells the client to ask again.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from radicale import xmlutils

_LIMIT = f"{xmlutils.make_clark('D:limit')}/{xmlutils.make_clark('D:nresults')}"


def wanted_limit(report: ET.Element) -> int | None:
    """Return how many results a REPORT wants at most, or None if it sets no limit or is no sync-collection."""
    if report.tag != xmlutils.make_clark("D:sync-collection"):
        return None
    limit = (report.findtext(_LIMIT) or "").strip()
    return max(1, int(limit)) if limit.isascii() and limit.isdigit() else None


def add_more(multistatus: ET.Element, href: str) -> None:
    """Say in a multistatus that there is more to fetch."""
    response = ET.SubElement(multistatus, xmlutils.make_clark("D:response"))
    ET.SubElement(response, xmlutils.make_clark("D:href")).text = href
    ET.SubElement(response, xmlutils.make_clark("D:status")).text = "HTTP/1.1 507 Insufficient Storage"
    error = ET.SubElement(response, xmlutils.make_clark("D:error"))
    ET.SubElement(error, xmlutils.make_clark("D:number-of-matches-within-limits"))
