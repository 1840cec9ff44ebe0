"""Answers principal-property-search (RFC 3744 §9.4), which Radicale answers empty: a login finds itself only.

The search becomes a PROPFIND of the login's own principal, so that the properties are Radicale's.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from radicale import xmlutils

_PROP = xmlutils.make_clark("D:prop")
_NAME = xmlutils.make_clark("D:displayname")
# Some clients name these outside of D:prop and fail when the answer lacks them.
_ALWAYS = (_NAME, xmlutils.make_clark("C:calendar-home-set"))

EMPTY_MULTISTATUS = ET.tostring(
    ET.Element(xmlutils.make_clark("D:multistatus")), encoding="unicode", xml_declaration=True
)


def propfind_of(report: ET.Element, login: str) -> bytes | None:
    """Return the PROPFIND that answers a search which finds the login, b"" if it does not, None if it is no search."""
    if report.tag != xmlutils.make_clark("D:principal-property-search"):
        return None
    found = [_matches(search, login) for search in report.findall(xmlutils.make_clark("D:property-search"))]
    is_found = any(found) if report.get("test") == "anyof" else all(found)
    return _propfind(report.find(_PROP)) if is_found else b""


def _matches(search: ET.Element, login: str) -> bool:
    """Return whether a property-search matches the login; displayname is the only searchable property."""
    wanted = (search.findtext(xmlutils.make_clark("D:match")) or "").casefold()
    asked = [prop.tag for prop in search.iterfind(f"{_PROP}/*")]
    return bool(asked) and all(tag == _NAME for tag in asked) and wanted in login.casefold()


def _propfind(asked: ET.Element | None) -> bytes:
    root = ET.Element(xmlutils.make_clark("D:propfind"))
    prop = ET.SubElement(root, _PROP)
    for tag in dict.fromkeys([*(element.tag for element in (asked if asked is not None else ())), *_ALWAYS]):
        ET.SubElement(prop, tag)
    return ET.tostring(root)
