"""Reads the XML of hot requests; what is unusual in it makes the request no hot one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from radicale_flowfact.filtering import CardFilter, FilterError, TimeRange, read_calendar_filter, read_card_filter

DAV, CALDAV, CARDDAV = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}", "{urn:ietf:params:xml:ns:carddav}"
LARGEST = 1_000_000
_MOST_TAGS = 100_000
_XML_SPACE = "{http://www.w3.org/XML/1998/namespace}"
_ENCODING = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml[^>]*\sencoding\s*=\s*[\"'](?!utf-8[\"'])", re.IGNORECASE)
_MULTIGETS = frozenset({f"{CALDAV}calendar-multiget", f"{CARDDAV}addressbook-multiget"})
DATA = frozenset({f"{CALDAV}calendar-data", f"{CARDDAV}address-data"})
_NOTHING_ELSE = frozenset({f"{DAV}sync-token", f"{DAV}sync-level", f"{DAV}prop"})


@dataclass(frozen=True, slots=True)
class Propfind:
    """PROPFIND of named properties, in Clark notation."""

    props: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sync:
    """sync-collection without a limit."""

    props: tuple[str, ...]
    token: str


@dataclass(frozen=True, slots=True)
class Multiget:
    """calendar-multiget or addressbook-multiget of whole items; ``hrefs`` are as sent."""

    props: tuple[str, ...]
    of_cards: bool
    hrefs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """calendar-query of whole entries by component and time alone."""

    props: tuple[str, ...]
    component: str
    wanted: TimeRange


@dataclass(frozen=True, slots=True)
class CardQuery:
    """addressbook-query of whole contacts that hold one of some texts (RFC 6352 §8.6)."""

    props: tuple[str, ...]
    wanted: CardFilter


Asked = Propfind | Sync | Multiget | Query | CardQuery


def read(body: bytes) -> ET.Element | None:
    """Return the root of a body, or None where there is more to look at than this room does.

    Without a document type there is no entity that could grow or reach out, so the fast parser is safe.
    """
    if not body or len(body) > LARGEST or b"<!DOCTYPE" in body or b"\x00" in body or _ENCODING.match(body):
        return None
    if body.count(b"<") > _MOST_TAGS:
        return None
    try:
        return ET.fromstring(body)  # noqa: S314 - see above
    except (ET.ParseError, ValueError, LookupError):
        return None


def asked(root: ET.Element) -> Asked | None:
    """Return what a body asks for, or None if it is nothing that this room answers."""
    if root.tag == f"{DAV}propfind":
        names = _names(root[0]) if len(root) == 1 and root[0].tag == f"{DAV}prop" else None
        return None if names is None else Propfind(names)
    props = _props(root)
    if props is None:
        return None
    if root.tag == f"{DAV}sync-collection":
        return _sync(root, props)
    if root.tag in _MULTIGETS:
        hrefs = tuple((child.text or "").strip() for child in root if child.tag == f"{DAV}href" and not len(child))
        return Multiget(props, root.tag.startswith(CARDDAV), hrefs) if len(hrefs) == len(root) - 1 else None
    if root.tag == f"{CARDDAV}addressbook-query":
        return _card_query(root, props)
    return _query(root, props) if root.tag == f"{CALDAV}calendar-query" else None


def _props(root: ET.Element) -> tuple[str, ...] | None:
    """Return the named properties of a REPORT, or None if there are none, or texts are not wanted whole."""
    found = root.findall(f"{DAV}prop")
    if len(found) != 1 or any(child.tag in DATA and child.attrib for child in found[0]):
        return None
    return _names(found[0])


def _names(prop: ET.Element) -> tuple[str, ...] | None:
    """Return the names of properties; None for none at all, and for what is more than a name or has an odd namespace.

    Radicale writes a name without a namespace as one of DAV's.
    """
    for child in prop:
        if len(child) or child.tag[0] != "{" or child.tag.startswith(_XML_SPACE):
            return None
    return tuple(child.tag for child in prop) or None


def _sync(root: ET.Element, props: tuple[str, ...]) -> Sync | None:
    if any(child.tag not in _NOTHING_ELSE for child in root) or any(tag in DATA for tag in props):
        return None
    return Sync(props, (root.findtext(f"{DAV}sync-token") or "").strip())


def _query(root: ET.Element, props: tuple[str, ...]) -> Query | None:
    """Read a filter that is VCALENDAR, one component in it, and at most a time range in that."""
    element = root.find(f"{CALDAV}filter")
    if element is None or len(root) != 2:
        return None
    try:
        wanted = read_calendar_filter(element)
    except FilterError:
        return None
    component = wanted.comps[0].name if len(wanted.comps) == 1 else ""
    return Query(props, component, wanted.span) if wanted.is_of_time_only(component) else None


def _card_query(root: ET.Element, props: tuple[str, ...]) -> CardQuery | None:
    """Read a filter that asks for texts; another one has to look at every contact."""
    element = root.find(f"{CARDDAV}filter")
    if element is None or len(root) != 2:
        return None
    try:
        wanted = read_card_filter(element)
    except FilterError:
        return None
    return CardQuery(props, wanted) if wanted.texts() else None
