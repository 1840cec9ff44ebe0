"""The profile for Apple devices at /.mobileconfig, over HTTP: whose it is, and where it says the server is."""

from __future__ import annotations

import plistlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from radicale_flowfact.http.mobileconfig import Server, server_of
from tests.conftest import Agency
from tests.conftest import Server as Gateway
from tests.device import Answer, Device

PATH = "/.mobileconfig"
PROXY = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "dav.example.com"}


@dataclass(frozen=True)
class Profile:
    """A profile taken apart."""

    whole: dict[str, object]
    caldav: dict[str, object]
    carddav: dict[str, object]


def fetch(device: Device, headers: Mapping[str, str] | None = None) -> Profile:
    answer = device.request("GET", PATH, headers=headers)
    assert answer.status == 200, answer.text
    whole = plistlib.loads(answer.text.encode())
    caldav, carddav = whole["PayloadContent"]
    return Profile(whole, caldav, carddav)


def unauthenticated(device: Device, path: str = PATH) -> Answer:
    answer = device.session.get(device.url(path), timeout=10, allow_redirects=False)
    return Answer(answer.status_code, answer.text, answer.headers)


def test_the_profile_has_one_calendar_and_one_contacts_account_of_the_login(server: Gateway, agency: Agency) -> None:
    device = server.start().device("anna")
    profile, address = fetch(device), urlsplit(server.base)
    assert (profile.whole["PayloadType"], profile.whole["PayloadVersion"]) == ("Configuration", 1)
    assert profile.caldav["PayloadType"] == "com.apple.caldav.account"
    assert profile.caldav["CalDAVHostName"] == profile.carddav["CardDAVHostName"] == address.hostname
    assert profile.caldav["CalDAVPort"] == profile.carddav["CardDAVPort"] == address.port
    assert profile.caldav["CalDAVUseSSL"] is profile.carddav["CardDAVUseSSL"] is False
    assert profile.caldav["CalDAVUsername"] == profile.carddav["CardDAVUsername"] == "anna"
    assert profile.carddav["PayloadType"] == "com.apple.carddav.account"


def test_the_principal_url_leads_to_the_collections(server: Gateway, agency: Agency) -> None:
    device = server.start().device("anna")
    url = str(fetch(device).caldav["CalDAVPrincipalURL"])
    assert url == f"{server.base}/anna/"
    home = device.propfind(url.removeprefix(server.base), "<C:calendar-home-set/><CR:addressbook-home-set/>")
    assert home.status == 207
    assert home.text.count("/anna/") >= 3


def test_it_is_served_as_a_profile_and_downloaded_as_a_file(server: Gateway, agency: Agency) -> None:
    device = server.start().device("anna")
    for method in ("GET", "HEAD"):
        answer = device.request(method, PATH)
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/x-apple-aspen-config"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="flowfact.mobileconfig"'


def test_nothing_secret_is_in_it(server: Gateway, agency: Agency) -> None:
    device = server.start().device("anna")
    profile = fetch(device)
    assert not [key for part in (profile.whole, profile.caldav, profile.carddav) for key in part if "Password" in key]
    assert device.password not in _values(profile.whole)


def test_without_a_login_it_asks_who_is_there(server: Gateway, agency: Agency) -> None:
    answer = unauthenticated(server.start().device("anna"))
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert "anna" not in answer.text


def test_rule_01_a_login_without_mapping_gets_no_profile(server: Gateway, agency: Agency) -> None:
    server.logins = ("anna",)
    answer = server.start().device("ben").get(PATH)
    assert answer.status == 403
    assert "plist" not in answer.text


def test_installed_again_it_replaces_itself_and_no_other(server: Gateway, agency: Agency) -> None:
    server.start()
    first, again, bens = fetch(server.device("anna")), fetch(server.device("anna")), fetch(server.device("ben"))
    elsewhere = fetch(server.device("anna"), PROXY)
    assert first == again
    found = [
        str(part[key])
        for profile in (first, bens, elsewhere)
        for part in (profile.whole, profile.caldav, profile.carddav)
        for key in ("PayloadUUID", "PayloadIdentifier")
    ]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("headers", "host", "port", "tls", "root"),
    [
        (PROXY, "dav.example.com", 443, True, "https://dav.example.com"),
        ({**PROXY, "X-Script-Name": "/dav"}, "dav.example.com", 443, True, "https://dav.example.com/dav"),
        ({**PROXY, "X-Forwarded-Port": "8443"}, "dav.example.com", 8443, True, "https://dav.example.com:8443"),
        (
            {**PROXY, "X-Forwarded-Host": "dav.example.com:8443", "X-Forwarded-Port": "443"},
            "dav.example.com",
            8443,
            True,
            "https://dav.example.com:8443",
        ),
        (
            {"X-Forwarded-Proto": "https, http", "X-Forwarded-Host": "dav.example.com, inner"},
            "dav.example.com",
            443,
            True,
            "https://dav.example.com",
        ),
        (
            {"X-Forwarded-Proto": "https", "Host": "dav.example.com"},
            "dav.example.com",
            443,
            True,
            "https://dav.example.com",
        ),
        ({**PROXY, "X-Forwarded-Host": "[2001:db8::1]:8443"}, "2001:db8::1", 8443, True, "https://[2001:db8::1]:8443"),
        ({"Host": "dav.example.com"}, "dav.example.com", 80, False, "http://dav.example.com"),
    ],
)
def test_behind_a_proxy_it_names_what_the_device_sees(
    server: Gateway, agency: Agency, headers: dict[str, str], host: str, port: int, tls: bool, root: str
) -> None:
    profile = fetch(server.start().device("anna"), headers)
    assert (profile.caldav["CalDAVHostName"], profile.caldav["CalDAVPort"]) == (host, port)
    assert (profile.carddav["CardDAVHostName"], profile.carddav["CardDAVPort"]) == (host, port)
    assert profile.caldav["CalDAVUseSSL"] is profile.carddav["CardDAVUseSSL"] is tls
    assert profile.caldav["CalDAVPrincipalURL"] == f"{root}/anna/"


@pytest.mark.parametrize(
    "host",
    ["dav.example.com/<x>", "a b", "dav.example.com:99999", "dav.example.com:x", "user@", "u@dav.example.com", "[::1"],
)
def test_a_host_that_is_none_is_a_bad_request(server: Gateway, agency: Agency, host: str) -> None:
    answer = server.start().device("anna").request("GET", PATH, headers={**PROXY, "X-Forwarded-Host": host})
    assert answer.status == 400


def test_tls_of_the_server_itself_is_seen() -> None:
    common = {"HTTP_HOST": "dav.example.com:5232", "SERVER_NAME": "0.0.0.0", "SERVER_PORT": "5232"}  # noqa: S104
    expected = Server("dav.example.com", 5232, True, "")
    assert server_of({**common, "wsgi.url_scheme": "https"}, "") == expected
    assert server_of({**common, "wsgi.url_scheme": "http", "SSL_PROTOCOL": "TLSv1.3"}, "") == expected  # Radicale's own


def test_without_a_host_header_the_servers_own_name_is_used() -> None:
    environ = {"SERVER_NAME": "gateway", "SERVER_PORT": "5232", "wsgi.url_scheme": "http"}
    assert server_of(environ, "") == Server("gateway", 5232, False, "")


@pytest.mark.parametrize("service", ["caldav", "carddav"])
def test_well_known_leads_to_the_root_without_a_login(server: Gateway, agency: Agency, service: str) -> None:
    device = server.start().device("anna")
    answer = unauthenticated(device, f"/.well-known/{service}")
    assert (answer.status, answer.headers["Location"]) == (301, "/")
    answer = device.request("PROPFIND", f"/.well-known/{service}", headers={**PROXY, "X-Script-Name": "/dav"})
    assert (answer.status, answer.headers["Location"]) == (301, "/dav/")


def _values(value: object) -> set[object]:
    """Return every single value in a profile."""
    if isinstance(value, dict):
        return {found for inner in value.values() for found in _values(inner)}
    if isinstance(value, list):
        return {found for inner in value for found in _values(inner)}
    return {value}
