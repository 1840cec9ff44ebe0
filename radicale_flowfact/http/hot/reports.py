"""Answers hot PROPFIND and REPORT requests for many items from the journal's tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from radicale_flowfact.content.vcard import versions
from radicale_flowfact.content.vcard.versions import VCARD_3
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.store.collections import Collection
from radicale_flowfact.dav.store.items import Text
from radicale_flowfact.dav.store.session import Name
from radicale_flowfact.http.hot import multistatus
from radicale_flowfact.http.hot.bodies import (
    CALDAV,
    CARDDAV,
    DATA,
    DAV,
    CardQuery,
    HotRequest,
    Multiget,
    Propfind,
    Query,
    Sync,
)

_ETAG, _TYPE, _RESOURCE = f"{DAV}getetag", f"{DAV}getcontenttype", f"{DAV}resourcetype"
_KNOWN_PROPERTIES = frozenset({_ETAG, _TYPE, _RESOURCE})
# The only other property that Radicale reports of items outside the DAV namespace.
_MAX_RESOURCE_SIZE = f"{CALDAV}max-resource-size"
_CONTENT_TYPES = {
    Name.ADDRESSES: "text/vcard;charset=utf-8",
    Name.APPOINTMENTS: "text/calendar;charset=utf-8;component=VEVENT",
    Name.TASKS: "text/calendar;charset=utf-8;component=VTODO",
}
_COMPONENTS = {Name.APPOINTMENTS: "VEVENT", Name.TASKS: "VTODO"}


@dataclass(frozen=True, slots=True)
class Target:
    """Holds a request's target, device and rights; ``prefix``: a proxy's path, ``href``: empty for the collection."""

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
        """The collection's percent-encoded URL."""
        return quote(f"{self.prefix}/{self.login}/{self.name.value}/")


def has_known_properties(request: Propfind) -> bool:
    """Return whether a listing asks for item properties that are answered here, or by no server."""
    return _ETAG in request.props and all(
        tag in _KNOWN_PROPERTIES or not (tag.startswith(DAV) or tag == _MAX_RESOURCE_SIZE) for tag in request.props
    )


def are_types_mixed(gateway: Gateway, collection: Collection, target: Target, request: HotRequest) -> bool:
    """Return whether content types are asked for and differ between items: VJOURNAL is kept beside VEVENT and VTODO."""
    return target.name is not Name.ADDRESSES and _TYPE in request.props and gateway.has_notes(collection)


def listing(
    gateway: Gateway, collection: Collection, target: Target, request: Propfind, own: bytes, *, minimal: bool
) -> bytes:
    """Return the answer to PROPFIND 1: ``own`` is the answer to PROPFIND 0, to which the items are added."""
    rows = gateway.etags(collection)
    head, tail, rest = own.decode().rpartition(multistatus.TAIL)
    known = {_ETAG: '"{0}"', _TYPE: _CONTENT_TYPES[target.name], _RESOURCE: ""}
    template = multistatus.propstat_template(request.props, known, declared=True, minimal=minimal)
    pieces = multistatus.responses(target.base, [row[0] for row in rows], [row[1:] for row in rows], template)
    return "".join((head, *pieces, tail, rest)).encode()


def report(gateway: Gateway, target: Target, request: HotRequest, *, minimal: bool) -> bytes | None:
    """Return the answer to a REPORT, or None if Radicale has to answer it.

    Raises RefusedError and InvalidTokenError.
    """
    collection = gateway.open(target.login, target.name)
    if are_types_mixed(gateway, collection, target, request):
        return None
    match request:
        case Sync():
            return _sync(gateway, collection, target, request, minimal=minimal)
        case Multiget():
            return _multiget(gateway, collection, target, request, minimal=minimal)
        case Query():
            return _query(gateway, collection, target, request, minimal=minimal)
        case CardQuery():
            return _card_query(gateway, collection, target, request, minimal=minimal)
        case _:
            return None


def _sync(gateway: Gateway, collection: Collection, target: Target, request: Sync, *, minimal: bool) -> bytes:
    there, gone, token = gateway.changed_etags(collection, request.token)
    gateway.moved(collection, target.agent, request.token, token)
    pieces = _with_etags(target, request.props, there, minimal)
    sync_token = f"<sync-token>{token}</sync-token>"
    return multistatus.body((sync_token, *multistatus.not_found(target.base, gone), *pieces))


def _multiget(
    gateway: Gateway, collection: Collection, target: Target, request: Multiget, *, minimal: bool
) -> bytes | None:
    hrefs = _hrefs(target, request.hrefs)
    if hrefs is None or request.is_addressbook != (target.name is Name.ADDRESSES):
        return None
    found = gateway.texts_at(collection, hrefs, target.agent)
    there = {row[1] for row in found}
    missing = [href for href in hrefs if href not in there]
    texts = _with_texts(target, request.props, found, minimal, request.version)
    return multistatus.body((*multistatus.not_found(target.base, missing), *texts))


def _query(gateway: Gateway, collection: Collection, target: Target, request: Query, *, minimal: bool) -> bytes | None:
    if request.component != _COMPONENTS.get(target.name):
        return None
    if DATA.isdisjoint(request.props):
        tags = gateway.tags_between(collection, request.component, request.wanted)
        return multistatus.body(_with_etags(target, request.props, tags, minimal))
    found = gateway.entries_between(collection, request.component, request.wanted, target.agent)
    return multistatus.body(_with_texts(target, request.props, found, minimal))


def _card_query(
    gateway: Gateway, collection: Collection, target: Target, request: CardQuery, *, minimal: bool
) -> bytes | None:
    if target.name is not Name.ADDRESSES:
        return None
    found = gateway.cards_like(collection, request.wanted, target.agent)
    return multistatus.body(_with_texts(target, request.props, found, minimal, request.version))


def _with_etags(target: Target, props: Sequence[str], found: Sequence[tuple[str, str]], minimal: bool) -> list[str]:
    template = multistatus.propstat_template(props, _known(target), minimal=minimal)
    return multistatus.responses(target.base, [row[0] for row in found], [row[1:] for row in found], template)


def _with_texts(
    target: Target, props: Sequence[str], found: Sequence[Text], minimal: bool, version: str = VCARD_3
) -> list[str]:
    template = multistatus.propstat_template(props, _known(target), minimal=minimal)
    is_card, asks_texts = target.name is Name.ADDRESSES, not DATA.isdisjoint(props)
    served = (
        (etag, versions.in_version(text, version) if is_card and asks_texts else text) for _, _, etag, text, _ in found
    )
    rows = [(etag, multistatus.escaped(text)) for etag, text in served]
    return multistatus.responses(target.base, [row[1] for row in found], rows, template)


def _known(target: Target) -> dict[str, str]:
    """Return the known properties of an item; as in Radicale, address-data and calendar-data both mean its text."""
    texts = {f"{CARDDAV}address-data": "{1}", f"{CALDAV}calendar-data": "{1}"}
    return {_ETAG: '"{0}"', _TYPE: _CONTENT_TYPES[target.name], **texts}


def _hrefs(target: Target, sent: Sequence[str]) -> list[str] | None:
    """Return the names of the items, or None if one is not a plain name in this collection."""
    base = f"{target.prefix}/{target.login}/{target.name.value}/"
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
