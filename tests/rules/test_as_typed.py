"""Rules 9, 10 and 11: what brokers type and programs decorate reaches FlowFact as FlowFact keeps it."""

from __future__ import annotations

import pytest

from tests import payloads
from tests.conftest import Agency, Server
from tests.device import Device
from tests.rules.client import only


def new(device: Device, *lines: str) -> None:
    """Make a contact of these lines."""
    assert device.put("addresses/a.vcf", payloads.vcard("a", *lines), new=True).status == 201


def fields(agency: Agency, *names: str) -> tuple[object, ...]:
    """Return fields of the one address."""
    row = agency.office.row(agency.office.tables.address)
    return tuple(row[name] for name in names)


@pytest.mark.parametrize(
    ("street", "parts"),
    [
        ("Domstr. 1\\n50667 Köln", ("Domstr. 1", "50667", "Köln")),
        (
            "Haus Rhein\\nDomstr. 1\\n50667 Bad Münster am Stein",
            ("Haus Rhein\nDomstr. 1", "50667", "Bad Münster am Stein"),
        ),
        ("Domstr. 1\\, 50667 Köln", ("Domstr. 1", "50667", "Köln")),
        ("Domstr. 1\\nD-50667 Köln", ("Domstr. 1", "50667", "Köln")),
        ("Ring 3\\nA-1010 Wien", ("Ring 3", "1010", "Wien")),
        ("Domstr. 1", ("Domstr. 1", "", "")),
        ("Domstr. 1\\nHinterhaus", ("Domstr. 1\nHinterhaus", "", "")),
        ("Straße 50667 Köln", ("Straße 50667 Köln", "", "")),
        ("50667 Köln", ("50667 Köln", "", "")),
        ("Ring 3\\n1010 Wien", ("Ring 3\n1010 Wien", "", "")),
        ("Weg 1\\n50667 Köln 2", ("Weg 1\n50667 Köln 2", "", "")),
    ],
)
def test_rule_09_an_address_typed_into_the_street_is_taken_apart(
    agency: Agency, server: Server, street: str, parts: tuple[str, ...]
) -> None:
    """Where it clearly is one: postcode and town last. Made anew or edited; the device gets FlowFact's form."""
    device = server.start().device()
    new(device, f"ADR;TYPE=WORK:;;{street};;;;")
    assert fields(agency, "STRASSE", "PLZ", "ORT") == parts
    agency.office.change(agency.office.tables.address, {}, STRASSE="Weg 1", PLZ="", ORT="")
    path, etag, text = only(device, "addresses")
    assert device.put(path, text.replace(";;Weg 1;;;;", f";;{street};;;;"), etag).status == 204
    assert fields(agency, "STRASSE", "PLZ", "ORT") == parts
    server.verify()


def test_rule_09_an_address_with_a_town_is_left_as_it_is(agency: Agency, server: Server) -> None:
    """What stands in its own field is not guessed at; nor what the office typed into the street."""
    device = server.start().device()
    new(device, "ADR;TYPE=WORK:;;Domstr. 1\\n50667 Köln;Bonn;;;")
    assert fields(agency, "STRASSE", "PLZ", "ORT") == ("Domstr. 1\n50667 Köln", "", "Bonn")
    agency.office.change(agency.office.tables.address, {}, STRASSE="Weg 1\n50667 Köln", ORT="")
    path, etag, text = only(device, "addresses")
    before = agency.office.everything()
    assert device.put(path, text.replace("END:VCARD", "NICKNAME:x\r\nEND:VCARD"), etag).status == 204
    assert agency.office.everything() == before


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ('"Max" <max@example.com>', "max@example.com"),
        ("Max Muster <max@example.com>", "max@example.com"),
        ("<max@example.com>", "max@example.com"),
        ("mailto:max@example.com", "max@example.com"),
        ("MAILTO:max@example.com?subject=x", "max@example.com"),
        ("<mailto:max@example.com>", "max@example.com"),
        ("max@example.com", "max@example.com"),
        ("Max <max>", "Max <max>"),
    ],
)
def test_rule_09_an_e_mail_reaches_flowfact_without_its_decorations(
    agency: Agency, server: Server, sent: str, stored: str
) -> None:
    """As copied from a mail or a web page."""
    device = server.start().device()
    new(device, f"EMAIL;TYPE=WORK:{sent}")
    assert fields(agency, "EMAIL") == (stored,)


def test_rule_26_what_the_office_typed_with_decorations_stays(agency: Agency, server: Server) -> None:
    """A device that takes them off changes nothing."""
    agency.office.address([agency.own], ["0221 123 DW 45"], EMAIL='"Max" <max@example.com>')
    device = server.start().device()
    path, etag, text = only(device, "addresses")
    before = agency.office.everything()
    plain = text.replace('"Max" <max@example.com>', "max@example.com").replace("0221 123 DW 45", "tel:+49221123;ext=45")
    assert plain != text
    assert device.put(path, plain, etag).status == 204
    assert agency.office.everything() == before


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("0221 123 DW 45", "0221 123-45"),
        ("0221 123 ext. 45", "0221 123-45"),
        ("(0221) 123 DW 45", "(0221) 123-45"),
        ("(+49) 221 123 x45", "(+49) 221 123-45"),
        ("+49 221 123 x45", "+49 221 123-45"),
        ("0221/123 Durchwahl 45", "0221/123-45"),
        ("tel:+49-221-123;ext=45", "+49-221-123-45"),
        ("+1 418 656-9254 ext. 102", "+1 418 656-9254 ext. 102"),
        ("tel:+1-418-656-9254;ext=102", "+1-418-656-9254 ext. 102"),
        ("0221 123-45", "0221 123-45"),
        ("0221 TAXI", "0221 TAXI"),
    ],
)
def test_rule_10_an_extension_reaches_flowfact_as_an_office_writes_it(
    agency: Agency, server: Server, sent: str, stored: str
) -> None:
    """A telephone system dials what stands behind the hyphen; the number stays the same for the device."""
    device = server.start().device()
    new(device, f"TEL;TYPE=WORK:{sent}")
    assert [row["NUMMER"] for row in agency.office.rows(agency.office.tables.phone)] == [stored]
    before = agency.office.everything()
    path, etag, text = only(device, "addresses")
    assert device.put(path, text.replace(stored, sent).replace("END:", "NICKNAME:x\r\nEND:"), etag).status == 204
    assert agency.office.everything() == before
