"""limit/nresults of sync-collection: pages that together are the whole, also while things change."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from radicale_flowfact.http.sync_limit import wanted_limit
from tests.conftest import Agency, Server
from tests.device import DAV, Answer, Device


def page(device: Device, token: str, limit: int) -> Answer:
    """Ask for one page."""
    inner = f"<sync-token>{token}</sync-token><sync-level>1</sync-level><limit><nresults>{limit}</nresults></limit>"
    answer = device.report("addresses/", "sync-collection", f"{inner}<prop><getetag/></prop>")
    assert answer.status == 207, answer.text
    return answer


def read_page(device: Device, answer: Answer) -> tuple[list[str], list[str], str, bool]:
    """Return hrefs there, hrefs gone, the next token, and whether there is more."""
    there: list[str] = []
    gone: list[str] = []
    more = False
    for response in answer.xml.findall(f"{{{DAV}}}response"):
        status = response.findtext(f"{{{DAV}}}status") or ""
        if "507" in status:
            more = True
        else:
            (gone if "404" in status else there).append(device.name_of(response))
    return there, gone, answer.xml.findtext(f"{{{DAV}}}sync-token") or "", more


def test_pages_together_are_the_whole(agency: Agency, server: Server) -> None:
    dsns = [agency.office.address([agency.own], NAME=f"N{number}") for number in range(10)]
    device = server.start().device()
    has: set[str] = set()
    token, more, pages = "", True, 0
    while more:
        there, gone, token, more = read_page(device, page(device, token, 3))
        assert len(there) + len(gone) <= 3
        has = (has | set(there)) - set(gone)
        pages += 1
        if pages == 2:  # the office goes on working meanwhile
            agency.office.change(agency.office.tables.address, {"DSN": dsns[0]}, NAME="Neu")
            agency.office.remove(agency.office.tables.address_merkmal, AD_DSN=dsns[1])
            agency.office.address([agency.own], NAME="Elf")
    assert pages >= 4
    assert has == set(server.device().sync("addresses").changed)
    again = device.sync("addresses", token)
    assert (again.changed, again.gone) == ({}, [])


def test_a_limit_that_is_not_reached_changes_nothing(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own])
    device = server.start().device()
    there, _, token, more = read_page(device, page(device, "", 5))
    assert (len(there), more, token) == (1, False, device.sync("addresses").token)


@pytest.mark.parametrize(
    "body",
    [
        "<nresults>3</nresults>",
        '<sync-collection xmlns="DAV:"><limit><nresults>x</nresults></limit></sync-collection>',
        '<sync-collection xmlns="DAV:"/>',
    ],
)
def test_what_sets_no_limit_sets_none(body: str) -> None:
    assert wanted_limit(ET.fromstring(body)) is None  # noqa: S314 - the line above
