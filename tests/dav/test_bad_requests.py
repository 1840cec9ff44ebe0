"""Requests that are malformed or meant to keep the server busy: 4xx, quickly, in bounded memory."""

from __future__ import annotations

import resource
import socket
from urllib.parse import urlsplit

import pytest
from radicale.app import Application

from radicale_flowfact.server.configuration import load_configuration
from tests import payloads
from tests.conftest import Agency, Server, serve_application
from tests.device import Device
from tests.fuzz.http_requests import Sent, answered_within
from tests.fuzz.test_http import ANNA, send

QUICK = 3.0
PROPFIND = '<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>'
LATIN = payloads.vcard("x").replace("Eva", "\xc4va").encode("latin-1")
NESTED_ENTITIES = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<!DOCTYPE a [<!ENTITY a0 "ha">{NESTED_ENTITIES}]><propfind xmlns="DAV:"><prop>&a9;</prop></propfind>'
BLOWN_UP = f'<!DOCTYPE a [<!ENTITY a "{"x" * 50_000}">]><propfind xmlns="DAV:">{"&a;" * 20_000}</propfind>'
DEEP = '<C:comp-filter name="a">'
EXTERNAL = (
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><propfind xmlns="DAV:"><prop>&x;</prop></propfind>',
    '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><propfind xmlns="DAV:"><prop/></propfind>',
    '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/a.dtd">%p;]><propfind xmlns="DAV:"><prop/></propfind>',
)


@pytest.fixture
def device(agency: Agency, server: Server) -> Device:
    """Give a device of an office with one address, one appointment and one series."""
    agency.office.address([agency.own], NAME="Gut")
    agency.appointment()
    given = server.start().device()
    assert given.put("appointments/s.ics", payloads.event("s", "RRULE:FREQ=DAILY"), new=True).status == 201
    return given


def raw(device: Device, method: str, path: str, *headers: tuple[str, str], body: bytes = b"", cut: int = 0) -> int:
    """Send a request as it stands; it must be answered quickly, and the next one be answered at all."""
    status = answered_within(QUICK, lambda: send(device.base, Sent(method, path, headers, body, cut)))
    assert device.sync("addresses").changed
    return status


@pytest.mark.parametrize(
    "body",
    [
        BOMB,
        BLOWN_UP,
        *EXTERNAL,
        "<a>" * 300_000,
        "<a>" * 50_000 + "</a>" * 50_000,
        f'<propfind xmlns="DAV:"><prop>{"<a>" * 100}{"</a>" * 100}</prop></propfind>',
        f'<propfind xmlns="DAV:" {" ".join(f"a{n}={n}" for n in range(1000))}/>',
        f'<propfind xmlns="DAV:"><prop>{"<a/>" * 600_000}</prop></propfind>',
        "<propfind",
        "<propfind xmlns='DAV:'/>",
        "<propfind xmlns='urn:other'><prop/></propfind>",
        "not XML",
        "<propfind xmlns='DAV:'><prop>\x01</prop></propfind>",
    ],
    ids=lambda body: body[:30],
)
@pytest.mark.parametrize("method", ["PROPFIND", "REPORT", "PROPPATCH"])
def test_xml_that_is_none_or_a_bomb(device: Device, method: str, body: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    status = raw(device, method, "/anna/addresses/", ("Depth", "0"), body=body.encode())
    assert 400 <= status < 500
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KiB


@pytest.mark.parametrize(
    ("headers", "body", "wanted"),
    [
        ([("Content-Length", "-1")], b"x", 400),
        ([("Content-Length", "abc")], b"x", 400),
        ([("Content-Length", "1_0")], b"x" * 10, 400),
        ([("Content-Length", "9" * 30)], b"x", 400),
        ([("Content-Length", "999999999999")], b"x", 413),
        ([("Content-Length", "5000")], b"x", 400),
        ([("Transfer-Encoding", "chunked")], b"1\r\nx\r\n0\r\n\r\n", 411),
        ([("Content-Type", "text/vcard; charset=nosuch")], b"x", 409),
        ([("Content-Type", "text/vcard; charset=punycode")], b"x" * 1_000_000, 409),
        ([("Content-Type", "text/vcard; charset=utf-8")], LATIN, 409),
        ([("Content-Type", "text/vcard; charset=utf-16")], payloads.vcard("x").encode("utf-16"), 201),
        ([("Content-Type", "text/vcard")], LATIN, 201),
        ([("Authorization", "Basic")], b"x", 401),
        ([("Authorization", "Basic !!!")], b"x", 401),
        ([("Authorization", "Basic YW5uYQ==")], b"x", 401),
        ([("Authorization", "Basic \xe4")], b"x", 401),
        ([("User-Agent", "a" * 60_000)], payloads.vcard("x").encode(), 201),
        ([("User-Agent", "a\x01b")], payloads.vcard("x").encode(), 201),
        ([("If-Match", '"a",' * 10_000)], payloads.vcard("x").encode(), 412),
        ([("Depth", "many")], payloads.vcard("x").encode(), 400),
    ],
)  # fmt: skip
def test_headers_that_lie_or_are_none(device: Device, headers: list[tuple[str, str]], body: bytes, wanted: int) -> None:
    assert raw(device, "PUT", "/anna/addresses/x.vcf", *headers, body=body) in (
        wanted,
        201 if wanted == 201 else wanted,
    )


def test_giant_headers_are_not_read(device: Device) -> None:
    assert raw(device, "GET", "/anna/addresses/", ("X-Long", "a" * 70_000)) == 431
    assert raw(device, "GET", "/anna/addresses/", *((f"X-{n}", "a") for n in range(200))) == 431
    assert raw(device, "GET", "/" + "a" * 70_000) == 414
    assert raw(device, "GET", "/anna/addresses/" + "a" * 5000) == 414


@pytest.mark.parametrize(
    "path",
    [
        *("/anna/addresses/../../ben/addresses/", "/anna/%2e%2e/ben/", "/%2e%2e/%2e%2e/etc/passwd", "/anna/./tasks/"),
        *("/anna/addresses/%2e%2e%2fx.vcf", "/anna/addresses/%00", "/anna/addresses/a%00.vcf", "/anna/tasks/a%0d%0ab"),
        *("/anna//addresses/", "/anna/addresses//x.vcf", "anna/addresses/", "http://x/anna/", "/anna/addresses/%1b"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PROPFIND", "REPORT"])
def test_paths_that_do_not_name_their_place_plainly(device: Device, method: str, path: str) -> None:
    assert raw(device, method, path, body=payloads.vcard("x").encode() if method == "PUT" else b"") == 400


def test_slashes_at_the_front_are_one(device: Device) -> None:
    """Python's own HTTP server makes them one before an application sees them."""
    assert raw(device, "GET", "//anna/addresses/") == 200
    assert raw(device, "GET", "//ben/addresses/") == 403


def test_a_body_that_is_cut_off_is_no_item(agency: Agency, device: Device) -> None:
    before = agency.office.everything()
    assert raw(device, "PUT", "/anna/addresses/x.vcf", body=payloads.vcard("x").encode(), cut=5) == 400
    assert raw(device, "PROPFIND", "/anna/addresses/", body=PROPFIND.encode(), cut=5) == 400
    assert agency.office.everything() == before


def test_an_href_that_is_none_finds_nothing(device: Device) -> None:
    for href, status in (("", 400), ("http://[", 400), ("/anna/addresses/%00", 207), ("/anna/addresses/%ff", 207)):
        answer = device.report("addresses/", "CR:addressbook-multiget", f"<prop><getetag/></prop><href>{href}</href>")
        assert (href, answer.status) == (href, status)


@pytest.mark.parametrize(
    ("path", "name", "condition"),
    [
        ("addresses/", "C:nosuch", "supported-report"),
        ("addresses/", "C:calendar-query", "supported-report"),
        ("addresses/", "D", "supported-report"),
        ("appointments/", "CR:addressbook-query", "supported-report"),
        ("appointments/", "acl-principal-prop-set", "supported-report"),
        ("", "mkcol", "supported-report"),
    ],
)
def test_an_unknown_report_does_not_dump_the_collection(device: Device, path: str, name: str, condition: str) -> None:
    answer = device.report(path, name, "<prop><getetag/></prop>")
    assert (answer.status, condition in answer.text) == (403, True)


@pytest.mark.parametrize(
    ("inner", "condition"),
    [
        ("<C:filter/>", "valid-filter"),
        ('<C:filter><C:comp-filter name="VCALENDAR"/><C:comp-filter name="VCALENDAR"/></C:filter>', "valid-filter"),
        ('<C:filter><C:comp-filter name=""/></C:filter>', "valid-filter"),
        ('<C:filter><C:comp-filter name="VCALENDAR"><C:other/></C:comp-filter></C:filter>', "supported-filter"),
        ('<C:filter><C:comp-filter name="VEVENT"><C:time-range start="x"/></C:comp-filter></C:filter>', "valid-filter"),
        ('<C:filter><C:comp-filter name="VCALENDAR"><C:time-range/></C:comp-filter></C:filter>', "valid-filter"),
        (
            '<C:filter><C:comp-filter name="VCALENDAR"><C:time-range start="20260702T000000Z" end="20260701T000000Z"/>'
            "</C:comp-filter></C:filter>",
            "valid-filter",
        ),
        (f"<C:filter>{DEEP * 9}{'</C:comp-filter>' * 9}</C:filter>", "supported-filter"),
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_answered_is_refused(device: Device, inner: str, condition: str) -> None:
    answer = device.report("appointments/", "C:calendar-query", f"<prop><getetag/></prop>{inner}")
    assert (answer.status, condition in answer.text) == (403, True), answer.text


def expand(device: Device, start: str, end: str) -> tuple[int, str]:
    data = f'<C:calendar-data><C:expand start="{start}" end="{end}"/></C:calendar-data>'
    inner = '<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"/></C:comp-filter></C:filter>'
    asked = f"<prop>{data}</prop>{inner}"
    answer = answered_within(QUICK, lambda: device.report("appointments/", "C:calendar-query", asked))
    return answer.status, answer.text


def test_an_enormous_expand_is_refused_a_far_one_is_quick(device: Device) -> None:
    status, text = expand(device, "20260101T000000Z", "99991231T000000Z")
    assert (status, "number-of-matches-within-limits" in text) == (403, True)
    status, text = expand(device, "90000101T000000Z", "90000105T000000Z")
    assert (status, text.count("BEGIN:VEVENT")) == (207, 5)
    assert expand(device, "x", "y")[0] == 403


def test_free_busy_is_asked_for_in_bounds(device: Device) -> None:
    for start, end, status in (
        ("20260601T000000Z", "20260801T000000Z", 200),
        ("20260101T000000Z", "99991231T000000Z", 403),
        ("90000101T000000Z", "90000102T000000Z", 403),
        ("x", "y", 403),
    ):
        answer = device.report("appointments/", "C:free-busy-query", f'<C:time-range start="{start}" end="{end}"/>')
        assert (start, answer.status) == (start, status)
    assert device.report("appointments/", "C:free-busy-query", "").status == 403


@pytest.mark.parametrize(("count", "text"), [(1200, "gut"), (1, "x" * 2000)])
def test_more_or_longer_text_filters_than_a_database_takes_are_refused(device: Device, count: int, text: str) -> None:
    many = f'<CR:prop-filter name="FN"><CR:text-match>{text}</CR:text-match></CR:prop-filter>' * count
    answer = device.report(
        "addresses/", "CR:addressbook-query", f"<prop><getetag/></prop><CR:filter>{many}</CR:filter>"
    )
    assert (answer.status, "CR:supported-filter" in answer.text) == (403, True), answer.text
    calendar = many.replace("CR:", "C:").join(
        ['<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">', "</C:comp-filter></C:comp-filter>"]
    )
    inside = f"<prop><getetag/></prop><C:filter>{calendar}</C:filter>"
    assert device.report("appointments/", "C:calendar-query", inside).status == 403


def test_rule_28_free_busy_of_a_series_without_bounds_is_tentative(device: Device) -> None:
    for name, rule in (
        ("a", "RRULE:FREQ=WEEKLY;COUNT=2"),
        ("b", "RRULE:FREQ=DAILY\r\nEXRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"),
    ):
        assert device.put(f"appointments/{name}.ics", payloads.event(name, rule), new=True).status == 201
    times = '<C:time-range start="20260701T000000Z" end="20260710T000000Z"/>'
    answer = device.report("appointments/", "C:free-busy-query", times)
    assert answer.status == 200, answer.text
    assert "20260701T080000Z" in answer.text
    assert "20260708T080000Z" in answer.text
    assert "BUSY-TENTATIVE" in answer.text


@pytest.mark.parametrize("asked", ["<prop/>", "<prop></prop>", "", "<allprop/>", "<propname/>"])
def test_who_asks_for_no_property_is_told_of_the_items_all_the_same(device: Device, asked: str) -> None:
    """RFC 6578 §3.2: the answer has a response for each member, with a status or a propstat (RFC 4918 §14.24)."""
    reports = [
        ("addresses", "sync-collection", f"<sync-token/><sync-level>1</sync-level>{asked}"),
        ("addresses", "CR:addressbook-query", f'{asked}<CR:filter><CR:prop-filter name="FN"/></CR:filter>'),
        ("appointments", "C:calendar-query", f'{asked}<C:filter><C:comp-filter name="VCALENDAR"/></C:filter>'),
    ]
    for collection, name, inner in reports:
        answer = device.report(f"{collection}/", name, inner)
        found = device.items_in(answer, collection)
        assert (answer.status, len(found)) == (207, 1 if collection == "addresses" else 2)
        assert all(etag for etag, _ in found.values())
    if asked:
        body = f'<propfind xmlns="DAV:">{asked}</propfind>'.encode()
        answer = device.request("PROPFIND", "addresses/", body, {"Depth": "1"})
        responses = answer.xml.findall("{DAV:}response")
        assert (answer.status, len(responses)) == (207, 2)
        assert all(response.find("{DAV:}propstat/{DAV:}status") is not None for response in responses)


def test_a_query_on_one_item_answers_it_or_nothing(device: Device) -> None:
    """One that does not match is there all the same: a 404 would have the client delete it."""
    queries = {
        "addresses": (
            "CR:addressbook-query",
            '<CR:prop-filter name="FN"><CR:text-match>{}</CR:text-match></CR:prop-filter>',
        ),
        "appointments": (
            "C:calendar-query",
            '<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:prop-filter name="SUMMARY">'
            "<C:text-match>{}</C:text-match></C:prop-filter></C:comp-filter></C:comp-filter>",
        ),
    }
    for collection, word in (("addresses", "gut"), ("appointments", "Notar")):
        href = "s.ics" if collection == "appointments" else next(iter(device.sync(collection).changed))
        name, inner = queries[collection]
        space = name.partition(":")[0]
        for asked, found in ((word, [href]), ("nobody", [])):
            filters = f"<prop><getetag/></prop><{space}:filter>{inner.format(asked)}</{space}:filter>"
            answer = device.report(f"{collection}/{href}", name, filters)
            assert (answer.status, list(device.items_in(answer, collection))) == (207, found), answer.text
            assert "404" not in answer.text
        assert device.report(f"{collection}/no-such", name, "<prop><getetag/></prop>").status == 404


def test_free_busy_is_read_by_the_office_s_own_zones(device: Device) -> None:
    """Not by what another program once described as Europe/Berlin; days are the office's; what is free is not told."""
    odd = "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
    odd += "TZOFFSETFROM:+0900\r\nTZOFFSETTO:+0900\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT"
    berlin, end = "DTSTART;TZID=Europe/Berlin:20260701T100000", "DTEND;TZID=Europe/Berlin:20260701T110000"
    events = {
        "odd": payloads.event("odd", start=berlin, end=end).replace("BEGIN:VEVENT", odd, 1),
        "series": payloads.event("series", "RRULE:FREQ=DAILY;COUNT=2", start=berlin, end=end),
        "day": payloads.event("day", start="DTSTART;VALUE=DATE:20260705", end="DTEND;VALUE=DATE:20260706"),
        "free": payloads.event("free", "TRANSP:TRANSPARENT", start="DTSTART:20260706T080000Z", end="DURATION:PT1H"),
        "maybe": payloads.event("maybe", "STATUS:TENTATIVE", start="DTSTART:20260707T080000Z", end="DURATION:PT1H"),
    }
    assert device.delete("appointments/s.ics").status == 200
    for name, text in events.items():
        assert device.put(f"appointments/{name}.ics", text, new=True).status == 201
    times = '<C:time-range start="20260701T000000Z" end="20260710T000000Z"/>'
    answer = device.report("appointments/", "C:free-busy-query", times)
    assert [line for line in payloads.lines_of(answer.text) if line.startswith("FREEBUSY")] == [
        "FREEBUSY;FBTYPE=BUSY:20260701T080000Z/20260701T090000Z",
        "FREEBUSY;FBTYPE=BUSY:20260702T080000Z/20260702T090000Z",
        "FREEBUSY;FBTYPE=BUSY:20260704T220000Z/20260705T220000Z",
        "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260707T080000Z/20260707T090000Z",
    ]


def test_a_connection_that_is_cut_in_the_head_is_nobodys_concern(device: Device) -> None:
    parts = urlsplit(device.base)
    for part in (b"", b"GET", b"PUT /anna/addresses/x.vcf HTTP/1.1\r\nAuthorization: " + ANNA.encode()):
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=QUICK) as connection:
            connection.sendall(part)
    assert len(device.sync("addresses").changed) == 1


def test_plain_radicale_answers_queries_too(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own], NAME="Gut")
    agency.appointment()
    server.start()
    with serve_application(Application(load_configuration(server.config))) as base:
        plain = Device(base, "anna")
        match = '<CR:prop-filter name="FN"><CR:text-match>gut</CR:text-match></CR:prop-filter>'
        inner = f"<prop><getetag/></prop><CR:filter>{match}</CR:filter>"
        found = plain.items_in(plain.report("addresses/", "CR:addressbook-query", inner), "addresses")
        assert len(found) == 1
        times = '<C:time-range start="20260620T000000Z" end="20260621T000000Z"/>'
        inner = f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">{times}</C:comp-filter></C:comp-filter>'
        answer = plain.report(
            "appointments/", "C:calendar-query", f"<prop><getetag/></prop><C:filter>{inner}</C:filter>"
        )
        assert len(plain.items_in(answer, "appointments")) == 1
