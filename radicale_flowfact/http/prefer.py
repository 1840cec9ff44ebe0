"""``Prefer: return=minimal`` (RFC 7240, RFC 8144) and Microsoft's older ``Brief: t``: no word of what is missing."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from radicale import types, xmlutils

APPLIED = {"Preference-Applied": "return=minimal", "Vary": "Prefer, Brief"}
_PROPSTAT, _PROP, _STATUS = (xmlutils.make_clark(f"D:{name}") for name in ("propstat", "prop", "status"))


def wants_minimal(environ: types.WSGIEnviron) -> bool:
    """Return whether a client wants to be spared the properties that are not there."""
    preferences = environ.get("HTTP_PREFER", "").lower().replace(" ", "").replace(";", ",").split(",")
    return "return=minimal" in preferences or environ.get("HTTP_BRIEF", "").strip().lower() == "t"


def make_minimal(multistatus: ET.Element) -> None:
    """Take the properties that were not found out of a multistatus.

    A response of which nothing would be left keeps an empty propstat with status 200 (RFC 8144 §2.1).
    """
    for response in multistatus:
        for propstat in response.findall(_PROPSTAT):
            if " 404 " not in (propstat.findtext(_STATUS) or ""):
                continue
            if len(response.findall(_PROPSTAT)) > 1:
                response.remove(propstat)
            else:
                propstat.clear()
                ET.SubElement(propstat, _PROP)
                ET.SubElement(propstat, _STATUS).text = "HTTP/1.1 200 OK"
