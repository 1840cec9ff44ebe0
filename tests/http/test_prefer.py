"""Prefer: return=minimal and parts of items, over HTTP."""

from __future__ import annotations

import pytest

from radicale_flowfact.http.partial_data import DataSelection, cut
from tests.conftest import Agency, Server
from tests.device import DAV, Device

_PARTIAL_EVENT = (
    '<C:calendar-data><C:comp name="VCALENDAR"><C:prop name="VERSION"/><C:comp name="VEVENT">'
    '<C:prop name="UID"/><C:prop name="DTSTART"/><C:prop name="SUMMARY" novalue="yes"/>'
    "</C:comp></C:comp></C:calendar-data>"
)


@pytest.mark.parametrize("headers", [{"Prefer": "respond-async, Return=Minimal"}, {"Brief": "t"}])
def test_minimal_says_nothing_of_what_is_missing(agency: Agency, server: Server, headers: dict[str, str]) -> None:
    device = server.start().device()
    body = f'<propfind xmlns="{DAV}"><prop><displayname/><quota-used-bytes/></prop></propfind>'
    whole = device.request("PROPFIND", "addresses/", body, {"Depth": "0"})
    assert "404" in whole.text
    assert "Preference-Applied" not in whole.headers
    answer = device.request("PROPFIND", "addresses/", body, {"Depth": "0", **headers})
    assert (answer.status, answer.headers["Preference-Applied"]) == (207, "return=minimal")
    assert "404" not in answer.text
    assert "FLOWFACT" in answer.text


def test_minimal_of_nothing_found_is_an_empty_success(agency: Agency, server: Server) -> None:
    body = f'<propfind xmlns="{DAV}"><prop><quota-used-bytes/></prop></propfind>'
    answer = server.start().device().request("PROPFIND", "addresses/", body, {"Prefer": "return=minimal"})
    (propstat,) = answer.xml.iter(f"{{{DAV}}}propstat")
    assert (propstat.findtext(f"{{{DAV}}}status"), len(propstat[0])) == ("HTTP/1.1 200 OK", 0)


def query(device: Device, collection: str, data: str) -> str:
    """Return the text of the one item, as far as ``data`` asks for it."""
    (href,) = device.sync(collection).changed
    name = "C:calendar-multiget" if collection == "appointments" else "CR:addressbook-multiget"
    inner = f"<prop><getetag/>{data}</prop><href>/anna/{collection}/{href}</href>"
    ((_, text),) = device.items_in(device.report(f"{collection}/", name, inner), collection).values()
    return text


def test_only_the_wanted_parts_of_an_event(agency: Agency, server: Server) -> None:
    agency.appointment(NOTIZ="lang " * 100)
    lines = query(server.start().device(), "appointments", _PARTIAL_EVENT).split()
    assert [line.partition(":")[0].partition(";")[0] for line in lines] == [
        *("BEGIN", "VERSION", "BEGIN", "UID", "SUMMARY", "DTSTART", "END", "END"),
    ]
    assert "SUMMARY:" in lines


def test_all_parts_of_a_component(agency: Agency, server: Server) -> None:
    agency.appointment()
    wanted = (
        '<C:calendar-data><C:comp name="VCALENDAR"><C:allprop/><C:comp name="VTIMEZONE"><C:allprop/><C:allcomp/>'
        '</C:comp><C:comp name="VEVENT"><C:allprop/><C:allcomp/></C:comp></C:comp></C:calendar-data>'
    )
    device = server.start().device()
    assert query(device, "appointments", wanted) == query(device, "appointments", "<C:calendar-data/>")


def test_only_the_wanted_properties_of_a_contact(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own], NAME="Muster", NOTIZ="x" * 200)
    text = query(
        server.start().device(),
        "addresses",
        '<CR:address-data><CR:prop name="VERSION"/><CR:prop name="fn"/></CR:address-data>',
    )
    assert text.replace("\r", "") == "BEGIN:VCARD\nVERSION:3.0\nFN:Muster\nEND:VCARD\n"


def test_a_folded_property_is_kept_or_left_out_whole() -> None:
    text = "BEGIN:VCARD\r\nNOTE:a\u2028b\r\n b\r\n\tc\r\nitem1.FN:x\u2028y\r\n y\r\nEND:VCARD\r\n"
    wanted = DataSelection(frozenset(), components={"VCARD": DataSelection(frozenset({"FN"}), components={})})
    assert cut(text, wanted) == "BEGIN:VCARD\r\nitem1.FN:x\u2028y\r\n y\r\nEND:VCARD\r\n"
