"""A contact in two versions of vCard: served in one as a whole, compared in one form (rules 9, 25, 44)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pytest

from radicale_flowfact.content.contentlines import split_lines
from radicale_flowfact.content.vcard import versions
from tests.conftest import Agency, Server
from tests.content.vcard.validity import faults
from tests.device import Answer, Device

LATER = datetime(2026, 6, 15, 12)
ADDRESS = "ADR;TYPE=WORK:;;Weg 1;Berlin;;10115;Deutschland"
PHOTO = "PHOTO:data:image/jpeg;base64,/9j/4AAQSkZJRgABAQ=="


def card(version: str, *lines: str) -> str:
    """Return a contact of a version."""
    head = ["BEGIN:VCARD", f"VERSION:{version}", "UID:vera", "FN:Vera Vier", "N:Vier;Vera;;;"]
    return "\r\n".join([*head, *lines, "END:VCARD", ""])


def get(device: Device, version: str, path: str = "addresses/vera.vcf") -> Answer:
    """Fetch a contact in a version; it must be one as a whole."""
    answer = device.request("GET", path, headers={"Accept": f"text/vcard; version={version}"})
    assert answer.status == 200
    assert faults(answer.text, version) == []
    return answer


def lines_of(text: str, *without: str) -> Counter[str]:
    """Return the lines of a card but those of some names, whatever their order."""
    return Counter(line.text for line in split_lines(text) if line.name not in ("VERSION", *without))


def change_postcode(agency: Agency, device: Device) -> dict[str, object]:
    """Let the office change the postcode, and the device hear of it; return FlowFact's row before."""
    table = agency.office.tables.address
    before = agency.office.row(table)
    agency.office.change(table, {"DSN": before["DSN"]}, PLZ="10999", TOUCH=LATER)
    device.sync("addresses")
    return before


CASES = [
    # sent in 4.0, and how it stands in 3.0
    (("EMAIL;TYPE=work;PREF=1:vera@example.com",), ("EMAIL;TYPE=INTERNET,WORK,PREF:vera@example.com",)),
    (("EMAIL;TYPE=home:privat@example.com",), ("EMAIL;TYPE=INTERNET,HOME:privat@example.com",)),
    (("BDAY:--0203",), ("BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-03",)),
    (("BDAY:19800203",), ("BDAY:1980-02-03",)),
    ((PHOTO,), ("PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQ==",)),
    (("PHOTO;MEDIATYPE=image/png:https://x.de/a.png",), ("PHOTO;VALUE=uri;TYPE=PNG:https://x.de/a.png",)),
    (("KIND:individual",), ("X-VCARD4-KIND:individual",)),
    (("RELATED;TYPE=spouse;VALUE=text:Viktor",), ("X-VCARD4-RELATED;TYPE=spouse;VALUE=text:Viktor",)),
    (("TZ:Europe/Berlin", "GEO:geo:52.5,13.4"), ("TZ;VALUE=text:Europe/Berlin", "GEO:52.5;13.4")),
    (("TZ;VALUE=utc-offset:-0500", "LANG;PREF=1:fr"), ("TZ:-05:00", "X-VCARD4-LANG;X-VCARD4-PREF=1:fr")),
    (("ANNIVERSARY:20090808", "GENDER:F"), ("X-ANNIVERSARY:2009-08-08", "X-VCARD4-GENDER:F")),
    (
        ('ADR;TYPE=home;PREF=1;LABEL="Weg 2\\nBerlin":;;Weg 2;Berlin;;10117;',),
        ("ADR;TYPE=HOME,PREF:;;Weg 2;Berlin;;10117;", "LABEL;TYPE=HOME,PREF:Weg 2\\nBerlin"),
    ),
    (("IMPP;PREF=1:xmpp:v@example.com", "X-OWN:a"), ("IMPP;TYPE=PREF:xmpp:v@example.com", "X-OWN:a")),
    (("KEY:data:application/pgp-keys;base64,eA==",), ("KEY;ENCODING=b;TYPE=PGP:eA==",)),
]


@pytest.mark.parametrize(("four", "three"), [*CASES, (sum((c[0] for c in CASES), ()), sum((c[1] for c in CASES), ()))])
def test_rule_25_a_contact_of_4_is_one_of_3_as_a_whole(
    agency: Agency, server: Server, four: tuple[str, ...], three: tuple[str, ...]
) -> None:
    """Sent in 4.0, changed in the office: who asks for 4.0 gets it as it was, all others get 3.0 (case 017)."""
    at_most_once: dict[str, str] = {line.partition(":")[0].partition(";")[0]: line for line in four}
    once = ("BDAY", "TZ", "PHOTO")
    sent = [line for line in four if not line.startswith(once) or line in at_most_once.values()]
    wanted = [line for line in three if not line.startswith(once) or line in versions.to_3(card("4.0", *sent))]
    device = server.start().device()
    assert device.put("addresses/vera.vcf", card("4.0", ADDRESS, *sent), new=True).status == 201
    before = change_postcode(agency, device)
    after = agency.office.row(agency.office.tables.address)
    assert {name for name in after if after[name] != before[name]} - {"TOUCH"} == {"PLZ"}
    got = lines_of(get(device, "3.0").text)
    assert Counter(wanted) - got == Counter()
    expected = lines_of(card("4.0", ADDRESS.replace("10115", "10999"), *sent))
    assert lines_of(get(device, "4.0").text) == expected
    assert device.get("addresses/vera.vcf").text == get(device, "3.0").text
    (text,) = [text for _, text in device.multiget("addresses", ["vera.vcf"]).values()]
    assert lines_of(text) == got


def everything_in(four: bool) -> tuple[str, ...]:
    """Return all lines of the cases that may stand beside each other."""
    lines = sum((case[0] if four else case[1] for case in CASES), ())
    skipped = ("BDAY:1980", "TZ;VALUE=utc-offset", "TZ:-05:00", "PHOTO;MEDIATYPE", "PHOTO;VALUE=uri")
    return tuple(line for line in lines if not line.startswith(skipped))


@pytest.mark.parametrize("fetched", ["3.0", "4.0"])
@pytest.mark.parametrize("sent", ["3.0", "4.0"])
@pytest.mark.parametrize("names_version", [True, False])
def test_rule_44_the_other_version_is_no_change(
    agency: Agency, server: Server, fetched: str, sent: str, names_version: bool
) -> None:
    """Whatever version a device fetches and whatever it sends: no column of FlowFact changes, no line is lost."""
    device = server.start().device()
    assert device.put("addresses/vera.vcf", card("4.0", ADDRESS, *everything_in(True)), new=True).status == 201
    change_postcode(agency, device)
    before, texts = agency.office.everything(), [get(device, version).text for version in versions.VERSIONS]
    got = get(device, fetched)
    text = versions.in_version(got.text, sent)
    assert device.put("addresses/vera.vcf", text, got.etag if names_version else "").status == 204
    assert agency.office.everything() == before
    assert [lines_of(get(device, version).text) for version in versions.VERSIONS] == [lines_of(text) for text in texts]


@pytest.mark.parametrize("sent", ["3.0", "4.0"])
def test_rule_44_lines_of_the_other_version_below_a_version(agency: Agency, server: Server, sent: str) -> None:
    """A device that changes the number of the version alone loses nothing, and nothing of FlowFact."""
    device = server.start().device()
    assert device.put("addresses/vera.vcf", card("4.0", ADDRESS, *everything_in(True)), new=True).status == 201
    before, texts = agency.office.everything(), [get(device, version).text for version in versions.VERSIONS]
    other = {"3.0": "4.0", "4.0": "3.0"}[sent]
    got = get(device, other)
    text = got.text.replace(f"VERSION:{other}", f"VERSION:{sent}")
    assert device.put("addresses/vera.vcf", text, got.etag).status == 204
    assert agency.office.everything() == before
    for version, text in zip(versions.VERSIONS, texts, strict=True):
        got = device.request("GET", "addresses/vera.vcf", headers={"Accept": f"text/vcard; version={version}"})
        # An ADR with a LABEL inside is a device's own way below 3.0, and stays so.
        assert lines_of(text, "ADR", "LABEL") - lines_of(got.text, "ADR", "LABEL") == Counter()


@pytest.mark.parametrize("sent", ["3.0", "4.0"])
def test_rule_44_what_flowfact_made_is_as_it_was_after_an_edit_in_4(agency: Agency, server: Server, sent: str) -> None:
    """A nickname added to contacts that the office made, fetched in 4.0, changes no column."""
    fields = {
        "NAME": "Meier; Söhne",
        "VORNAME": "Eva",
        "TITEL": "Dr.",
        "FIRMA": "Bau, Tief & Hoch",
        "STRASSE": "Weg 1; 2",
    }
    fields |= {
        "PLZ": "50667",
        "ORT": "Köln",
        "LAND": "DE",
        "FAX": "0221 9",
        "EMAIL": "e@x.de",
        "NOTIZ": "a; b\nc, d\\e",
    }
    phones = [f"0221 / {number}" for number in range(1, 11)]
    agency.office.address([agency.own], phones=phones, **fields)
    agency.office.address([agency.own], FIRMA="Nur Firma")
    agency.office.address([agency.own], NAME="Nur Name", phones=["+41 44 1;ext=2"])
    device = server.start().device()
    before = agency.office.everything()
    for href in device.sync("addresses").changed:
        got = get(device, "4.0", f"addresses/{href}")
        edited = versions.in_version(got.text.replace("END:VCARD", "NICKNAME:Evi\r\nEND:VCARD"), sent)
        assert device.put(f"addresses/{href}", edited, got.etag).status == 204
        assert "NICKNAME:Evi" in get(device, "3.0", f"addresses/{href}").text
    assert agency.office.everything() == before


def test_rule_09_an_edit_in_4_reaches_flowfact(agency: Agency, server: Server) -> None:
    """Fields are read from a card of 4.0 as from one of 3.0; a number may be a URI, types may be quoted."""
    agency.office.address([agency.own], NAME="Meier", STRASSE="Weg 1", EMAIL="e@x.de", phones=["0221 1", "0171 1"])
    device = server.start().device()
    (href,) = device.sync("addresses").changed
    got = get(device, "4.0", f"addresses/{href}")
    number = 'TEL;VALUE=uri;TYPE="voice,work";PREF=1:tel:+49-221-7'
    text = "\r\n".join(number if line.endswith("0221 1") else line for line in got.text.splitlines())
    text = text.replace("Weg 1", "Weg 2").replace("e@x.de", "neu@x.de")
    assert device.put(f"addresses/{href}", f"{text}\r\n", got.etag).status == 204
    row = agency.office.row(agency.office.tables.address)
    assert (row["NAME"], row["STRASSE"], row["EMAIL"]) == ("Meier", "Weg 2", "neu@x.de")
    numbers = {phone["POS"]: phone["NUMMER"] for phone in agency.office.rows(agency.office.tables.phone)}
    assert numbers == {1: "+49-221-7", 2: "0171 1"}


def test_rule_25_what_is_taken_off_in_4_is_gone_in_both(agency: Agency, server: Server) -> None:
    """A photo deleted and a birthday changed in 4.0: the other device, which has 3.0, sees it."""
    device = server.start().device()
    sent = card("4.0", ADDRESS, PHOTO, "BDAY:--0203", "RELATED:urn:uuid:1", "GENDER:F")
    assert device.put("addresses/vera.vcf", sent, new=True).status == 201
    got = get(device, "4.0")
    edited = "".join(line for line in got.text.splitlines(keepends=True) if not line.startswith(("PHOTO", "RELATED")))
    edited = edited.replace("--0203", "19800204").replace("GENDER:F", "GENDER:O")
    assert device.put("addresses/vera.vcf", edited, got.etag).status == 204
    three = get(device, "3.0").text
    assert ("PHOTO" in three, "RELATED" in three, "BDAY:1980-02-04" in three) == (False, False, True)
    assert lines_of(get(device, "4.0").text) == lines_of(edited)


def test_rule_25_a_photo_from_a_device_with_3_is_there_in_4(agency: Agency, server: Server) -> None:
    """And comes back to the device that sent it byte for byte, whatever the other one edits."""
    device = server.start().device()
    odd = ("PHOTO;TYPE=JPG;ENCODING=BASE64:/9j/", "BDAY:19960415", "EMAIL;type=HOME;type=pref:a@b.de", "TZ:-0500")
    assert device.put("addresses/vera.vcf", card("3.0", ADDRESS, *odd), new=True).status == 201
    got = get(device, "4.0")
    assert {"PHOTO:data:image/jpeg;base64,/9j/", "BDAY:19960415"} <= lines_of(got.text).keys()
    edited = got.text.replace("END:VCARD", "NICKNAME:Vera\r\nEND:VCARD")
    assert device.put("addresses/vera.vcf", edited, got.etag).status == 204
    kept = lines_of(device.get("addresses/vera.vcf").text)
    assert {*odd, "NICKNAME:Vera"} - {"EMAIL;type=HOME;type=pref:a@b.de"} <= kept.keys()


def test_rule_25_a_group_of_4_is_one_of_apple_in_3(agency: Agency, server: Server) -> None:
    """A group stays on the device; its members come back under the names of either version."""
    device = server.start().device()
    members = ("urn:uuid:03a0e51f-d1aa-4385-8a53-e29025acd8af", "urn:uuid:b8767877-b4a1-4c70-9acc-505d3819e519")
    text = "\r\n".join(
        ["BEGIN:VCARD", "VERSION:4.0", "UID:g", "KIND:group", "FN:Kunden", *(f"MEMBER:{one}" for one in members)]
    )
    before = agency.office.everything()
    assert device.put("addresses/g.vcf", f"{text}\r\nEND:VCARD\r\n", new=True).status == 201
    assert agency.office.everything() == before
    three, four = (lines_of(get(device, version, "addresses/g.vcf").text) for version in versions.VERSIONS)
    assert {"X-ADDRESSBOOKSERVER-KIND:group", *(f"X-ADDRESSBOOKSERVER-MEMBER:{one}" for one in members)} <= three.keys()
    assert {"KIND:group", *(f"MEMBER:{one}" for one in members)} <= four.keys()


@pytest.mark.parametrize("types", ["", ";TYPE=work", ";TYPE=work;PREF=1"])
def test_rule_44_a_label_of_4_lives_as_long_as_its_address(agency: Agency, server: Server, types: str) -> None:
    """It is a parameter of the address in 4.0 and a line of its own in 3.0; the office's address has none."""
    device = server.start().device()
    line = f'ADR{types};LABEL="Altweg 1\\n10115 Berlin":;;Altweg 1;Berlin;;10115;Deutschland'
    assert device.put("addresses/vera.vcf", card("4.0", line), new=True).status == 201
    agency.office.change(agency.office.tables.address, {}, NOTIZ="Neu", TOUCH=LATER)
    device.sync("addresses")
    assert get(device, "4.0").text.count("LABEL=") == get(device, "3.0").text.count("LABEL") == 1
    agency.office.change(agency.office.tables.address, {}, STRASSE="Neuallee 9", TOUCH=datetime(2026, 6, 15, 13))
    device.sync("addresses")
    for version in versions.VERSIONS:
        text = get(device, version).text
        assert ("Neuallee" in text, "Altweg" in text) == (True, False)


@pytest.mark.parametrize(
    ("lines", "comes_back"),
    [
        ((ADDRESS, PHOTO, "BDAY:--0203", "EMAIL;TYPE=work;PREF=1:v@example.com", "RELATED:urn:uuid:1"), False),
        ((ADDRESS, "REV:20260101T120000Z", "KIND:individual", "NOTE:" + "a, b" * 50), False),
        ((ADDRESS, 'TEL;TYPE="voice,home":0221 1'), True),
        ((ADDRESS, "BDAY:1980-02-03"), True),
    ],
)
def test_rule_08_a_contact_of_4_does_not_come_back_as_a_change(
    agency: Agency, server: Server, lines: tuple[str, ...], comes_back: bool
) -> None:
    """Only if its lines are spelt in another way in 4.0 than it sent them, the device gets no ETag and fetches it."""
    device = server.start().device()
    answer = device.put("addresses/vera.vcf", card("4.0", *lines), new=True)
    assert (answer.status, answer.etag == "") == (201, comes_back)
    etag = device.sync("addresses").changed["vera.vcf"]
    assert get(device, "3.0").etag == get(device, "4.0").etag == etag
    assert comes_back or answer.etag == etag
    same = list(lines_of(get(device, "4.0").text)) == list(lines_of(card("4.0", *lines)))
    assert same is not comes_back
