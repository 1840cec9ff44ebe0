"""A device as most tests drive it: real HTTP, request by request, with its own login and User-Agent."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit
from xml.etree import ElementTree as ET

import requests

DAV, CAL, CARD = "DAV:", "urn:ietf:params:xml:ns:caldav", "urn:ietf:params:xml:ns:carddav"
CS, ICAL = "http://calendarserver.org/ns/", "http://apple.com/ns/ical/"
_NAMESPACES = f'xmlns="{DAV}" xmlns:C="{CAL}" xmlns:CR="{CARD}" xmlns:CS="{CS}" xmlns:I="{ICAL}"'
_DATA = {"addresses": "CR:address-data", "appointments": "C:calendar-data", "tasks": "C:calendar-data"}
_KIND = {"addresses": "CR:addressbook", "appointments": "C:calendar", "tasks": "C:calendar"}


@dataclass
class Answer:
    """An HTTP answer. ``etag`` is as sent, with its quotes."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def etag(self) -> str:
        """The ETag header."""
        return self.headers.get("ETag", "")

    @property
    def xml(self) -> ET.Element:
        """The body as XML."""
        return ET.fromstring(self.text)  # noqa: S314 - our own server's answer


@dataclass
class Synced:
    """What one sync-collection told: hrefs with ETags that are there, and hrefs that are gone."""

    token: str
    changed: dict[str, str] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)


@dataclass
class Device:
    """One login on one device. Paths are relative to the login's home, as ``addresses/x.vcf``."""

    base: str
    login: str
    password: str = "pw"  # noqa: S105 - the tests' own
    agent: str = "Test/1.0"
    session: requests.Session = field(default_factory=requests.Session)

    def __del__(self) -> None:
        """Close the connections that a server with keep-alive left open."""
        self.session.close()

    def url(self, path: str) -> str:
        """Return the URL of a path below the home; one that starts with a slash is absolute."""
        return f"{self.base}{path}" if path.startswith("/") else f"{self.base}/{self.login}/{path}"

    def request(
        self, method: str, path: str, body: str | bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request."""
        credentials = base64.b64encode(f"{self.login}:{self.password}".encode()).decode()
        sent = {"Authorization": f"Basic {credentials}", "User-Agent": self.agent, **(headers or {})}
        data = body.encode() if isinstance(body, str) else body
        answer = self.session.request(
            method, self.url(path), data=data, headers=sent, timeout=60, allow_redirects=False
        )
        answer.encoding = "utf-8"
        return Answer(answer.status_code, answer.text, answer.headers)

    def propfind(self, path: str, props: str, depth: int = 0) -> Answer:
        """Ask for properties, given as XML elements with the prefixes of this module."""
        body = f'<?xml version="1.0"?><propfind {_NAMESPACES}><prop>{props}</prop></propfind>'
        return self.request("PROPFIND", path, body, {"Depth": str(depth)})

    def report(self, path: str, name: str, inner: str) -> Answer:
        """Send a REPORT."""
        body = f'<?xml version="1.0"?><{name} {_NAMESPACES}>{inner}</{name}>'
        return self.request("REPORT", path, body, {"Depth": "1"})

    def sync(self, collection: str, token: str = "") -> Synced:
        """Run sync-collection; the answer must be a multistatus."""
        answer = self.try_sync(collection, token)
        assert answer.status == 207, answer.text
        found = Synced(answer.xml.findtext(f"{{{DAV}}}sync-token") or "")
        for response in answer.xml.findall(f"{{{DAV}}}response"):
            href = self.name_of(response)
            if "404" in (response.findtext(f"{{{DAV}}}status") or ""):
                found.gone.append(href)
            else:
                assert href not in found.changed, f"{href} is told of twice"
                found.changed[href] = response.findtext(f".//{{{DAV}}}getetag") or ""
        return found

    def try_sync(self, collection: str, token: str = "") -> Answer:
        """Run sync-collection and return whatever comes."""
        inner = f"<sync-token>{token}</sync-token><sync-level>1</sync-level><prop><getetag/></prop>"
        return self.report(f"{collection}/", "sync-collection", inner)

    def multiget(self, collection: str, hrefs: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Return (ETag, text) of items by href."""
        wanted = "".join(f"<href>/{self.login}/{collection}/{quote(href)}</href>" for href in hrefs)
        inner = f"<prop><getetag/><{_DATA[collection]}/></prop>{wanted}"
        answer = self.report(f"{collection}/", f"{_KIND[collection]}-multiget", inner)
        assert answer.status == 207, answer.text
        return self.items_in(answer, collection)

    def items_in(self, answer: Answer, collection: str) -> dict[str, tuple[str, str]]:
        """Return (ETag, text) by href of a multistatus; the text is empty if it was not asked for."""
        namespace = CARD if collection == "addresses" else CAL
        tag = f".//{{{namespace}}}{_DATA[collection].partition(':')[2]}"
        return {
            self.name_of(response): (
                response.findtext(f".//{{{DAV}}}getetag") or "",
                response.findtext(tag) or "",
            )
            for response in answer.xml.findall(f"{{{DAV}}}response")
        }

    @staticmethod
    def name_of(response: ET.Element) -> str:
        """Return the last part of a response's href."""
        path = urlsplit(response.findtext(f"{{{DAV}}}href") or "").path
        return unquote(path.rstrip("/").rpartition("/")[2])

    def all(self, collection: str) -> dict[str, str]:
        """Fetch everything, as a first sync does; return texts by href."""
        return {href: text for href, (_, text) in self.multiget(collection, self.sync(collection).changed).items()}

    def get(self, path: str) -> Answer:
        """GET."""
        return self.request("GET", path)

    def put(self, path: str, text: str, etag: str = "", *, new: bool = False) -> Answer:
        """PUT, with If-Match when an ETag is given, with If-None-Match when ``new``."""
        kind = "text/vcard" if path.startswith("addresses") else "text/calendar"
        headers = {"Content-Type": f"{kind}; charset=utf-8"}
        if etag:
            headers["If-Match"] = etag
        if new:
            headers["If-None-Match"] = "*"
        return self.request("PUT", path, text, headers)

    def delete(self, path: str, etag: str = "") -> Answer:
        """DELETE."""
        return self.request("DELETE", path, headers={"If-Match": etag} if etag else {})
