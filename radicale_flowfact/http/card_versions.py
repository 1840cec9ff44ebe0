"""Determines the version of vCard that a request wants (RFC 6352 §5.1.1, §10.4): 4.0 if it asks for that, else 3.0.

Clients ask by ``Accept`` in a GET, by the attributes of ``address-data`` in a REPORT. Both versions have one ETag: it
names the state of the contact, which devices compare with what listings tell (see docs/decisions.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import client
from xml.etree import ElementTree as ET

from radicale import types

from radicale_flowfact.content.vcard.versions import VCARD_3, VCARD_4, VERSIONS
from radicale_flowfact.dav.store.request import RefusedError

VARY = {"Vary": "Accept"}
"""The header of an answer to a GET of a contact, also of a 304."""
MEDIA_TYPE = "text/vcard"
_CARD_TYPES = frozenset(
    {MEDIA_TYPE, "text/x-vcard", "text/directory", "application/vcard+xml", "application/vcard+json"}
)
_SPOKEN = frozenset({MEDIA_TYPE, "text/x-vcard", "text/directory"})
_LONGEST_ACCEPT = 2000  # characters of the header that are looked at
_QUALITY = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\Z", re.ASCII)
_CARDDAV = "{urn:ietf:params:xml:ns:carddav}"
_DATA = f"{_CARDDAV}address-data"
_SUPPORTED, _DATA_TYPE = f"{_CARDDAV}supported-address-data", f"{_CARDDAV}address-data-type"


@dataclass(frozen=True, slots=True)
class _Range:
    """Holds one media range of Accept. ``version``: empty if it names none; ``quality``: 0 to 1."""

    kind: str
    version: str
    quality: float

    def specificity(self, version: str) -> int:
        """Return how closely it names cards of a version (RFC 9110 §12.5.1); 0: not at all."""
        if self.kind in _SPOKEN:
            return 4 if self.version == version else 3 if not self.version else 0
        return {"text/*": 2, "*/*": 1}.get(self.kind, 0)


def accepted_version(header: str) -> str | None:
    """Return the version of vCard that an Accept header prefers; None: it wants cards in other forms alone.

    Of two that it likes alike, that which it names, and of those the first. A header that says nothing of cards counts
    as if there were none: some clients send the same one with all their requests.
    """
    if not header.strip():
        return VCARD_3
    ranges = list(_ranges(header[:_LONGEST_ACCEPT]))
    named = [one.version for one in ranges if one.kind in _SPOKEN and one.version in VERSIONS]
    order = [*dict.fromkeys(named), VCARD_3, VCARD_4]
    found = {version: _quality(ranges, version) for version in VERSIONS}
    best = max(VERSIONS, key=lambda version: (found[version], -order.index(version)))
    if found[best] > 0:
        return best
    return None if any(one.kind in _CARD_TYPES for one in ranges) else VCARD_3


def _quality(ranges: list[_Range], version: str) -> float:
    closest = max((one.specificity(version) for one in ranges), default=0)
    if not closest:
        return 0
    return max(one.quality for one in ranges if one.specificity(version) == closest)


def _ranges(header: str) -> Iterator[_Range]:
    for part in header.lower().split(","):
        kind, *params = (piece.strip() for piece in part.split(";"))
        values = dict(param.partition("=")[::2] for param in params)
        quality = values.get("q", "1").strip()
        number = float(quality) if _QUALITY.match(quality) else 1.0
        if kind:
            yield _Range(kind, values.get("version", "").strip(' "'), number)


def require_accepted(environ: types.WSGIEnviron) -> str:
    """Return the version of vCard that a GET of contacts is answered in. Raises RefusedError (406)."""
    header = environ.get("HTTP_ACCEPT", "")
    version = accepted_version(header)
    if version is None:
        raise RefusedError(
            f"contacts are served as {MEDIA_TYPE} of version {' and '.join(VERSIONS)}, not as {header[:60]!r}",
            406,
            "CR:supported-address-data-conversion",
        )
    return version


def labelled(answer: types.WSGIResponse, version: str) -> types.WSGIResponse:
    """Return the answer to a GET of contacts with the headers that tell of their version."""
    status, headers, body, xml = answer
    if status not in (client.OK, client.NOT_MODIFIED):
        return answer
    known = {**dict(headers), **VARY}
    if known.get("Content-Type") == MEDIA_TYPE:
        known["Content-Type"] = content_type(version)
    return status, known, body, xml


def content_type(version: str) -> str:
    """Return the media type of contacts of a version; 3.0 is what clients expect of the bare one."""
    return MEDIA_TYPE if version == VCARD_3 else f"{MEDIA_TYPE}; version={version}"


def version_of(data: ET.Element) -> str | None:
    """Return the version of vCard that an ``address-data`` asks for; None: one that is not served."""
    kind = data.get("content-type", MEDIA_TYPE).partition(";")[0].strip().lower()
    version = data.get("version", "").strip() or VCARD_3
    return version if kind == MEDIA_TYPE and version in VERSIONS else None


def require_version(report: ET.Element) -> str:
    """Return the version of vCard that a REPORT asks for. Raises RefusedError (403, RFC 6352 §8.6, §8.7)."""
    wanted = VCARD_3
    for data in report.iter(_DATA):
        version = version_of(data)
        if version is None:
            said = f"{data.get('content-type', MEDIA_TYPE)[:40]!r} {data.get('version', '')[:20]!r}"
            raise RefusedError(
                f"contacts are served as {MEDIA_TYPE} of version {' and '.join(VERSIONS)}, not as {said}",
                403,
                "CR:supported-address-data",
            )
        wanted = version
    return wanted


def advertise(multistatus: ET.Element) -> None:
    """Name both versions in each supported-address-data (RFC 6352 §6.2.2) that a multistatus has a value of."""
    for supported in multistatus.iter(_SUPPORTED):
        if not len(supported):
            continue  # it is not found there
        for child in list(supported):
            supported.remove(child)
        for version in VERSIONS:
            ET.SubElement(supported, _DATA_TYPE, {"content-type": MEDIA_TYPE, "version": version})
