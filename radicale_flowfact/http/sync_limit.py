"""Reads ``limit/nresults`` of sync-collection (RFC 6578 §3.6), which Radicale ignores, and marks a cut answer.

The storage cuts the list and returns the token to continue from. The answer then names the collection with status 507,
and the client asks again.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from radicale import xmlutils

_LIMIT = f"{xmlutils.make_clark('D:limit')}/{xmlutils.make_clark('D:nresults')}"


def wanted_limit(report: ET.Element) -> int | None:
    """Return the limit of a sync-collection REPORT, or None if it has no limit or is another REPORT."""
    if report.tag != xmlutils.make_clark("D:sync-collection"):
        return None
    limit = (report.findtext(_LIMIT) or "").strip()
    return max(1, int(limit[:9])) if limit.isascii() and limit.isdigit() else None


def add_truncation(multistatus: ET.Element, href: str) -> None:
    """Mark a multistatus as truncated: the collection's href with status 507 (RFC 6578 §3.6)."""
    response = ET.SubElement(multistatus, xmlutils.make_clark("D:response"))
    ET.SubElement(response, xmlutils.make_clark("D:href")).text = href
    ET.SubElement(response, xmlutils.make_clark("D:status")).text = "HTTP/1.1 507 Insufficient Storage"
    error = ET.SubElement(response, xmlutils.make_clark("D:error"))
    ET.SubElement(error, xmlutils.make_clark("D:number-of-matches-within-limits"))
