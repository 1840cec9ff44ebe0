"""One gateway asked twice: by the application as it is, and by one whose Radicale answers everything."""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from radicale_flowfact.http.app import FlowfactApplication
from radicale_flowfact.server.configuration import load_configuration
from tests.conftest import Server

BASIC = "Basic " + base64.b64encode(b"anna:pw").decode()
_COMPARED = ("etag", "content-type", "last-modified", "dav", "preference-applied", "vary", "content-disposition")
_UNORDERED = frozenset(f"{{DAV:}}{name}" for name in ("multistatus", "response", "propstat", "prop"))


@dataclass(frozen=True)
class Asked:
    """A request: the path as text, headers by their WSGI names."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def environ(self) -> dict[str, object]:
        """Return it as a WSGI server gives it."""
        made: dict[str, object] = {
            "REQUEST_METHOD": self.method,
            "PATH_INFO": self.path.encode().decode("latin-1"),
            "SCRIPT_NAME": "",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "5232",
            "wsgi.errors": io.StringIO(),
            "wsgi.input": io.BytesIO(self.body),
            "HTTP_AUTHORIZATION": BASIC,
            "HTTP_USER_AGENT": "Test/1.0",
        }
        if self.body:
            made["CONTENT_LENGTH"] = str(len(self.body))
        return {**made, **self.headers}


@dataclass(frozen=True)
class Answer:
    """What came back, uncompressed; headers by their names in lower case."""

    status: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def compared(self) -> tuple[object, ...]:
        """What must be the same by both ways."""
        headers = {name: self.headers[name] for name in _COMPARED if name in self.headers}
        is_xml = self.headers.get("content-type", "").startswith("text/xml")
        return self.status, headers, canonical(ET.fromstring(self.body)) if is_xml and self.body else self.body  # noqa: S314


def canonical(element: ET.Element) -> tuple[object, ...]:
    """Return an element as a value: names in Clark notation, texts as they are, no order that means nothing."""
    children = [canonical(child) for child in element]
    if element.tag in _UNORDERED:
        children.sort(key=repr)
    return element.tag, tuple(sorted(element.attrib.items())), element.text or "", element.tail or "", tuple(children)


class TwoWays:
    """Both applications over one gateway. FlowFact is looked at only when ``look`` says so."""

    def __init__(self, server: Server) -> None:
        server.write_configuration()
        configuration = load_configuration(server.config)
        self.hot = FlowfactApplication(configuration)
        self.long = FlowfactApplication(configuration, hot=False)
        self.gateway = server.gateway
        self.gateway.clock = lambda: server.moment
        self.asked = 0
        self.propfind("addresses")  # the login is known from now on
        self.gateway.stats.hot = 0

    def look(self) -> None:
        """Look at FlowFact at the next request."""
        self.gateway.forget()

    def send(self, asked: Asked, *, by_long: bool = False) -> Answer:
        """Send a request one of the ways."""
        told: list[tuple[str, dict[str, str]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            told.append((status, {name.lower(): value for name, value in headers}))

        body = b"".join((self.long if by_long else self.hot)(asked.environ(), start_response))
        ((status, headers),) = told
        if body or asked.method != "HEAD":
            assert int(headers.get("content-length", "0")) == len(body), headers
        if headers.get("content-encoding") == "gzip" and body:
            body = zlib.decompress(body, wbits=16 + zlib.MAX_WBITS)
        return Answer(status, headers, body)

    def require_same(self, asked: Asked) -> None:
        """Compare the answers of both ways."""
        self.asked += 1
        hot, long = self.send(asked), self.send(asked, by_long=True)
        assert hot.compared == long.compared
        if asked.method == "HEAD" and "HTTP_ACCEPT_ENCODING" not in asked.headers:
            assert hot.headers.get("content-length") == long.headers.get("content-length")

    def put(self, path: str, text: str) -> None:
        """Store an item of Anna's."""
        answer = self.send(Asked("PUT", f"/anna/{path}", body=text.encode()))
        assert answer.status[:3] in ("201", "204"), (path, answer)

    def delete(self, path: str) -> None:
        """Delete an item of Anna's."""
        assert self.send(Asked("DELETE", f"/anna/{path}")).status[:3] == "200", path

    def propfind(self, name: str) -> ET.Element:
        """Return what a listing of a collection of Anna's tells, with its sync token."""
        body = b'<propfind xmlns="DAV:"><prop><getetag/><sync-token/></prop></propfind>'
        answer = self.send(Asked("PROPFIND", f"/anna/{name}/", {"HTTP_DEPTH": "1"}, body))
        assert answer.status[:3] == "207", answer
        return ET.fromstring(answer.body)  # noqa: S314 - our own answer
