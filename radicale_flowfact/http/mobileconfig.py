"""Renders the profile at ``/.mobileconfig`` that sets up an Apple device: one CalDAV and one CardDAV account.

Replaces Radicale's own, which serves a profile to logins without access (rule 1), fails for an IPv6 host, does not
recognise the TLS of a WSGI server, and uses the same identifier on every server, so that a second gateway's profile
replaces the first.

Apple devices find a user's collections by ``/.well-known/`` at the root of the host (RFC 6764), whatever the
profile says. CalDAVPrincipalURL is given all the same; CardDAVPrincipalURL is not, because iOS reads it as a
whole URL and macOS as the path behind the host. There is no password: the device asks for it.
"""

from __future__ import annotations

import plistlib
import re
import uuid
from dataclasses import dataclass
from http import client
from urllib.parse import quote, urlsplit

from radicale import httputils, types

PATH = "/.mobileconfig"
_HEADERS = {
    "Content-Type": "application/x-apple-aspen-config",
    "Content-Disposition": 'attachment; filename="flowfact.mobileconfig"',
}
_DEFAULT_PORT = {True: 443, False: 80}
_HOST = re.compile(r"[a-z0-9_.-]+|[0-9a-f:.]+")  # a name as HTTP carries it, or an IPv6 address


@dataclass(frozen=True, slots=True)
class Server:
    """Holds the server as the device reached it. ``prefix``: a proxy's path before all others, as ``/dav``."""

    host: str
    port: int
    tls: bool
    prefix: str

    @property
    def url(self) -> str:
        """The URL of the root, without a slash behind."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORT[self.tls] else f":{self.port}"
        return f"{'https' if self.tls else 'http'}://{host}{port}{quote(self.prefix)}"


def answer(environ: types.WSGIEnviron, prefix: str, login: str) -> types.WSGIResponse:
    """Return the answer with a login's profile; for "" Radicale answers 401."""
    if not login:
        return httputils.NOT_ALLOWED
    try:
        server = server_of(environ, prefix)
    except ValueError:
        return httputils.BAD_REQUEST
    return client.OK, _HEADERS, profile(server, login), None


def server_of(environ: types.WSGIEnviron, prefix: str) -> Server:
    """Return the server as the device sees it, through a proxy or not. Raises ValueError if the headers make none.

    A host without a port means the scheme's own, unless X-Forwarded-Port names one: nginx's $host has none.
    """
    proto = _first(environ, "HTTP_X_FORWARDED_PROTO")
    # Radicale's own server says http and names its SSL_PROTOCOL; other WSGI servers say https.
    tls = proto.lower() == "https" if proto else environ["wsgi.url_scheme"] == "https" or "SSL_PROTOCOL" in environ
    named = _first(environ, "HTTP_X_FORWARDED_HOST") or environ.get("HTTP_HOST", "")
    netloc = named or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    parts = urlsplit(f"//{netloc}")
    host = parts.hostname or ""
    if parts.netloc != netloc or "@" in netloc or not _HOST.fullmatch(host):
        raise ValueError(f"not a host: {netloc!r}")
    port = parts.port or int(_first(environ, "HTTP_X_FORWARDED_PORT") or _DEFAULT_PORT[tls])
    return Server(host, port, tls, prefix)


def profile(server: Server, login: str) -> bytes:
    """Return the profile. The same server and login give the same identifiers, so that it replaces itself."""
    whose = f"{server.url}/{quote(login)}/"
    caldav = {
        "CalDAVAccountDescription": "FLOWFACT",
        "CalDAVHostName": server.host,
        "CalDAVPort": server.port,
        "CalDAVUseSSL": server.tls,
        "CalDAVUsername": login,
        "CalDAVPrincipalURL": whose,
    }
    carddav = {
        "CardDAVAccountDescription": "FLOWFACT",
        "CardDAVHostName": server.host,
        "CardDAVPort": server.port,
        "CardDAVUseSSL": server.tls,
        "CardDAVUsername": login,
    }
    content = [
        {**_payload("com.apple.caldav.account", whose, "FLOWFACT: Kalender und Aufgaben"), **caldav},
        {**_payload("com.apple.carddav.account", whose, "FLOWFACT: Kontakte"), **carddav},
    ]
    described = {
        "PayloadDescription": f"Richtet Kontakte, Termine und Aufgaben aus FLOWFACT für „{login}“ ein. "
        "Das Kennwort fragt das Gerät ab.",
        "PayloadOrganization": server.host,
        "PayloadContent": content,
    }
    return plistlib.dumps({**_payload("Configuration", whose, f"FLOWFACT ({login})"), **described})


def _payload(kind: str, whose: str, title: str) -> dict[str, str | int]:
    """Return what each payload has; identifier and UUID belong to one kind of payload of one login on one server."""
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{whose}#{kind}")
    return {
        "PayloadType": kind,
        "PayloadVersion": 1,
        "PayloadIdentifier": f"radicale-flowfact.{identity}",
        "PayloadUUID": str(identity).upper(),
        "PayloadDisplayName": title,
    }


def _first(environ: types.WSGIEnviron, name: str) -> str:
    """Return the first entry of a header: each proxy on the way adds its own behind it."""
    value: str = environ.get(name, "")
    return value.partition(",")[0].strip()
