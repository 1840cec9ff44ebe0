"""A small request makes no large answer and leaves nothing large behind."""

from __future__ import annotations

import pytest

from tests.conftest import Agency, Server

_MANY = "".join(f"<x{number} xmlns='urn:x'/>" for number in range(101))


@pytest.fixture
def served(agency: Agency, server: Server) -> Server:
    agency.office.address([agency.own])
    return server.start()


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("PROPFIND", f"<D:propfind xmlns:D='DAV:'><D:prop>{_MANY}</D:prop></D:propfind>"),
        (
            "REPORT",
            "<D:sync-collection xmlns:D='DAV:'><D:sync-token/><D:sync-level>1</D:sync-level>"
            f"<D:prop>{_MANY}</D:prop></D:sync-collection>",
        ),
    ],
)
def test_more_than_a_hundred_properties_are_refused(served: Server, method: str, body: str) -> None:
    told = served.device().request(method, "addresses/", body, {"Depth": "1"})
    assert told.status == 400
    assert "101 properties" in told.text
    fewer = body.replace("<x100 xmlns='urn:x'/>", "")
    assert served.device().request(method, "addresses/", fewer, {"Depth": "1"}).status == 207


def test_a_display_name_has_a_length(served: Server) -> None:
    def named(name: str) -> str:
        return (
            "<D:propertyupdate xmlns:D='DAV:'><D:set><D:prop>"
            f"<D:displayname>{name}</D:displayname></D:prop></D:set></D:propertyupdate>"
        )

    device = served.device()
    assert device.request("PROPPATCH", "addresses/", named("Kontakte")).status == 207
    told = device.request("PROPPATCH", "addresses/", named("x" * 20_001))
    assert told.status == 507
    assert "20000 are the most" in told.text
    shown = device.request("PROPFIND", "addresses/", headers={"Depth": "0"})
    assert "Kontakte" in shown.text


def test_a_body_that_is_refused_again_is_kept_once(served: Server) -> None:
    device = served.device()
    for _ in range(3):
        assert device.put("addresses/x.vcf", "nonsense", new=True).status >= 400
    assert device.put("addresses/x.vcf", "other nonsense", new=True).status >= 400
    with served.gateway.session() as session:
        from radicale_flowfact.dav.admin.devices import refusals
        from radicale_flowfact.dav.writing.undo import entries

        found = [(entry.what, entry.body, entry.repeats) for entry in entries(session, login="anna")]
        assert found == [("refused", "other nonsense", 0), ("refused", "nonsense", 2)]
        assert [one.count for one in refusals(session)] == [4]
