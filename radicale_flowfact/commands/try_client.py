"""The HTTP of ``try``: one request at a time, each over a connection of its own, with an end to every wait.

It follows no redirect by itself and trusts a certificate only as a phone does: by the system's authorities, or by one
that is named.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 60.0
_MOST_BYTES = 5_000_000
_PORTS = {"https": 443, "http": 80}


class TooSlowError(OSError):
    """The answer was not complete in time, or too long."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; ``headers`` by names in small letters, the last of equal ones."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def location(self) -> str:
        """Where a redirect leads, as a whole URL; "" if it leads nowhere."""
        named = self.headers.get("location", "")
        return urljoin(self.url, named) if named and 300 <= self.status < 400 else ""


@dataclass(frozen=True, slots=True)
class Place:
    """Scheme, host and port of a URL."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Place:
        """Return the place of a URL. Raises ValueError."""
        parts: SplitResult = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError(f"{url!r} is no address that begins with https://")
        return cls(parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme])

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")


@dataclass(slots=True)
class Client:
    """Sends requests as a phone does. ``credentials``: login and password, sent only where ``with_login`` says so."""

    context: ssl.SSLContext
    credentials: tuple[str, str] = ("", "")
    agent: str = "radicale-flowfact try"
    seconds: float = ANSWER_SECONDS
    connect_seconds: float = CONNECT_SECONDS

    def send(
        self,
        method: str,
        url: str,
        body: str = "",
        headers: Mapping[str, str] | None = None,
        *,
        with_login: bool = True,
    ) -> Answer:
        """Send a request. Raises OSError or http.client.HTTPException; ssl.SSLError is an OSError."""
        place, parts = Place.of(url), urlsplit(url)
        sent = {"User-Agent": self.agent, "Connection": "close", **(headers or {})}
        if with_login and self.credentials[0]:
            token = base64.b64encode(":".join(self.credentials).encode()).decode()
            sent["Authorization"] = f"Basic {token}"
        if body:
            sent["Content-Type"] = "application/xml; charset=utf-8"
        if place.scheme == "https":
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                place.host, place.port, timeout=self.connect_seconds, context=self.context
            )
        else:
            connection = http.client.HTTPConnection(place.host, place.port, timeout=self.connect_seconds)
        deadline = time.monotonic() + self.seconds
        with contextlib.closing(connection):
            connection.connect()
            connection.sock.settimeout(self.seconds)
            path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
            connection.request(method, path, body.encode() or None, sent)
            answer = connection.getresponse()
            content = _read(answer, deadline)
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(url, answer.status, named, content)


def _read(answer: http.client.HTTPResponse, deadline: float) -> bytes:
    parts, length = [], 0
    while part := answer.read1(65536):
        parts.append(part)
        length += len(part)
        if time.monotonic() > deadline:
            raise TooSlowError("the answer takes too long")
        if length > _MOST_BYTES:
            raise TooSlowError("the answer is too long")
    return b"".join(parts)


def addresses(host: str, port: int, seconds: float = CONNECT_SECONDS) -> list[str]:
    """Return the addresses of a name. Raises OSError, TimeoutError after so many seconds."""
    found: list[str] = []
    faults: list[OSError] = []

    def look() -> None:
        try:
            known = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            faults.append(error)
        except UnicodeError as error:
            faults.append(OSError(str(error)))
        else:
            found.extend(dict.fromkeys(str(one[4][0]) for one in known))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(seconds)
    if faults:
        raise faults[0]
    if not found:
        raise TimeoutError("no answer")
    return found


def reaches(address: str, port: int, seconds: float = CONNECT_SECONDS) -> str:
    """Return why an address cannot be connected to, or "" if it can."""
    try:
        with socket.create_connection((address, port), timeout=seconds):
            return ""
    except TimeoutError:
        return "no answer"
    except OSError as error:
        return error.strerror or str(error)


def certificate(
    place: Place, context: ssl.SSLContext, seconds: float = CONNECT_SECONDS
) -> tuple[dict[str, object], str]:
    """Return the server's certificate and the version of TLS. Raises OSError; ssl.SSLError is one."""
    with (
        socket.create_connection((place.host, place.port), timeout=seconds) as plain,
        context.wrap_socket(plain, server_hostname=place.host) as wrapped,
    ):
        return dict(wrapped.getpeercert() or {}), wrapped.version() or ""
