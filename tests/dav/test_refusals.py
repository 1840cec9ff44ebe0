"""What must not work: each wrong request gets the right 4xx, a reason, and changes no row."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable

import pytest

from radicale_flowfact.dav.store.request import Request
from tests import payloads
from tests.conftest import Agency, Server
from tests.device import Answer, Device

Attempt = Callable[[Device], Answer]


def refused(agency: Agency, server: Server, attempt: Attempt, login: str = "anna") -> Answer:
    """Run a request that must change nothing in FlowFact."""
    before = agency.office.everything()
    answer = attempt(server.device(login))
    assert agency.office.everything() == before
    return answer


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("addresses/x.vcf", "BEGIN:VCARD\r\nrubbish", 409),
        ("addresses/x.vcf", "", 409),
        ("addresses/x.vcf", payloads.vcard("u").replace("END:VCARD\r\n", ""), 409),
        ("appointments/x.ics", payloads.event("u").replace("END:VCALENDAR\r\n", ""), 409),
        ("addresses/x.vcf", payloads.event("u"), 409),
        ("appointments/x.ics", payloads.without(payloads.event("u"), "DTSTART"), 409),
        ("appointments/x.ics", payloads.event("u", start="DTSTART;TZID=Nowhere/Land:20260701T080000"), 409),
        ("appointments/x.ics", payloads.event("u", start="DTSTART:tomorrow"), 409),
        ("appointments/x.ics", payloads.event("u", *["BEGIN:X-A"] * 2000, *["END:X-A"] * 2000), 409),
        ("tasks/x.ics", "BEGIN:VCALENDAR\r\n" * 2000, 409),
        ("appointments/x.ics", payloads.todo("u"), 403),
        ("tasks/x.ics", payloads.event("u"), 403),
    ],
)
def test_bad_payload(
    agency: Agency, server: Server, caplog: pytest.LogCaptureFixture, path: str, body: str, status: int
) -> None:
    server.start()
    answer = refused(agency, server, lambda device: device.put(path, body))
    assert answer.status == status
    assert re.search(rf"PUT {path.split('/')[0]}/\w+ answered {status} in .* login=anna device=Test/1.0: ", caplog.text)
    assert server.device().get(path).status == 404


def test_a_body_of_more_than_10_megabytes_is_refused(agency: Agency, server: Server) -> None:
    server.start()
    body = payloads.vcard("u", "NOTE:" + "x" * 10_500_000)
    answer = refused(agency, server, lambda device: device.put("addresses/x.vcf", body))
    assert (answer.status, "max-resource-size" in answer.text) == (403, True)


def test_the_reason_is_in_the_answer_and_the_log(
    agency: Agency, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.start()
    answer = refused(agency, server, lambda device: device.put("tasks/x.ics", payloads.event("u")))
    assert "VEVENT does not belong into tasks" in answer.text
    assert "supported-calendar-component" in answer.text
    assert "VEVENT does not belong into tasks" in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "addresses/", payloads.vcard("u")),
        ("PUT", "addresses", payloads.vcard("u")),
        ("PUT", "book.vcf", payloads.vcard("u")),
        ("PUT", "addresses/a/b.vcf", payloads.vcard("u")),
        ("DELETE", "addresses/", ""),
        ("DELETE", "", ""),
        ("MKCOL", "other/", ""),
        ("MKCALENDAR", "other/", ""),
        ("MKCALENDAR", "appointments/other/", ""),
    ],
)
def test_collections_are_fixed(agency: Agency, server: Server, method: str, path: str, body: str) -> None:
    agency.office.address([agency.own])
    server.start()
    answer = refused(agency, server, lambda device: device.request(method, path, body, {"Content-Type": "text/vcard"}))
    assert 400 <= answer.status < 500
    assert len(server.device().sync("addresses").changed) == 1
    assert server.device().propfind("other/", "<resourcetype/>").status == 404


def test_a_collection_stays_what_it_is(agency: Agency, server: Server) -> None:
    agency.appointment()
    device = server.start().device()
    patch = (
        '<propertyupdate xmlns="DAV:" xmlns:CR="urn:ietf:params:xml:ns:carddav"><set><prop><resourcetype>'
        "<collection/><CR:addressbook/></resourcetype></prop></set></propertyupdate>"
    )
    assert 400 <= device.request("PROPPATCH", "appointments/", patch).status < 500
    assert "calendar" in device.propfind("appointments/", "<resourcetype/>").text
    assert len(device.sync("appointments").changed) == 1


def test_move_is_refused(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own])
    device = server.start().device()
    href = next(iter(device.sync("addresses").changed))
    target = {"Destination": device.url("addresses/new.vcf")}
    assert refused(agency, server, lambda d: d.request("MOVE", f"addresses/{href}", headers=target)).status == 403


def test_wrong_password_and_foreign_paths(agency: Agency, server: Server, caplog: pytest.LogCaptureFixture) -> None:
    agency.office.address([agency.own])
    server.start()
    href = next(iter(server.device().sync("addresses").changed))
    stranger = server.device("ben")
    for method in ("GET", "PUT", "DELETE", "PROPFIND", "REPORT", "PROPPATCH"):
        body = payloads.vcard("u") if method == "PUT" else ""
        for path in ("/anna/", "/anna/addresses/", f"/anna/addresses/{href}"):
            answer = refused(agency, server, lambda _, m=method, p=path, b=body: stranger.request(m, p, b))  # type: ignore[misc]
            assert answer.status in (403, 404)
            told = rf"{method} (-|addresses(/\w+)?) answered 403 in .* login=ben "
            assert re.search(told, caplog.text) or answer.status == 404
            caplog.clear()
    stranger.password = "wrong"  # noqa: S105
    assert stranger.propfind("addresses/", "<CS:getctag/>").status == 401
    assert "Failed login attempt" in caplog.text


@pytest.mark.parametrize("name", ["%", "_", "' OR '1'='1", '"; DROP TABLE AD; --', "a%27b", "[x]"])
def test_wildcards_and_quotes_are_ordinary_characters(agency: Agency, server: Server, name: str) -> None:
    agency.office.address([agency.own], NAME="Andere", KENNUNG="Andere")
    device = server.start().device()
    text = payloads.vcard(f"uid {name}", name=f"{name.replace(';', chr(92) + ';')};;;;").replace(
        "FN:Eva Meier", f"FN:{name.replace(';', chr(92) + ';')}"
    )
    assert device.put("addresses/odd.vcf", text, new=True).status == 201
    assert agency.office.row(agency.office.tables.address, KENNUNG=name)["NAME"] == name
    assert device.get("addresses/%25.vcf").status == 404
    assert len(device.sync("addresses").changed) == 2


def test_writing_is_off_until_the_admin_turns_it_on(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own])
    server.start("write = false\n")
    href = next(iter(server.device().sync("addresses").changed))
    put = refused(agency, server, lambda device: device.put("addresses/x.vcf", payloads.vcard("u")))
    deleted = refused(agency, server, lambda device: device.delete(f"addresses/{href}"))
    assert (put.status, deleted.status) == (403, 403)
    assert "write = true" in put.text


def test_read_only_records_refuse_put_and_delete(agency: Agency, server: Server) -> None:
    dsn = agency.office.address([agency.own], STRASSE="Weg 1")
    agency.office.restrict("AD", dsn, "LESEN", user=agency.anna)
    device = server.start().device()
    ((href, (etag, text)),) = device.multiget("addresses", device.sync("addresses").changed).items()
    put = refused(agency, server, lambda d: d.put(f"addresses/{href}", text.replace("Weg 1", "Weg 2"), etag))
    deleted = refused(agency, server, lambda d: d.delete(f"addresses/{href}", etag))
    assert (put.status, deleted.status) == (403, 403)
    assert device.get(f"addresses/{href}").status == 200


@pytest.mark.parametrize("fault", ["inactive", "no Merkmal", "foreign Merkmal", "not mapped"])
def test_a_login_that_may_not_get_in_is_refused_everywhere(agency: Agency, server: Server, fault: str) -> None:
    tables = agency.office.tables
    assert tables.user_merkmal is not None
    if fault == "inactive":
        agency.office.change(tables.user, {"DSN": agency.anna}, AKTIV=False)
    elif fault == "no Merkmal":
        agency.office.change(tables.user, {"DSN": agency.anna}, MKM_DSN=None)
    elif fault == "foreign Merkmal":
        agency.office.remove(tables.user_merkmal, BEN_DSN=agency.anna, BEREICH="OUTLOOK")
    server.start()
    if fault == "not mapped":
        (server.folder / "users").write_text("anna:pw\nzoe:pw\n", encoding="utf-8")
        server.logins = ("ben",)
        server.start()
        (server.folder / "users").write_text("anna:pw\n", encoding="utf-8")
    device = server.device()
    for path in ("/", "", "addresses/", "appointments/"):
        assert device.propfind(path, "<resourcetype/>", depth=1).status == 403
    assert device.try_sync("addresses").status == 403


def test_refused_bodies_are_kept_with_the_history(agency: Agency, server: Server) -> None:
    from radicale_flowfact.dav.store import tables as dav_tables

    agency.office.address([agency.own], STRASSE="Weg 1")
    device = server.start().device(agent="Phone/2.0")
    ((href, (_, text)),) = device.multiget("addresses", device.sync("addresses").changed).items()
    assert device.put(f"addresses/{href}", text.replace("Weg 1", "Weg 7"), '"old"').status == 412
    row = agency.office.row(dav_tables.history)
    assert (row["login"], row["agent"], row["what"], row["href"]) == ("anna", "Phone/2.0", "refused", href)
    assert "412" in row["reason"]
    assert "Weg 7" in row["body"]


def _davx5_goes_on(answer: Answer) -> bool:
    """Return whether DAVx⁵ passes over an item whose PUT is answered so, instead of ending the collection's sync."""
    return answer.status in (404, 409, 410, 412) or (answer.status == 403 and "need-privileges" in answer.text)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("appointments/a.ics", payloads.event("a", end="DTEND:20260601T090000Z")),
        ("appointments/a.ics", payloads.event("a", "RRULE:FREQ=SECONDLY")),
        ("appointments/a.ics", payloads.event("a", start="DTSTART:x")),
        ("appointments/a.ics", payloads.todo("a")),
        ("appointments/a.ics", payloads.vcard("a")),
        ("appointments/a.ics", "none"),
        ("appointments/a.ics", ""),
        (f"appointments/{'a' * 1100}.ics", payloads.event("a")),
        ("appointments/a.ics", payloads.event("a" * 1100)),
        ("addresses/a.vcf", payloads.vcard("a", *["X-A:1"] * 60_000)),
        ("addresses/a.vcf", payloads.vcard("a", "NOTE:" + "x" * 4_000_000 + "😀")),
        ("addresses/taken.vcf", payloads.vcard("another")),
        ("addresses/b.vcf", payloads.vcard("taken")),
        ("addresses/READONLY", ""),
    ],
    ids=lambda value: value[:40] if "/" in value[:14] else "",
)
def test_rule_28_davx5_syncs_on_through_every_refusal(agency: Agency, server: Server, path: str, body: str) -> None:
    device = server.start().device(agent="DAVx5/4.5.2-ose (2026/01/01; dav4jvm; okhttp/4.12.0) Android/15")
    assert device.put("addresses/taken.vcf", payloads.vcard("taken"), new=True).status == 201
    if path.endswith("READONLY"):
        read_only = agency.office.address([agency.own], NAME="Nur")
        agency.office.restrict("AD", read_only, "LESEN", user=agency.anna)
        path = f"addresses/flowfact-ad-{read_only.lower()}.vcf"
        device.sync("addresses")
        body = device.get(path).text.replace("Nur", "Neu")
    before = agency.office.everything()
    answer = device.put(path, body)
    assert answer.status >= 400
    assert _davx5_goes_on(answer), answer.text
    assert agency.office.everything() == before
    assert device.sync(path.partition("/")[0]).token


def test_rule_28_davx5_syncs_on_while_writing_is_off(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own])
    device = server.start("write = false\n").device()
    assert _davx5_goes_on(device.put("addresses/a.vcf", payloads.vcard("a")))
    (href,) = device.sync("addresses").changed
    assert _davx5_goes_on(device.delete(f"addresses/{href}"))


def test_what_was_refused_is_held_by_nothing(agency: Agency, server: Server) -> None:
    """An exception holds the frames it went through, and they the body: a server that is busy would hold them all."""
    device = server.start().device()
    refused_ones = (("addresses/a.vcf", "none"), ("appointments/a.ics", payloads.todo("a")))

    def held() -> int:
        return sum(isinstance(one, Request) for one in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = held()
        for _ in range(5):
            for path, body in refused_ones:
                assert device.put(path, body).status >= 400
        assert held() - before <= 1
    finally:
        gc.enable()
