"""Conditional requests: lists of ETags, weak ones, and GET of what the device has already."""

from __future__ import annotations

import pytest

from radicale_flowfact.http.preconditions import EntityTags
from tests.conftest import Agency, Server
from tests.rules.client import only


@pytest.mark.parametrize(
    ("value", "matches"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"x", "a"', True),
        ('"x",W/"a" , "y"', True),
        ("*", True),
        ('"b"', False),
        ('"x,a"', False),
    ],
)
def test_lists_of_entity_tags(value: str, matches: bool) -> None:
    tags = EntityTags.parse(value)
    assert tags is not None
    assert tags.matches('"a"') is matches


@pytest.mark.parametrize("value", ["", "a", '"a', '"a" "b"', 'w/"a"'])
def test_what_is_no_list_is_left_to_radicale(value: str) -> None:
    assert EntityTags.parse(value) is None


def test_get_of_what_the_device_has_is_304(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own])
    device = server.start().device()
    path, etag, _ = only(device, "addresses")
    for value in (etag, f"W/{etag}", f'"old", {etag}', "*"):
        answer = device.request("GET", path, headers={"If-None-Match": value})
        assert (answer.status, answer.text, answer.etag) == (304, "", etag)
    assert device.request("GET", path, headers={"If-None-Match": '"old"'}).status == 200
    assert device.request("HEAD", path, headers={"If-None-Match": etag}).status == 304
    assert device.request("GET", "addresses/none.vcf", headers={"If-None-Match": "*"}).status == 404


def test_options_tells_ios_of_private_events(agency: Agency, server: Server) -> None:
    answer = server.start().device().request("OPTIONS", "appointments/")
    assert answer.status == 200
    assert answer.headers["DAV"].endswith("calendar-access, addressbook, extended-mkcol, calendarserver-private-events")


def test_if_match_takes_lists_and_weak_tags(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own], STRASSE="Weg 1")
    device = server.start().device()
    for number, form in enumerate(("W/{}", '"old", {}', '{}, W/"other"'), 2):
        path, etag, text = only(device, "addresses")
        answer = device.put(path, text.replace(f"Weg {number - 1}", f"Weg {number}"), form.format(etag))
        assert answer.status == 204
    path, etag, text = only(device, "addresses")
    assert device.put(path, text.replace("Weg 4", "Weg 9"), '"x", W/"y"').status == 412
    assert agency.office.row(agency.office.tables.address)["STRASSE"] == "Weg 4"
    assert device.delete(path, f'"x", {etag}').status == 200
