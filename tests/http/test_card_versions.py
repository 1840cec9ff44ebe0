"""Contacts in vCard 3.0 or 4.0: by Accept, by the attributes of address-data, and what is advertised (RFC 6352)."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from radicale_flowfact.content.vcard import versions
from radicale_flowfact.dav.store import tables
from radicale_flowfact.http.card_versions import accepted_version
from tests import payloads
from tests.conftest import Agency, Server
from tests.device import CARD, DAV, Device
from tests.rules.client import only

PHOTO_3, PHOTO_4 = "PHOTO;ENCODING=b;TYPE=JPEG:/9j/", "PHOTO:data:image/jpeg;base64,/9j/"
WHOLE_4 = '<CR:address-data content-type="text/vcard" version="4.0"/>'


@pytest.mark.parametrize(
    ("header", "version"),
    [
        ("", "3.0"),
        ("*/*", "3.0"),
        ("text/*", "3.0"),
        ("text/vcard", "3.0"),
        ("text/vcard; version=3.0", "3.0"),
        ("text/vcard; version=4.0", "4.0"),
        ('Text/VCard;Version="4.0"', "4.0"),
        ("text/vcard;charset=utf-8;version=4.0", "4.0"),
        ("text/vcard;version=4.0, text/vcard;version=3.0", "4.0"),
        ("text/vcard;version=3.0, text/vcard;version=4.0", "3.0"),
        ("text/vcard;version=4.0;q=0.5, text/vcard;version=3.0", "3.0"),
        ("text/vcard;version=3.0;q=0.5, text/vcard;version=4.0;q=0.7", "4.0"),
        ("text/vcard;version=4.0, */*;q=0.1", "4.0"),
        ("*/*, text/vcard;version=4.0", "4.0"),
        ("text/vcard;version=4.0;q=0.2, text/vcard", "3.0"),
        ("text/vcard;version=4.0;q=0, */*", "3.0"),
        ("text/vcard;version=3.0;q=0, text/vcard", "4.0"),
        ("text/vcard;version=4.0;q=x", "4.0"),
        ("text/html, application/xml", "3.0"),  # it says nothing of contacts
        ("text/html, */*;q=0", "3.0"),
        ("text/x-vcard", "3.0"),
        ("text/vcard;version=2.1", None),
        ("text/vcard;version=2.1, */*;q=0.1", "3.0"),
        ("application/vcard+json", None),
        ("application/vcard+json, text/vcard;version=4.0;q=0.5", "4.0"),
        ("text/vcard;q=0", None),
        (",;=,", "3.0"),
        ("text/vcard;version=4.0," * 10_000, "4.0"),
    ],
)
def test_the_version_that_accept_prefers(header: str, version: str | None) -> None:
    assert accepted_version(header) == version


def contact(device: Device) -> str:
    """Put a contact with a photo; return its path."""
    sent = payloads.vcard("u", PHOTO_3, "BDAY:1980-02-03", "EMAIL;TYPE=INTERNET,WORK:eva@example.com")
    assert device.put("addresses/u.vcf", sent, new=True).status == 201
    return "addresses/u.vcf"


def lines(text: str) -> list[str]:
    """Return the lines of a contact, its version first."""
    found = payloads.lines_of(text)
    assert found[0] == "BEGIN:VCARD"
    return found[1:-1]


def test_get_by_accept(agency: Agency, server: Server) -> None:
    device = server.start().device()
    path = contact(device)
    four = device.request("GET", path, headers={"Accept": "text/vcard; version=4.0"})
    assert (lines(four.text)[0], PHOTO_4 in lines(four.text)) == ("VERSION:4.0", True)
    assert four.headers["Content-Type"] == "text/vcard; version=4.0; charset=utf-8"
    three = device.get(path)
    assert (lines(three.text)[0], PHOTO_3 in lines(three.text)) == ("VERSION:3.0", True)
    assert three.headers["Content-Type"] == "text/vcard; charset=utf-8"
    assert (four.headers["Vary"], three.headers["Vary"]) == ("Accept", "Accept")
    head = device.request("HEAD", path, headers={"Accept": "text/vcard; version=4.0"})
    assert head.headers["Content-Type"] == four.headers["Content-Type"]
    whole = device.request("GET", "addresses/", headers={"Accept": "text/vcard; version=4.0"})
    assert (whole.status, PHOTO_4 in payloads.lines_of(whole.text)) == (200, True)


def test_both_versions_have_one_etag(agency: Agency, server: Server) -> None:
    """It names the state that a sync tells of; but a 304 never stands for the other version."""
    device = server.start().device()
    path = contact(device)
    four = {"Accept": "text/vcard; version=4.0"}
    etag = device.request("GET", path, headers=four).etag
    assert etag == device.get(path).etag == device.sync("addresses").changed["u.vcf"]
    assert device.request("GET", path, headers={"If-None-Match": etag}).status == 304
    again = device.request("GET", path, headers={**four, "If-None-Match": etag})
    assert (again.status, lines(again.text)[0]) == (200, "VERSION:4.0")
    edited = again.text.replace("eva@example.com", "neu@example.com")
    assert device.put(path, edited, etag).status == 204
    assert device.put(path, edited, etag).status == 412
    assert agency.office.row(agency.office.tables.address)["EMAIL"] == "neu@example.com"


@pytest.mark.parametrize("accept", ["text/vcard; version=2.1", "application/vcard+json, application/vcard+xml;q=0.5"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_form_that_is_not_served_is_406(agency: Agency, server: Server, accept: str, method: str) -> None:
    device = server.start().device()
    answer = device.request(method, contact(device), headers={"Accept": accept})
    assert answer.status == 406
    if method == "GET":
        assert answer.xml.find(f"{{{CARD}}}supported-address-data-conversion") is not None
    assert device.request(method, "addresses/u.vcf", headers={"Accept": "text/html"}).status == 200


def test_accept_of_other_things_is_not_looked_at(agency: Agency, server: Server) -> None:
    device = server.start().device()
    assert device.put("tasks/t.ics", payloads.todo("t"), new=True).status == 201
    answer = device.request("GET", "tasks/t.ics", headers={"Accept": "text/vcard; version=2.1"})
    assert (answer.status, "Vary" in answer.headers) == (200, False)


def report(device: Device, name: str, data: str, rest: str) -> str:
    """Return the text of the contact in the answer to a REPORT."""
    answer = device.report("addresses/", name, f"<prop><getetag/>{data}</prop>{rest}")
    assert answer.status == 207, answer.text
    ((_, text),) = device.items_in(answer, "addresses").values()
    return text


HREF = "<href>/anna/addresses/u.vcf</href>"
FILTERS = [
    '<CR:filter><CR:prop-filter name="EMAIL"><CR:text-match>example.com</CR:text-match></CR:prop-filter></CR:filter>',
    '<CR:filter><CR:prop-filter name="PHOTO"/></CR:filter>',
]
REPORTS = [("CR:addressbook-multiget", HREF), *(("CR:addressbook-query", one) for one in FILTERS)]


@pytest.mark.parametrize(("name", "rest"), REPORTS)
def test_reports_by_attributes(agency: Agency, server: Server, name: str, rest: str) -> None:
    device = server.start().device()
    contact(device)
    four = report(device, name, WHOLE_4, rest)
    assert four.replace("\r\n", "\n") == device_text(device, "4.0")
    assert report(device, name, '<CR:address-data version="4.0"/>', rest) == four
    three = device_text(device, "3.0")
    for data in ("<CR:address-data/>", '<CR:address-data version="3.0"/>', '<CR:address-data version=""/>'):
        assert report(device, name, data, rest).replace("\r\n", "\n") == three
    parts = '<CR:address-data version="4.0"><CR:prop name="PHOTO"/></CR:address-data>'
    assert report(device, name, parts, rest).split() == ["BEGIN:VCARD", PHOTO_4, "END:VCARD"]


def device_text(device: Device, version: str) -> str:
    """Return the contact as a GET has it, with the line ends that XML leaves."""
    return device.request("GET", "addresses/u.vcf", headers={"Accept": f"text/vcard;version={version}"}).text.replace(
        "\r\n", "\n"
    )


def test_a_sync_with_texts(agency: Agency, server: Server) -> None:
    device = server.start().device()
    contact(device)
    inner = f"<sync-token/><sync-level>1</sync-level><prop><getetag/>{WHOLE_4}</prop>"
    answer = device.report("addresses/", "sync-collection", inner)
    assert device.items_in(answer, "addresses")["u.vcf"][1].replace("\r\n", "\n") == device_text(device, "4.0")


@pytest.mark.parametrize("attributes", ['version="2.1"', 'version="5.0"', 'content-type="application/vcard+json"'])
@pytest.mark.parametrize(("name", "rest"), REPORTS)
def test_a_version_that_is_not_served_is_refused(
    agency: Agency, server: Server, attributes: str, name: str, rest: str
) -> None:
    device = server.start().device()
    contact(device)
    answer = device.report("addresses/", name, f"<prop><CR:address-data {attributes}/></prop>{rest}")
    assert answer.status == 403
    assert answer.xml.find(f"{{{CARD}}}supported-address-data") is not None
    assert "3.0 and 4.0" in answer.text


@pytest.mark.parametrize("depth", [0, 1])
def test_both_versions_are_advertised(agency: Agency, server: Server, depth: int) -> None:
    device = server.start().device()
    contact(device)
    for props in ("<CR:supported-address-data/>", "<getetag/><CR:supported-address-data/><resourcetype/>"):
        answer = device.propfind("addresses/", props, depth)
        (supported,) = [one for one in answer.xml.iter(f"{{{CARD}}}supported-address-data") if len(one)]
        told = [(one.tag, one.get("content-type"), one.get("version")) for one in supported]
        assert told == [(f"{{{CARD}}}address-data-type", "text/vcard", version) for version in versions.VERSIONS]
    answer = device.propfind("tasks/", "<CR:supported-address-data/>")
    assert "404" in (answer.xml.findtext(f".//{{{DAV}}}propstat/{{{DAV}}}status") or "")


NAMED = [("KIND", "group", True), ("KIND", "org", False), ("ANNIVERSARY", "20140812", True), ("GENDER", "F", True)]


@pytest.mark.parametrize(("name", "text", "is_found"), NAMED)
@pytest.mark.parametrize("also", ["", '<CR:prop-filter name="FN"><CR:text-match>Eva</CR:text-match></CR:prop-filter>'])
def test_filters_find_what_3_has_no_name_for(
    agency: Agency, server: Server, name: str, text: str, is_found: bool, also: str
) -> None:
    """A prop-filter of KIND, RELATED and their like finds them by their name in 4.0."""
    device = server.start().device()
    lines_ = ("X-ADDRESSBOOKSERVER-KIND:group", "X-ANNIVERSARY:2014-08-12", "X-VCARD4-GENDER:F")
    assert device.put("addresses/u.vcf", payloads.vcard("u", *lines_), new=True).status == 201
    match = f'<CR:prop-filter name="{name}"><CR:text-match>{text}</CR:text-match></CR:prop-filter>'
    inner = f'<prop><getetag/></prop><CR:filter test="allof">{also}{match}</CR:filter>'
    answer = device.report("addresses/", "CR:addressbook-query", inner)
    assert ("u.vcf" in device.items_in(answer, "addresses")) is is_found


def test_what_flowfact_made_is_the_same_in_both(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own], NAME="Meier", NOTIZ="x" * 3000)
    device = server.start().device()
    path, _, text = only(device, "addresses")
    got = device.request("GET", path, headers={"Accept": "text/vcard;version=4.0"}).text
    assert versions.to_3(got).replace("\r\n", "\n") == text


def test_a_contact_that_was_kept_in_4_before_is_served_as_3(agency: Agency, server: Server) -> None:
    """Until it is sent again, or changes in the office."""
    device = server.start().device()
    path = contact(device)
    kept = device.request("GET", path, headers={"Accept": "text/vcard;version=4.0"}).text
    before = device.get(path).text
    keep_as(server, kept)
    for text in (device.get(path).text, report(device, *REPORTS[0][:1], "<CR:address-data/>", HREF)):
        assert {"VERSION:3.0", PHOTO_3, "BDAY:1980-02-03"} <= set(lines(text))
    assert device_text(device, "4.0") == kept.replace("\r\n", "\n")
    keep_as(server, before)  # its ETag is of that


def keep_as(server: Server, text: str) -> None:
    """Put a text in the place of all versions that are kept."""
    with server.gateway.session() as session:
        session.connection.execute(update(tables.version).values(text=text))
