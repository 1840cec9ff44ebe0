"""Rules 9, 10, 14, 25, 28 and 44: contacts as phones and programs write them, on both sides."""

from __future__ import annotations

import pytest

from tests import payloads
from tests.conftest import Agency, Server
from tests.rules.test_misspelt import event, put, stored


def card(*lines: str, version: str = "3.0") -> bytes:
    """Return a contact of these lines alone."""
    return "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", "UID:a", *lines, "END:VCARD", ""]).encode()


def address(agency: Agency) -> dict[str, object]:
    """Return the only address that FlowFact has."""
    return agency.office.row(agency.office.tables.address)


@pytest.mark.parametrize("version", ["3.0", "4.0"])
@pytest.mark.parametrize(
    ("lines", "name", "shown"),
    [
        (("N:Meier;Eva;;Dr.,med.;",), ("Meier", "Eva"), "Dr. med. Eva Meier"),
        (("FN:", "N:Meier;Eva;;;"), ("Meier", "Eva"), "Eva Meier"),
        (("N:;;;;", "ORG:Bau\\; GmbH;Einkauf"), (None, None), "Bau\\; GmbH"),
        (("FN: ", "N:;;;;", "EMAIL:a@example.com"), (None, None), "a@example.com"),
        (("N:;;;;", "NICKNAME:Maxi", "TEL:0221 5"), ("Maxi", None), "Maxi"),
    ],
)
def test_rule_28_a_contact_without_fn_is_served_with_one(
    agency: Agency, server: Server, version: str, lines: tuple[str, ...], name: tuple[str | None, ...], shown: str
) -> None:
    """Both versions demand it; readers refuse a card without. It is made of the name, and names nobody else."""
    device = server.start().device()
    assert put(device, "addresses/a.vcf", card(*lines, version=version)).status == 201
    row = address(agency)
    assert (row["NAME"] or None, row["VORNAME"] or None) == name
    text = device.get("addresses/a.vcf").text
    assert [line for line in payloads.lines_of(text) if line.startswith("FN")] == [f"FN:{shown}"]
    agency.office.change(agency.office.tables.address, {}, NAME="Neu", VORNAME="", TITEL="")
    device.sync("addresses")
    assert "FN:Neu" in payloads.lines_of(device.get("addresses/a.vcf").text)


@pytest.mark.parametrize(
    ("line", "identifier"),
    [
        ("ADR;TYPE=WORK:;;Weg 1;Köln;;50667;", "Weg 1, Köln"),
        ("ADR;TYPE=HOME:;;Weg 1;Köln;;50667;", "Neue Adresse"),
        ("NOTE:Hausmeister", "Neue Adresse"),
        ("URL:http://example.com", "Neue Adresse"),
    ],
)
def test_rule_28_a_contact_without_any_name_is_one(agency: Agency, server: Server, line: str, identifier: str) -> None:
    """A phone lets its user store an address, a note or a link alone."""
    device = server.start().device()
    assert put(device, "addresses/a.vcf", card("FN:", "N:;;;;", line)).status == 201
    row = address(agency)
    assert (row["KENNUNG"], row["NAME"] or "", row["FIRMA"] or "") == (identifier, "", "")
    assert line in payloads.lines_of(device.get("addresses/a.vcf").text)


def test_rule_28_a_card_that_says_nothing_is_none(agency: Agency, server: Server) -> None:
    """It is refused with 409, and nothing is written."""
    answer = put(server.start().device(), "addresses/a.vcf", card("FN:", "N:;;;;", "PRODID:x", "REV:20260101T000000Z"))
    assert (answer.status, "valid-address-data" in answer.text) == (409, True)
    assert agency.office.rows(agency.office.tables.address) == []


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("\u202d030\u00ad 1234\u202c567\u2069", "030 1234567"),  # soft hyphen, marks amid the number
        ("+49\u2011151\u2009234\u2013567", "+49-151 234-567"),  # as Apple and web pages typeset it
        ("\uff10\uff13\uff10\u3000\uff11", "030 1"),
        ("\u061c\u2060030 1\ufe0f", "030 1"),
        ("tel:0171%201234", "0171 1234"),
        ("tel:5551;phone-context=+49221", "+49221 5551"),
        ("tel:+49-221-5551;ext=12;isub=1", "+49-221-5551-12"),
        ("tel:5551;phone-context=example.com", "5551"),
        ("0221 1;2", "0221 1;2"),
    ],
)
def test_rule_44_a_number_is_what_a_telephone_dials(agency: Agency, server: Server, value: str, number: str) -> None:
    """Without what nobody sees, with plain blanks, hyphens and digits, without what a URI says beside it."""
    device = server.start().device()
    kind = ";VALUE=uri" if value.startswith("tel:") else ""
    sent = payloads.vcard("a", f"TEL;TYPE=WORK{kind}:{value}")
    version = "4.0" if kind else "3.0"
    assert put(device, "addresses/a.vcf", sent.replace("VERSION:3.0", f"VERSION:{version}").encode()).status == 201
    assert agency.office.row(agency.office.tables.phone)["NUMMER"] == number
    before = agency.office.everything()
    got = device.get("addresses/a.vcf")
    edited = got.text.replace("END:VCARD", "NICKNAME:Evi\r\nEND:VCARD")
    assert device.put("addresses/a.vcf", edited, got.etag).status == 204
    assert agency.office.everything() == before


@pytest.mark.parametrize(
    ("sent", "served"),
    [
        ("PHOTO:data:image/jpeg;base64\\,/9j/4AAQ", "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ"),  # Nextcloud
        ("PHOTO;VALUE=uri:data:image/png;base64,/9j/4AAQ", "PHOTO;ENCODING=b;TYPE=PNG:/9j/4AAQ"),
        ("BDAY:--0203", "BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-03"),
        ("URL;PREF=1:http://example.com", "URL;TYPE=PREF:http://example.com"),
    ],
)
def test_rule_28_a_card_of_3_0_has_no_values_of_4_0(agency: Agency, server: Server, sent: str, served: str) -> None:
    """A reader of 3.0 knows no data: URI and no birthday without a year, whatever its writer called its card."""
    device = server.start().device()
    assert put(device, "addresses/a.vcf", payloads.vcard("a", sent, "X-OWN:--1").encode()).status == 201
    before = agency.office.everything()
    got = device.get("addresses/a.vcf")
    assert {served, "X-OWN:--1"} <= set(payloads.lines_of(got.text))
    assert put(device, "addresses/a.vcf", payloads.vcard("a", sent, "X-OWN:--1").encode()).status == 204
    assert device.get("addresses/a.vcf").etag == got.etag
    assert agency.office.everything() == before


@pytest.mark.parametrize(
    ("head", "value"),
    [
        ("ENCODING=QUOTED-PRINTABLE", "Stra=C3=9Fe=0D=0A=\r\nzwei=3B"),
        ('CHARSET=UTF-8;ENCODING="QUOTED-PRINTABLE"', "Stra=C3=9Fe=0D=0Azwei=3B"),
        ("QUOTED-PRINTABLE;CHARSET=ISO-8859-1", "Stra=DFe=0D=0Azwei=3B"),
        ("encoding=quoted-printable;charset=utf-8", "Stra=C3=9Fe\\nzwei\\;"),
        ("LANGUAGE=de", "Straße\\r\\nzwei\\;"),  # both halves of a line end escaped
    ],
)
def test_rule_44_a_coded_text_of_any_payload(agency: Agency, server: Server, head: str, value: str) -> None:
    """Quoted-printable is what its parameter says, in a card and in an entry, and a line end is one."""
    device = server.start().device()
    assert (
        put(device, "addresses/a.vcf", payloads.vcard("a", f"NOTE;{head}:{value}", "TEL:0221 5").encode()).status == 201
    )
    assert address(agency)["NOTIZ"] == "Straße\nzwei;"
    body = event(f"DESCRIPTION;{head}:{value}", "LOCATION:Weg 1").replace(
        b"SUMMARY:", f"SUMMARY;{head}:{value} ".encode()
    )
    assert put(device, "appointments/e.ics", body).status == 201
    row = stored(agency)
    assert (row["BETREFF"], row["NOTIZ"]) == ("Straße zwei; Notar", "Straße\nzwei;")
    text = device.get("appointments/e.ics").text
    assert ("QUOTED-PRINTABLE" in text.upper(), "LOCATION:Weg 1" in text) == (False, True)


def test_rule_44_lists_with_empty_values_have_single_blanks(agency: Agency, server: Server) -> None:
    """An editor of lists leaves empty values in them."""
    device = server.start().device()
    assert (
        put(device, "addresses/a.vcf", payloads.vcard("a", name="Meier;Eva,,Maria,;;Dr.,,med.;").encode()).status == 201
    )
    row = address(agency)
    assert (row["VORNAME"], row["TITEL"]) == ("Eva Maria", "Dr. med.")


@pytest.mark.parametrize(
    ("codec", "content_type"),
    [
        ("utf-8", "text/vcard; charset="),
        ("utf-8", 'text/vcard; charset=""'),
        ("utf-8", "charset=nosuch"),
        ("utf-8", "text/vcard, charset=nosuch"),
        ("utf-8", "text/vcard; charset=utf-16"),
        ("utf-16", "text/vcard"),
        ("utf-16", "text/vcard; charset=utf-16"),
        ("cp1252", "text/vcard"),
        ("cp1252", "text/vcard; charset=iso-8859-1"),
        ("cp1252", "text/vcard; charset=us-ascii"),
        ("cp1252", "text/vcard; charset=windows-1252"),
    ],
)
def test_rule_28_a_body_is_read_as_what_it_is(agency: Agency, server: Server, codec: str, content_type: str) -> None:
    """Whatever its Content-Type says or fails to say; quotes and dashes of Windows are no control characters."""
    device = server.start().device()
    sent = payloads.vcard("a", "NOTE:„Straße“ – 5 €").encode(codec)
    assert put(device, "addresses/a.vcf", sent, content_type).status == 201
    assert address(agency)["NOTIZ"] == "„Straße“ – 5 €"


@pytest.mark.parametrize(
    ("row", "number", "edits", "company"),
    [
        (
            {"FIRMA": "Bau GmbH"},
            "",
            (("FN:Bau GmbH", "FN:Bau AG"), ("N:;;;;", "N:AG;Bau;;;"), ("ORG:Bau GmbH", "ORG:Bau AG")),
            "Bau AG",
        ),
        ({"FIRMA": "Bau GmbH"}, "", (("N:;;;;", "N:GmbH;Bau;;;"), ("ORG:Bau GmbH", "ORG:Bau AG")), "Bau AG"),
        ({"KENNUNG": "Haus Meier"}, "", (("N:;;;;", "N:Meier;Haus;;;"),), ""),
        ({"KENNUNG": "0221 5"}, "0221 5", (("N:;;;;", "N:5;0221;;;"),), ""),
    ],
)
def test_rule_44_what_android_makes_of_what_it_is_shown_is_no_person(
    agency: Agency, server: Server, row: dict[str, str], number: str, edits: tuple[tuple[str, str], ...], company: str
) -> None:
    """Of the company as its user calls it now, and of an address that is shown by its Kennung."""
    agency.office.address([agency.own], [number] if number else [], **{"NAME": "", **row})
    device = server.start().device()
    (href,) = device.sync("addresses").changed
    got = device.get(f"addresses/{href}")
    text = got.text
    for before, after in (*edits, ("END:VCARD", "NICKNAME:x\r\nEND:VCARD")):
        assert before in text
        text = text.replace(before, after)
    assert device.put(f"addresses/{href}", text, got.etag).status == 204
    found = address(agency)
    assert (found["FIRMA"] or "", found["NAME"] or "", found["VORNAME"] or "") == (company, "", "")
    agency.office.change(agency.office.tables.address, {}, ORT="Köln")
    device.sync("addresses")
    got = device.get(f"addresses/{href}")
    named = got.text.replace("N:;;;;", "N:Muster;Max;;;").replace("FN:", "FN:Max Muster ")
    assert device.put(f"addresses/{href}", named, got.etag).status == 204
    assert (address(agency)["NAME"], address(agency)["VORNAME"]) == ("Muster", "Max")
