"""What hot requests for many items are answered with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from radicale_flowfact.dav.collections import Collection
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.session import Name
from radicale_flowfact.hot import multistatus
from radicale_flowfact.hot.bodies import CALDAV, CARDDAV, DATA, DAV, Asked, CardQuery, Multiget, Propfind, Query, Sync

_ETAG, _TYPE, _RESOURCE = f"{DAV}getetag", f"{DAV}getcontenttype", f"{DAV}resourcetype"
_USUAL = frozenset({_ETAG, _TYPE, _RESOURCE})
_LARGEST = f"{CALDAV}max-resource-size"  # the only other one that Radicale tells of items and that is not DAV's
_CONTENT_TYPES = {
    Name.ADDRESSES: "text/vcard;charset=utf-8",
    Name.APPOINTMENTS: "text/calendar;charset=utf-8;component=VEVENT",
    Name.TASKS: "text/calendar;charset=utf-8;component=VTODO",
}
_COMPONENTS = {Name.APPOINTMENTS: "VEVENT", Name.TASKS: "VTODO"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a login asks, with which device and rights: ``prefix`` is a proxy's, ``href`` empty for the collection."""

    prefix: str
    login: str
    name: Name
    href: str
    agent: str
    rights: str

    @property
    def path(self) -> str:
        """The path below the prefix."""
        return f"/{self.login}/{self.name.value}/{self.href}"

    @property
    def base(self) -> str:
        """The collection's URL as answers have it."""
        return quote(f"{self.prefix}/{self.login}/{self.name.value}/")


def is_usual(asked: Propfind) -> bool:
    """Return whether a listing asks of the items only what is told here."""
    return _ETAG in asked.props and all(
        tag in _USUAL or not (tag.startswith(DAV) or tag == _LARGEST) for tag in asked.props
    )


def are_types_mixed(gateway: Gateway, collection: Collection, place: Place, asked: Asked) -> bool:
    """Return whether the items' types are asked for, and are several: notes are kept beside the others."""
    return place.name is not Name.ADDRESSES and _TYPE in asked.props and gateway.has_notes(collection)


def listing(
    gateway: Gateway, collection: Collection, place: Place, asked: Propfind, own: bytes, *, minimal: bool
) -> bytes:
    """Return the answer to PROPFIND 1: ``own`` is the one to PROPFIND 0, into which the items are put."""
    rows = gateway.etags(collection)
    head, tail, rest = own.decode().rpartition(multistatus.TAIL)
    known = {_ETAG: '"{0}"', _TYPE: _CONTENT_TYPES[place.name], _RESOURCE: ""}
    template = multistatus.form(asked.props, known, declared=True, minimal=minimal)
    pieces = multistatus.responses(place.base, [row[0] for row in rows], [row[1:] for row in rows], template)
    return "".join((head, *pieces, tail, rest)).encode()


def report(gateway: Gateway, place: Place, asked: Asked, *, minimal: bool) -> bytes | None:
    """Return the answer to a REPORT, or None if something in it is unusual after all.

    Raises RefusedError and InvalidTokenError.
    """
    collection = gateway.open(place.login, place.name)
    if are_types_mixed(gateway, collection, place, asked):
        return None
    match asked:
        case Sync():
            return _sync(gateway, collection, place, asked, minimal=minimal)
        case Multiget():
            return _multiget(gateway, collection, place, asked, minimal=minimal)
        case Query():
            return _query(gateway, collection, place, asked, minimal=minimal)
        case CardQuery():
            return _card_query(gateway, collection, place, asked, minimal=minimal)
        case _:
            return None


def _sync(gateway: Gateway, collection: Collection, place: Place, asked: Sync, *, minimal: bool) -> bytes:
    there, gone, token = gateway.changed_etags(collection, asked.token)
    pieces = _with_etags(place, asked.props, there, minimal)
    told = f"<sync-token>{token}</sync-token>"
    return multistatus.whole((told, *multistatus.gone(place.base, gone), *pieces))


def _multiget(
    gateway: Gateway, collection: Collection, place: Place, asked: Multiget, *, minimal: bool
) -> bytes | None:
    hrefs = _hrefs(place, asked.hrefs)
    if hrefs is None or asked.of_cards != (place.name is Name.ADDRESSES):
        return None
    found = gateway.texts_at(collection, hrefs, place.agent)
    there = {row[1] for row in found}
    missing = [href for href in hrefs if href not in there]
    return multistatus.whole((*multistatus.gone(place.base, missing), *_with_texts(place, asked.props, found, minimal)))


def _query(gateway: Gateway, collection: Collection, place: Place, asked: Query, *, minimal: bool) -> bytes | None:
    if asked.component != _COMPONENTS.get(place.name):
        return None
    if DATA.isdisjoint(asked.props):
        tags = gateway.tags_between(collection, asked.component, asked.wanted)
        return multistatus.whole(_with_etags(place, asked.props, tags, minimal))
    found = gateway.entries_between(collection, asked.component, asked.wanted, place.agent)
    return multistatus.whole(_with_texts(place, asked.props, found, minimal))


def _card_query(
    gateway: Gateway, collection: Collection, place: Place, asked: CardQuery, *, minimal: bool
) -> bytes | None:
    if place.name is not Name.ADDRESSES:
        return None
    found = gateway.cards_like(collection, asked.wanted, place.agent)
    return multistatus.whole(_with_texts(place, asked.props, found, minimal))


def _with_etags(place: Place, props: Sequence[str], found: Sequence[tuple[str, str]], minimal: bool) -> list[str]:
    template = multistatus.form(props, _known(place), minimal=minimal)
    return multistatus.responses(place.base, [row[0] for row in found], [row[1:] for row in found], template)


def _with_texts(
    place: Place, props: Sequence[str], found: Sequence[tuple[int, str, str, str]], minimal: bool
) -> list[str]:
    template = multistatus.form(props, _known(place), minimal=minimal)
    rows = [(etag, multistatus.text(text)) for _, _, etag, text in found]
    return multistatus.responses(place.base, [row[1] for row in found], rows, template)


def _known(place: Place) -> dict[str, str]:
    """Return what a REPORT tells of an item; as Radicale does, either word for its text is understood."""
    texts = {f"{CARDDAV}address-data": "{1}", f"{CALDAV}calendar-data": "{1}"}
    return {_ETAG: '"{0}"', _TYPE: _CONTENT_TYPES[place.name], **texts}


def _hrefs(place: Place, sent: Sequence[str]) -> list[str] | None:
    """Return the names of the items, or None if one is not simply in this collection."""
    base = f"{place.prefix}/{place.login}/{place.name.value}/"
    found: dict[str, None] = {}
    for url in sent:
        try:
            path = unquote(urlsplit(url).path)
        except ValueError:
            return None
        href = path.removeprefix(base)
        if href == path or not href or "/" in href or href in (".", ".."):
            return None
        found[href] = None
    return list(found)
