"""Parses the bodies of hot requests (RFC 4918 §9.1, RFC 3253 §3.6); None for a body that Radicale has to read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from radicale_flowfact.content.vcard.versions import VCARD_3
from radicale_flowfact.http import card_versions
from radicale_flowfact.queries.filters import CardFilter, FilterError, TimeRange, read_calendar_filter, read_card_filter

DAV, CALDAV, CARDDAV = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}", "{urn:ietf:params:xml:ns:carddav}"
MAX_BODY_BYTES = 1_000_000
_MAX_TAGS = 100_000
_MAX_PROPERTIES = 100  # more are refused, by ``request_checks``
_XML_SPACE = "{http://www.w3.org/XML/1998/namespace}"
_ENCODING = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml[^>]*\sencoding\s*=\s*[\"'](?!utf-8[\"'])", re.IGNORECASE)
_MULTIGETS = frozenset({f"{CALDAV}calendar-multiget", f"{CARDDAV}addressbook-multiget"})
DATA = frozenset({f"{CALDAV}calendar-data", f"{CARDDAV}address-data"})
_FORM = {"content-type", "version"}
_SYNC_ELEMENTS = frozenset({f"{DAV}sync-token", f"{DAV}sync-level", f"{DAV}prop"})


@dataclass(frozen=True, slots=True)
class Propfind:
    """Holds a PROPFIND of named properties, in Clark notation."""

    props: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sync:
    """Holds a sync-collection without a limit; ``token``: empty for a first sync."""

    props: tuple[str, ...]
    token: str


@dataclass(frozen=True, slots=True)
class Multiget:
    """Holds a calendar-multiget or addressbook-multiget of whole items; ``hrefs`` are as sent.

    ``version`` is that of vCard, in which contacts are asked for.
    """

    props: tuple[str, ...]
    is_addressbook: bool
    hrefs: tuple[str, ...]
    version: str


@dataclass(frozen=True, slots=True)
class Query:
    """Holds a calendar-query of whole entries by component and time range (UTC) alone."""

    props: tuple[str, ...]
    component: str
    wanted: TimeRange


@dataclass(frozen=True, slots=True)
class CardQuery:
    """Holds an addressbook-query of whole contacts that contain one of some texts (RFC 6352 §8.6).

    ``version`` is that of vCard, in which they are asked for.
    """

    props: tuple[str, ...]
    wanted: CardFilter
    version: str


HotRequest = Propfind | Sync | Multiget | Query | CardQuery


def parse_xml(body: bytes) -> ET.Element | None:
    """Return the root of a body; None for one that is large, not UTF-8, malformed, or has a document type.

    Without a document type there are no entities to expand or fetch, so the standard parser is safe.
    """
    if not body or len(body) > MAX_BODY_BYTES or b"<!DOCTYPE" in body or b"\x00" in body or _ENCODING.match(body):
        return None
    if body.count(b"<") > _MAX_TAGS:
        return None
    try:
        return ET.fromstring(body)  # noqa: S314 - see above
    except (ET.ParseError, ValueError, LookupError):
        return None


def parse_request(root: ET.Element) -> HotRequest | None:
    """Return the request that a body holds, or None if it is not hot."""
    if root.tag == f"{DAV}propfind":
        names = _names(root[0]) if len(root) == 1 and root[0].tag == f"{DAV}prop" else None
        return None if names is None else Propfind(names)
    props, version = _props(root), _version(root)
    if props is None or version is None:
        return None
    if root.tag == f"{DAV}sync-collection":
        return _sync(root, props)
    if root.tag in _MULTIGETS:
        hrefs = tuple((child.text or "").strip() for child in root if child.tag == f"{DAV}href" and not len(child))
        is_addressbook = root.tag.startswith(CARDDAV)
        return Multiget(props, is_addressbook, hrefs, version) if len(hrefs) == len(root) - 1 else None
    if root.tag == f"{CARDDAV}addressbook-query":
        return _card_query(root, props, version)
    return _query(root, props) if root.tag == f"{CALDAV}calendar-query" else None


def _props(root: ET.Element) -> tuple[str, ...] | None:
    """Return the named properties of a REPORT, or None if there are none, or only parts of texts are asked for."""
    found = root.findall(f"{DAV}prop")
    if len(found) != 1 or any(child.tag in DATA and not _is_whole(child) for child in found[0]):
        return None
    return _names(found[0])


def _is_whole(data: ET.Element) -> bool:
    """Return whether an element asks for whole texts; a contact's may name a version of vCard."""
    return not data.attrib or (data.tag == f"{CARDDAV}address-data" and data.attrib.keys() <= _FORM)


def _version(root: ET.Element) -> str | None:
    """Return the version of vCard that a REPORT asks for; None: one that is refused."""
    named = [card_versions.version_of(data) for data in root.iter(f"{CARDDAV}address-data")]
    return VCARD_3 if not named else None if None in named else named[-1]


def _names(prop: ET.Element) -> tuple[str, ...] | None:
    """Return the names of properties; None for an empty list, an element with content, or an unusual namespace.

    Radicale answers a name without a namespace in the DAV: namespace.
    """
    for child in prop:
        if len(child) or child.tag[0] != "{" or child.tag.startswith(_XML_SPACE):
            return None
    return tuple(child.tag for child in prop) or None if len(prop) <= _MAX_PROPERTIES else None


def _sync(root: ET.Element, props: tuple[str, ...]) -> Sync | None:
    if any(child.tag not in _SYNC_ELEMENTS for child in root) or any(tag in DATA for tag in props):
        return None
    return Sync(props, (root.findtext(f"{DAV}sync-token") or "").strip())


def _query(root: ET.Element, props: tuple[str, ...]) -> Query | None:
    """Parse a filter of VCALENDAR, one component in it, and at most a time range (RFC 4791 §9.7)."""
    element = root.find(f"{CALDAV}filter")
    if element is None or len(root) != 2:
        return None
    try:
        wanted = read_calendar_filter(element)
    except FilterError:
        return None
    component = wanted.comps[0].name if len(wanted.comps) == 1 else ""
    return Query(props, component, wanted.span) if wanted.is_time_range_only(component) else None


def _card_query(root: ET.Element, props: tuple[str, ...], version: str) -> CardQuery | None:
    """Parse a filter with text matches (RFC 6352 §10.5); any other filter needs every contact."""
    element = root.find(f"{CARDDAV}filter")
    if element is None or len(root) != 2:
        return None
    try:
        wanted = read_card_filter(element)
    except FilterError:
        return None
    return CardQuery(props, wanted, version) if wanted.texts() else None
