"""A search for principals finds the login itself, whoever else there is."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from radicale_flowfact.http.principals import propfind_of
from tests.conftest import Agency, Server
from tests.device import CAL, DAV, Answer


def search(server: Server, inner: str, test: str = "allof", login: str = "anna") -> Answer:
    """Search as this login."""
    body = f'<principal-property-search xmlns="{DAV}" xmlns:C="{CAL}" test="{test}">{inner}</principal-property-search>'
    return server.device(login).request("REPORT", "/", body, {"Depth": "0"})


def by(prop: str, text: str) -> str:
    """Return one condition of a search."""
    return f"<property-search><prop>{prop}</prop><match>{text}</match></property-search>"


NAMED, MAILED = by("<displayname/>", "ANN"), by("<C:calendar-user-address-set/>", "anna")


@pytest.mark.parametrize(
    ("inner", "test", "is_found"),
    [
        ("", "allof", True),
        (NAMED, "allof", True),
        (MAILED + NAMED, "anyof", True),
        (MAILED + NAMED, "allof", False),
        (by("<displayname/>", "ben"), "allof", False),
        (by("", "ann"), "allof", False),
    ],
)
def test_a_search_finds_oneself_only(agency: Agency, server: Server, inner: str, test: str, is_found: bool) -> None:
    answer = search(server.start(), f"{inner}<prop><displayname/><principal-URL/></prop>", test)
    assert answer.status == 207
    found = [response.findtext(f"{{{DAV}}}href") for response in answer.xml.iter(f"{{{DAV}}}response")]
    assert found == (["/anna/"] if is_found else [])
    if is_found:
        assert answer.xml.findtext(f".//{{{DAV}}}displayname") == "anna"
        assert answer.xml.findtext(f".//{{{DAV}}}principal-URL/{{{DAV}}}href") == "/anna/"
        assert answer.xml.findtext(f".//{{{CAL}}}calendar-home-set/{{{DAV}}}href") == "/anna/"


def test_a_login_that_may_not_get_in_finds_nothing(agency: Agency, server: Server) -> None:
    server.logins = ("ben",)
    assert search(server.start(), NAMED).status == 403


def test_another_report_is_no_search() -> None:
    assert propfind_of(ET.Element(f"{{{DAV}}}principal-search-property-set"), "anna") is None
