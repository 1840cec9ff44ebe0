"""The steps of ``try`` behind the login: principal, homes, collections, one item of each, the profile."""

from __future__ import annotations

import plistlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urljoin, urlsplit
from xml.etree import ElementTree as ET

from defusedxml import ElementTree as SafeET
from defusedxml.common import DefusedXmlException

from radicale_flowfact.commands.try_client import Answer, Client, Place
from radicale_flowfact.language.texts import _

DAV, CAL, CARD = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}", "{urn:ietf:params:xml:ns:carddav}"
_NAMESPACES = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CR="urn:ietf:params:xml:ns:carddav"'
_KINDS = {f"{CARD}addressbook": "addresses", f"{CAL}calendar": "calendar"}
_BEGINS = {"addresses": b"BEGIN:VCARD", "calendar": b"BEGIN:VCALENDAR"}
PRINCIPAL = f"<propfind {_NAMESPACES}><prop><current-user-principal/></prop></propfind>"
_HOMES = f"<propfind {_NAMESPACES}><prop><C:calendar-home-set/><CR:addressbook-home-set/></prop></propfind>"
_COLLECTIONS = f"<propfind {_NAMESPACES}><prop><resourcetype/><displayname/></prop></propfind>"
_ONE = (
    f"<sync-collection {_NAMESPACES}><sync-token/><sync-level>1</sync-level><limit><nresults>1</nresults></limit>"
    "<prop><getetag/></prop></sync-collection>"
)


class StepError(Exception):
    """A step that failed: the cause, and what to do."""

    def __init__(self, cause: str, step: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.step = step


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection that a phone finds: its URL, name, and whether it holds contacts or calendar objects."""

    url: str
    name: str
    kind: str


def proxy_step() -> str:
    """Return what a proxy must pass on."""
    return _("let the proxy pass on Host (or X-Forwarded-Host) and X-Forwarded-Proto, with another port than 443 also "
             "X-Forwarded-Port")  # fmt: skip


def unexpected(answer: Answer, what: str) -> StepError:
    """Return the failure of an answer that is not what it should be, by its status."""
    cause = _("{what} is answered {status}").format(what=what, status=answer.status)
    said = reason_of(answer)
    if said:
        cause += f": {said}"
    if answer.status in (502, 503, 504):
        return StepError(cause, _("see whether the gateway runs (systemctl status radicale-flowfact, its log), and "
                                  "whether the proxy points to its address and port"))  # fmt: skip
    if answer.status == 403:
        return StepError(cause, _("correct what is named; radicale-flowfact check names it, too"))
    if answer.status in (404, 405):
        return StepError(cause, _("let the proxy pass on every path and method (PROPFIND, REPORT, PUT, DELETE) to the "
                                  "gateway"))  # fmt: skip
    if answer.status == 429:
        seconds = answer.headers.get("retry-after", "60")
        return StepError(cause, _("too many failed logins: wait {seconds} seconds").format(seconds=seconds))
    return StepError(cause, _("see the gateway's log and the proxy's"))


def reason_of(answer: Answer) -> str:
    """Return the reason that an answer gives in words, in one line; "" for XML, HTML or nothing."""
    text = answer.body[:400].decode("utf-8", "replace").strip()
    if text.startswith("<"):
        try:
            root = SafeET.fromstring(answer.body)
        except (ET.ParseError, DefusedXmlException, ValueError):
            return ""
        text = " ".join("".join(root.itertext()).split())
    return " ".join(text.split())[:300] if text.isprintable() or "\n" in text else ""


class Discovery:
    """Goes from the login to the collections, as a phone does. ``root``: the URL where the gateway's root was found."""

    def __init__(self, client: Client, root: str) -> None:
        self._client = client
        self._root = root

    def principal(self) -> str:
        """Return the URL of the login's principal. Raises StepError."""
        answer = self._propfind(self._root, PRINCIPAL)
        return self._url(answer, f".//{DAV}current-user-principal/{DAV}href", "current-user-principal")

    def homes(self, principal: str) -> list[str]:
        """Return the URLs of the homes of calendars and address books, each once. Raises StepError."""
        answer = self._propfind(principal, _HOMES)
        paths = (f".//{CAL}calendar-home-set/{DAV}href", f".//{CARD}addressbook-home-set/{DAV}href")
        return list(dict.fromkeys(self._url(answer, path, path.split("}")[1].partition("/")[0]) for path in paths))

    def collections(self, home: str) -> list[Collection]:
        """Return the collections of a home. Raises StepError."""
        answer = self._propfind(home, _COLLECTIONS, depth="1")
        found = []
        for response in self._xml(answer, home).iterfind(f"{DAV}response"):
            kinds = [kind for tag, kind in _KINDS.items() if response.find(f".//{DAV}resourcetype/{tag}") is not None]
            if kinds:
                url = self._of_here(answer, response.findtext(f"{DAV}href") or "")
                name = response.findtext(f".//{DAV}displayname") or unquote(urlsplit(url).path)
                found.append(Collection(url, name, kinds[0]))
        if {one.kind for one in found} != set(_BEGINS):
            raise StepError(
                _("the home {url} does not hold address book and calendars").format(url=home),
                _("see whether another program answers at this address"),
            )
        return found

    def item(self, collection: Collection) -> bool:
        """Read one item of a collection; return whether it has one. Raises StepError."""
        answer = self._client.send("REPORT", collection.url, _ONE, {"Depth": "1"})
        if answer.status != 207:
            raise unexpected(answer, f"REPORT {collection.url}")
        hrefs = (
            response.findtext(f"{DAV}href") or "" for response in self._xml(answer, "REPORT").iter(f"{DAV}response")
        )
        own = unquote(urlsplit(collection.url).path).rstrip("/")
        for href in hrefs:
            if unquote(urlsplit(href).path).rstrip("/") == own:
                continue  # says that there is more (RFC 6578 3.6)
            item = self._client.send("GET", self._of_here(answer, href))
            if item.status != 200 or not item.body.startswith(_BEGINS[collection.kind]):
                raise unexpected(item, f"GET {item.url}")
            return True
        return False

    def profile(self) -> str:
        """Read the Apple profile; return the host that it names. Raises StepError if it leads elsewhere."""
        answer = self._client.send("GET", urljoin(self._root, ".mobileconfig"))
        if answer.status != 200:
            raise unexpected(answer, ".mobileconfig")
        try:
            content = plistlib.loads(answer.body)["PayloadContent"]
            caldav = next(one for one in content if one["PayloadType"] == "com.apple.caldav.account")
            host, port, tls = caldav["CalDAVHostName"], caldav["CalDAVPort"], caldav["CalDAVUseSSL"]
        except (ValueError, KeyError, TypeError, StopIteration, plistlib.InvalidFileException) as error:
            raise StepError(
                _(".mobileconfig is no profile"), _("see whether another program answers at this address")
            ) from error
        place = Place.of(self._root)
        told = f"{'https' if tls else 'http'}://{host}:{port}"
        if (str(host).lower(), port, bool(tls)) != (place.host.lower(), place.port, place.scheme == "https"):
            raise StepError(
                _("the profile leads to {told} instead of {here}").format(told=told, here=place), proxy_step()
            )
        return told

    def _propfind(self, url: str, body: str, depth: str = "0") -> Answer:
        answer = self._client.send("PROPFIND", url, body, {"Depth": depth})
        if answer.status != 207:
            raise unexpected(answer, f"PROPFIND {urlsplit(url).path}")
        return answer

    def _xml(self, answer: Answer, what: str) -> ET.Element:
        try:
            found: ET.Element = SafeET.fromstring(answer.body)
        except (ET.ParseError, DefusedXmlException, ValueError) as error:
            raise StepError(
                _("{what} is answered by what is no XML").format(what=what),
                _("see whether another program answers at this address"),
            ) from error
        return found

    def _url(self, answer: Answer, path: str, what: str) -> str:
        href = self._xml(answer, what).findtext(path)
        if not href:
            raise StepError(
                _("the answer names no {what}").format(what=what),
                _("see whether another program answers at this address"),
            )
        return self._of_here(answer, href)

    def _of_here(self, answer: Answer, href: str) -> str:
        """Return an href as a URL. Raises StepError if it leads to another place than the one that was asked."""
        url = urljoin(answer.url, href)
        if Place.of(url) != Place.of(self._root):
            raise StepError(_("an href leads to {url}").format(url=url), proxy_step())
        return url


Tell = Callable[[str, str], None]
"""Tells that a step went well: its name, and what was found."""


def walk(client: Client, root: str, tell: Tell) -> Iterator[tuple[str, StepError]]:
    """Take every step from the principal on; yield those that failed, with their names."""
    discovery = Discovery(client, root)
    principal = discovery.principal()
    tell(_("principal"), urlsplit(principal).path)
    homes = discovery.homes(principal)
    tell(_("homes"), ", ".join(urlsplit(home).path for home in homes))
    found = {one.url: one for home in homes for one in discovery.collections(home)}
    tell(_("address books and calendars"), ", ".join(one.name for one in found.values()))
    for collection in found.values():
        try:
            has_one = discovery.item(collection)
        except StepError as error:
            yield collection.name, error
        else:
            tell(collection.name, _("one item was read") if has_one else _("empty: nothing to read"))
    try:
        tell(_("profile"), _("leads to {place}").format(place=discovery.profile()))
    except StepError as error:
        yield _("profile"), error
