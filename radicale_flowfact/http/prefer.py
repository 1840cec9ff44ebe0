"""Carries out ``Prefer: return=minimal`` (RFC 7240, RFC 8144) and Microsoft's ``Brief: t``: no propstat with 404."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from radicale import types, xmlutils

APPLIED = {"Preference-Applied": "return=minimal", "Vary": "Prefer, Brief"}
_PROPSTAT, _PROP, _STATUS = (xmlutils.make_clark(f"D:{name}") for name in ("propstat", "prop", "status"))


def wants_minimal(environ: types.WSGIEnviron) -> bool:
    """Return whether the client asks to leave out properties that were not found."""
    preferences = environ.get("HTTP_PREFER", "").lower().replace(" ", "").replace(";", ",").split(",")
    return "return=minimal" in preferences or environ.get("HTTP_BRIEF", "").strip().lower() == "t"


def make_minimal(multistatus: ET.Element) -> None:
    """Remove the properties that were not found from a multistatus.

    A response that would become empty keeps an empty propstat with status 200 (RFC 8144 §2.1).
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
