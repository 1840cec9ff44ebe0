"""What known programs misspell is read as they mean it (rules 28, 44): each kind by several inputs, on both sides.

Where a program or a report is known that writes so, it is named beside the input.
"""

from __future__ import annotations

from datetime import datetime

import pytest

from tests import payloads
from tests.conftest import Agency, Server
from tests.device import Answer, Device

NOON = datetime(2026, 12, 10, 10)
LATER = datetime(2026, 6, 15, 12)
DATE_TIMES = ("DTSTART;TZID=Europe/Berlin:20261210T100000", "DTEND;TZID=Europe/Berlin:20261210T110000")


def put(device: Device, path: str, body: bytes, content_type: str = "") -> Answer:
    """Send a body byte for byte."""
    kind = content_type or ("text/vcard" if path.endswith("vcf") else "text/calendar")
    return device.request("PUT", path, body, {"Content-Type": kind})


def edit_card(device: Device, before: str, after: str, line: str) -> str:
    """Change a text in the only contact that a device has, add a line, and send it; return its path."""
    (href,) = device.sync("addresses").changed
    got = device.get(f"addresses/{href}")
    assert before in got.text
    sent = got.text.replace(before, after).replace("END:VCARD", f"{line}\r\nEND:VCARD")
    assert device.put(f"addresses/{href}", sent, got.etag).status == 204
    return f"addresses/{href}"


def event(*lines: str, times: tuple[str, ...] = DATE_TIMES, before: tuple[str, ...] = ()) -> bytes:
    """Return an appointment."""
    inner = ("BEGIN:VEVENT", "UID:e", "DTSTAMP:20261101T000000Z", "SUMMARY:Notar", *times, *lines, "END:VEVENT")
    head = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//x//", *before)
    return "\r\n".join([*head, *inner, "END:VCALENDAR", ""]).encode()


def stored(agency: Agency) -> dict[str, object]:
    """Return the only appointment that FlowFact has."""
    return agency.office.row(agency.office.tables.activity)


@pytest.mark.parametrize("content_type", ["text/vcard", "text/vcard; charset=utf-8", "text/vcard; charset=iso-8859-1"])
@pytest.mark.parametrize("fold", [b"\r\n ", b"\n\t"])
def test_rule_44_a_fold_inside_of_a_character(agency: Agency, server: Server, content_type: str, fold: bytes) -> None:
    """KDE folds by bytes (sabre-io/dav#421); a body that is declared wrongly is UTF-8 all the same."""
    device = server.start().device()
    card = payloads.vcard("a", "NOTE:xü und Straße", name="Müller;Jörg;;;").encode()
    card = card.replace("xü".encode(), b"x\xc3" + fold + b"\xbc")
    answer = put(device, "addresses/a.vcf", card, content_type)
    assert (answer.status, answer.headers.get("ETag")) == (201, None)
    row = agency.office.row(agency.office.tables.address)
    assert (row["NAME"], row["VORNAME"], row["NOTIZ"]) == ("Müller", "Jörg", "xü und Straße")
    assert "NOTE:xü und Straße" in payloads.lines_of(device.get("addresses/a.vcf").text)


def test_rule_44_a_fold_inside_of_a_character_of_an_appointment(agency: Agency, server: Server) -> None:
    """What holds for contacts holds for entries."""
    device = server.start().device()
    body = event("DESCRIPTION:Straße").replace("ß".encode(), b"\xc3\r\n \x9f")
    assert put(device, "appointments/e.ics", body).status == 201
    assert stored(agency)["NOTIZ"] == "Straße"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (payloads.vcard("a").encode() + b"\xed\xa0\x80", "text/vcard"),  # a lone surrogate
        (payloads.vcard("a", "NOTE:Stra\xdfe").encode("latin-1"), "text/vcard; charset=utf-8"),
        (payloads.vcard("a", "NOTE:Stra\xdfe").encode("latin-1"), "text/vcard; charset=nosuch"),
        (b"\x00\x01\x02", "text/vcard"),
        (b"", "text/vcard"),
    ],
)
def test_rule_28_what_is_no_text_is_409(agency: Agency, server: Server, body: bytes, content_type: str) -> None:
    """A lone surrogate, bytes that are neither UTF-8 nor what they are called, no text at all: nothing is written."""
    answer = put(server.start().device(), "addresses/a.vcf", body, content_type)
    assert (answer.status, "valid-address-data" in answer.text) == (409, True)
    assert agency.office.rows(agency.office.tables.address) == []


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_rule_44_quoted_printable_below_any_version(agency: Agency, server: Server, version: str) -> None:
    """Android's export does so (nextcloud/server#10653), also with soft breaks."""
    device = server.start().device()
    lines = ["N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=96der;=C3=96m=C3=BCr;;;"]
    lines += ["FN;ENCODING=QUOTED-PRINTABLE:=C3=96m=C3=BCr =\r\n=C3=96der", "TEL;TYPE=CELL:0171 1", "X-OWN:a=b\\,c"]
    lines += ["NOTE;ENCODING=QUOTED-PRINTABLE:Zeile 1=0D=0AZeile 2\\, drei"]
    text = "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", "UID:a", *lines, "END:VCARD", ""])
    assert put(device, "addresses/a.vcf", text.encode()).status == 201
    row = agency.office.row(agency.office.tables.address)
    assert (row["NAME"], row["VORNAME"], row["NOTIZ"]) == ("Öder", "Ömür", "Zeile 1\nZeile 2, drei")
    got = device.get("addresses/a.vcf").text
    assert ("QUOTED-PRINTABLE" in got, "X-OWN:a=b\\,c" in got) == (False, True)


def test_rule_44_letters_in_two_characters_are_no_change(agency: Agency, server: Server) -> None:
    """Apple's file system gives decomposed letters; to people they are the same."""
    device = server.start().device()
    composed = payloads.vcard("a", "ORG:Käfer GmbH", "TITLE:Й", name="Größe;Jörg;;;")
    apart = composed.replace("ö", "o\u0308").replace("ä", "a\u0308").replace("Й", "И\u0306")
    assert device.put("addresses/a.vcf", composed, new=True).status == 201
    before = agency.office.everything()
    etag = device.get("addresses/a.vcf").etag
    assert device.put("addresses/a.vcf", apart, etag).status == 204
    assert agency.office.everything() == before
    assert device.put("addresses/b.vcf", apart.replace("UID:a", "UID:b"), new=True).status == 201
    rows = agency.office.rows(agency.office.tables.address)
    assert [(row["NAME"], row["FIRMA"]) for row in rows] == [("Größe", "Käfer GmbH")] * 2
    text = device.get("addresses/b.vcf").text
    assert ("\u0308" in text, "TITLE:Й" in text) == (False, True)


@pytest.mark.parametrize("mark", ["\u202a", "\u202c", "\u200e", "\u2066", "\u200b", "\ufeff"])
def test_rule_44_marks_that_nobody_sees_are_in_no_number(agency: Agency, server: Server, mark: str) -> None:
    """Direction marks and zero-width blanks around numbers and e-mails mean nothing; a joiner in a text does."""
    device = server.start().device()
    lines = (f"TEL;TYPE=WORK:{mark}030\u00a01234567{mark}", f"item1.EMAIL:{mark}anna@example.com{mark}")
    joined = "NOTE:a\u200db"  # joins two signs of a text: it is kept
    assert device.put("addresses/a.vcf", payloads.vcard("a", *lines, joined), new=True).status == 201
    assert agency.office.row(agency.office.tables.phone)["NUMMER"] == "030 1234567"
    row = agency.office.row(agency.office.tables.address)
    assert (row["EMAIL"], row["NOTIZ"]) == ("anna@example.com", "a\u200db")
    assert mark not in device.get("addresses/a.vcf").text.replace("\u200d", "")


UUID = "0a1b2c3d-0000-4000-8000-00000000000a"


@pytest.mark.parametrize("spelling", [f"urn:uuid:{UUID}", f"URN:UUID:urn:uuid:{UUID.upper()}", UUID.upper()])
def test_rule_44_a_uuid_is_one_uid_alone_and_as_a_urn(agency: Agency, server: Server, spelling: str) -> None:
    """EM Client writes it as vCard 4.0 does, or twice so (cyrusimap/cyrus-imapd#3991)."""
    device = server.start().device()
    card = payloads.vcard(UUID, "TEL;TYPE=CELL:0171 1")
    assert device.put("addresses/a.vcf", card, new=True).status == 201
    changed = card.replace(f"UID:{UUID}", f"UID:{spelling}").replace("0171 1", "0171 2")
    answer = device.put("addresses/a.vcf", changed, device.get("addresses/a.vcf").etag)
    assert (answer.status, answer.headers.get("ETag")) == (204, None)
    assert agency.office.row(agency.office.tables.phone)["NUMMER"] == "0171 2"
    assert f"UID:{UUID}" in payloads.lines_of(device.get("addresses/a.vcf").text)
    other = changed.replace(spelling, f"urn:uuid:{UUID[:-1]}b")
    assert device.put("addresses/a.vcf", other, device.get("addresses/a.vcf").etag).status == 409
    assert len(agency.office.rows(agency.office.tables.address)) == 1
    plain = payloads.vcard("text")
    assert device.put("addresses/t.vcf", plain, new=True).status == 201
    assert device.put("addresses/t.vcf", plain.replace("UID:text", "UID:TEXT")).status == 409


@pytest.mark.parametrize(
    "broken",
    [
        # Apple's places of several lines (aluxnimm/outlookcaldavsynchronizer#290)
        ("X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-TITLE=Weg 1", "10115 Berlin", "Deutschland:geo:52.52,13.40"),
        ("DESCRIPTION:eins", "zwei drei", "", "vier"),
        ("X-A", "X-B:1"),
        ("Weg 1", "X-B:1"),
        ('X-A;B="c:1',),
    ],
)
def test_rule_28_a_broken_line_refuses_no_entry(agency: Agency, server: Server, broken: tuple[str, ...]) -> None:
    """A line without a colon goes on from the one before it, or is left out; the entry goes in."""
    device = server.start().device()
    assert put(device, "appointments/e.ics", event("LOCATION:Weg 1", "X-C:0", *broken)).status == 201
    row = stored(agency)
    assert (row["BETREFF"], row["BEGINN"]) == ("Notar", NOON)
    agency.office.change(agency.office.tables.activity, {}, NOTIZ="Neu", TOUCH=LATER)
    text = device.get(f"appointments/{next(iter(device.sync('appointments').changed))}").text
    assert "LOCATION:Weg 1" in payloads.lines_of(text)
    assert all(":" in line for line in payloads.lines_of(text))


@pytest.mark.parametrize(
    "tzid",
    [
        *("tzone://Microsoft/Custom", "GMT+01:00"),  # libical/libical#152, phw198/OutlookGoogleCalendarSync#2148
        *("/Europe/Berlin", "+0100", "UTC+1", '"+01:00"', "GMT+01:00"),  # the last has no VTIMEZONE here
    ],
)
def test_rule_24_zones_named_with_signs(agency: Agency, server: Server, tzid: str) -> None:
    """A TZID with colons, a slash before it, or that is an offset names the zone that is meant."""
    described: tuple[str, ...] = (
        "BEGIN:VTIMEZONE",
        f"TZID:{tzid}",
        "BEGIN:STANDARD",
        "DTSTART:16010101T030000",
        "TZOFFSETFROM:+0200",
    )
    described += ("TZOFFSETTO:+0100", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", "END:STANDARD", "END:VTIMEZONE")
    times = (f"DTSTART;TZID={tzid}:20261210T100000", f"DTEND;X-A=b;TZID={tzid}:20261210T110000")
    device = server.start().device()
    body = event(times=times, before=described if "Custom" in tzid else ())
    assert put(device, "appointments/e.ics", body).status == 201
    row = stored(agency)
    assert (row["BEGINN"], row["ENDE"]) == (NOON, datetime(2026, 12, 10, 11))


@pytest.mark.parametrize("params", ['TZID="+01:00"', "TZID=GMT+01:00;X-A=b", 'X-A="b:c";TZID=Europe/Berlin'])
def test_rule_24_a_zone_beside_a_broken_line(agency: Agency, server: Server, params: str) -> None:
    """What is spelt rightly stays as it is when another line of the entry is mended."""
    times = (f"DTSTART;{params}:20261210T100000", f"DTEND;{params}:20261210T110000")
    body = event("DESCRIPTION:eins", "zwei drei", times=times)
    assert put(server.start().device(), "appointments/e.ics", body).status == 201
    row = stored(agency)
    assert (row["BEGINN"], row["ENDE"], row["NOTIZ"]) == (NOON, datetime(2026, 12, 10, 11), "eins\nzwei drei")


@pytest.mark.parametrize("rule", ["FREQ=MONTHLY;INTERVAL=12;BYDAY=-1SU", "FREQ=MONTHLY;INTERVAL=12"])
def test_rule_24_a_zone_s_rule_of_twelve_months_is_a_yearly_one(agency: Agency, server: Server, rule: str) -> None:
    """SyncEvolution writes all its zones so."""
    described: tuple[str, ...] = ("BEGIN:VTIMEZONE", "TZID:Europe/Berlin", "BEGIN:STANDARD", "DTSTART:19701025T030000")
    described += ("TZOFFSETFROM:+0200", "TZOFFSETTO:+0100", f"RRULE:{rule}", "END:STANDARD", "END:VTIMEZONE")
    assert put(server.start().device(), "appointments/e.ics", event(before=described)).status == 201
    assert stored(agency)["BEGINN"] == NOON


@pytest.mark.parametrize("line", ["RRULE:", "RDATE:", "EXDATE;TZID=Europe/Berlin: ", "rrule:", "EXRULE:"])
def test_rule_25_an_empty_rule_says_nothing(agency: Agency, server: Server, line: str) -> None:
    """Sync adapters of Android write an empty text instead of none."""
    device = server.start().device()
    assert put(device, "appointments/e.ics", event(line)).status == 201
    assert stored(agency)["BEGINN"] == NOON
    folded = event("RRULE:", " FREQ=DAILY").replace(b"UID:e", b"UID:f")
    assert put(device, "appointments/f.ics", folded).status == 201
    assert len(agency.office.rows(agency.office.tables.activity)) == 1  # a series stays on the device


@pytest.mark.parametrize(
    ("trigger", "moment"),
    [
        ("-P300S", datetime(2026, 12, 10, 9, 55)),  # calcurse
        ("-P2H", datetime(2026, 12, 10, 8)),
        ("PT", NOON),  # macOS
        ("P", NOON),
        ("-P", NOON),
        ("-PT1D", datetime(2026, 12, 9, 10)),  # Nextcloud
        ("-P1DT1H", datetime(2026, 12, 9, 9)),
    ],
)
def test_rule_16_triggers_as_some_programs_spell_them(
    agency: Agency, server: Server, trigger: str, moment: datetime
) -> None:
    """A T too few or too many, and nothing after it, have one possible meaning each."""
    device = server.start().device()
    alarm = ("BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:x", f"TRIGGER:{trigger}", "END:VALARM")
    assert put(device, "appointments/e.ics", event(*alarm)).status == 201
    row = stored(agency)
    assert (row["VORLAGE"], bool(row["VORLAGE_ZEIT"])) == (moment, True)
    assert "BEGIN:VALARM" in device.get("appointments/e.ics").text


@pytest.mark.parametrize("action", ["EMAIL", "email"])
def test_rule_16_a_mail_rings_nowhere(agency: Agency, server: Server, action: str) -> None:
    """Google, Nextcloud and Apple users have a mail a day before and an alarm shortly before."""
    device = server.start().device()
    mail = payloads.alarm("TRIGGER:-P1D").replace("DISPLAY", f"{action}\r\nATTENDEE:mailto:a@example.com")
    rings = ("BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:x", "TRIGGER:-PT15M", "END:VALARM")
    assert put(device, "appointments/e.ics", event(mail, *rings)).status == 201
    row = stored(agency)
    assert (row["VORLAGE"], bool(row["VORLAGE_ZEIT"])) == (datetime(2026, 12, 10, 9, 45), True)
    alone = event(mail).replace(b"UID:e", b"UID:f")
    assert put(device, "appointments/f.ics", alone).status == 201
    (other,) = [row for row in agency.office.rows(agency.office.tables.activity) if not row["VORLAGE_ZEIT"]]
    assert other["VORLAGE"] == datetime(2026, 12, 10)
    assert "ACTION:DISPLAY" not in device.get("appointments/f.ics").text


@pytest.mark.parametrize(
    "end",
    ["DTEND:20261211T000000Z", "DTEND:20261210T235959Z", "DTEND;VALUE=DATE:20261210T235959", "DTEND:20261210T220000Z"],
)
def test_rule_24_the_end_of_days_is_a_day(agency: Agency, server: Server, end: str) -> None:
    """Beside a DATE, only the date of a time is meant, whatever its zone."""
    device = server.start().device()
    times = ("DTSTART;VALUE=DATE:20261210", end)
    assert put(device, "appointments/e.ics", event(times=times)).status == 201
    row = stored(agency)
    assert (row["BEGINN"], row["ENDE"]) == (datetime(2026, 12, 10), datetime(2026, 12, 11))
    assert "DTEND;VALUE=DATE:20261211" in device.get("appointments/e.ics").text


def test_rule_44_a_title_of_several_words_comes_back_as_a_list(agency: Agency, server: Server) -> None:
    """DAVx5 splits prefix and middle names at each blank (nextcloud/contacts#2701)."""
    agency.office.address([agency.own], TITEL="Prof. Dr. med.", NAME="Lang", VORNAME="Max")
    device = server.start().device()
    listed = ("N:Lang;Max;;Prof. Dr. med.;", "N:Lang;Max;;Prof.,Dr.,med.;")
    path = edit_card(device, *listed, "TEL;TYPE=CELL:0171 1")
    row = agency.office.row(agency.office.tables.address)
    assert (row["TITEL"], row["VORNAME"]) == ("Prof. Dr. med.", "Max")
    assert "\\," not in device.get(path).text
    new = payloads.vcard("l", name="Lang;Max,Moritz;Otto,Emil;;MdB,Jr.")
    assert device.put("addresses/l.vcf", new, new=True).status == 201
    (made,) = [row for row in agency.office.rows(agency.office.tables.address) if row["TITEL"] != "Prof. Dr. med."]
    assert made["VORNAME"] == "Max Moritz"
    agency.office.change(agency.office.tables.address, {"DSN": made["DSN"]}, ORT="Neu", TOUCH=LATER)
    device.sync("addresses")
    assert "N:Lang;Max Moritz;Otto Emil;;MdB Jr." in payloads.lines_of(device.get("addresses/l.vcf").text)


NAMELESS = ("BEGIN:VCARD", "VERSION:4.0", "UID:n")


@pytest.mark.parametrize(
    ("lines", "name", "company"),
    [
        (("FN:Max Muster", "EMAIL:max@example.com"), "Max Muster", ""),
        (("FN:Max Muster", "N:;;;;", "EMAIL:max@example.com"), "Max Muster", ""),
        (("FN:Max Muster", "ORG:Bau GmbH"), "Max Muster", "Bau GmbH"),
        (("FN:max@example.com", "EMAIL:max@example.com"), "", ""),
        (("FN:Bau GmbH", "ORG:Bau GmbH", "EMAIL:max@example.com"), "", "Bau GmbH"),
        (("FN:Bau GmbH / Tief", "ORG:Bau GmbH;Tief"), "", "Bau GmbH"),
        (("FN:0171 1", "TEL:0171 1", "EMAIL:max@example.com"), "", ""),
        (("FN:n", "EMAIL:max@example.com"), "", ""),
        (("FN:Die Bauer", "N:;;;;", "ORG:Bau GmbH", "X-ABShowAs:COMPANY"), "", "Bau GmbH"),
    ],
)
def test_rule_09_a_name_in_fn_alone(
    agency: Agency, server: Server, lines: tuple[str, ...], name: str, company: str
) -> None:
    """FN is a name unless it repeats what else there is of the contact, as clients write for want of one."""
    device = server.start().device()
    text = "\r\n".join([*NAMELESS, *lines, "END:VCARD", ""])
    assert put(device, "addresses/n.vcf", text.encode()).status == 201
    row = agency.office.row(agency.office.tables.address)
    assert (row["NAME"] or "", row["VORNAME"] or "", row["FIRMA"] or "") == (name, "", company)
    agency.office.change(agency.office.tables.address, {}, ORT="Neu", TOUCH=LATER)
    device.sync("addresses")
    shown = device.get("addresses/n.vcf").text
    assert lines[0] in payloads.lines_of(shown)
    again = text.replace("END:VCARD", "NOTE:Neu\r\nEND:VCARD")  # the same program edits it later
    assert put(device, "addresses/n.vcf", again.encode()).status == 204
    row = agency.office.row(agency.office.tables.address)
    assert (row["NAME"] or "", row["VORNAME"] or "", row["FIRMA"] or "") == (name, "", company)
    assert row["NOTIZ"] == "Neu"


def test_rule_26_android_takes_a_company_apart(agency: Agency, server: Server) -> None:
    """It has no name without parts, so it splits what is shown (bitfireAT/vcard4android#31)."""
    agency.office.address([agency.own], NAME="", FIRMA="Bau GmbH")
    device = server.start().device()
    edit_card(device, "N:;;;;", "N:GmbH;Bau;;;", "TEL;TYPE=WORK:030 77")
    row = agency.office.row(agency.office.tables.address)
    assert (row["NAME"] or "", row["VORNAME"] or "", row["FIRMA"]) == ("", "", "Bau GmbH")
    assert agency.office.row(agency.office.tables.phone)["NUMMER"] == "030 77"


def test_rule_26_a_person_whose_company_is_called_alike_stays_one(agency: Agency, server: Server) -> None:
    """A sole trader's company has his name: it takes nothing of the person, made on a device or in the office."""
    agency.office.address([agency.own], NAME="Muster", VORNAME="Max", FIRMA="Max Muster")
    device = server.start().device()
    edit_card(device, "N:Muster;Max;;;", "N:Muster;Max;;;", "TEL;TYPE=WORK:030 77")
    row = agency.office.row(agency.office.tables.address)
    assert (row["NAME"], row["VORNAME"], row["FIRMA"]) == ("Muster", "Max", "Max Muster")
    new = payloads.vcard("n", "ORG:Eva Meier")
    assert device.put("addresses/n.vcf", new, new=True).status == 201
    rows = {row["FIRMA"]: (row["NAME"], row["VORNAME"]) for row in agency.office.rows(agency.office.tables.address)}
    assert rows == {"Max Muster": ("Muster", "Max"), "Eva Meier": ("Meier", "Eva")}


@pytest.mark.parametrize(
    "lines",
    [
        ('ADR;TYPE=work;LABEL="Altweg 1\\n10115 Berlin":;;Altweg 1;Berlin;;10115;Deutschland',),
        ("ADR;LABEL=Altweg 1;TYPE=WORK:;;Altweg 1;Berlin;;10115;Deutschland",),
        ("ADR;TYPE=WORK:;;Altweg 1;Berlin;;10115;DE", "LABEL;TYPE=WORK:Altweg 1\\n10115 Berlin"),
        ("ADR;TYPE=WORK:;;Altweg 1;Berlin;;10115;DE", "LABEL:Altweg 1\\n10115 Berlin"),
    ],
)
def test_rule_44_a_label_lives_as_long_as_its_address(agency: Agency, server: Server, lines: tuple[str, ...]) -> None:
    """DAVx5 writes the formatted address there and shows it before the parts (owncloud/contacts#506)."""
    device = server.start().device()
    home = "LABEL;TYPE=HOME:Zuhause 1"
    assert device.put("addresses/a.vcf", payloads.vcard("a", *lines, home), new=True).status == 201
    agency.office.change(agency.office.tables.address, {}, NOTIZ="Neu", TOUCH=LATER)
    device.sync("addresses")
    unchanged = device.get("addresses/a.vcf").text
    assert [line for line in lines if line not in payloads.lines_of(unchanged)] == []
    agency.office.change(agency.office.tables.address, {}, STRASSE="Neuallee 99", TOUCH=datetime(2026, 6, 15, 13))
    device.sync("addresses")
    text = device.get("addresses/a.vcf").text
    assert ("Neuallee 99" in text, "Altweg" in text, home in payloads.lines_of(text)) == (True, False, True)
    server.verify()


@pytest.mark.parametrize(
    "label", ['Haus "Nr: 5" hinten', 'Haus "Nr; 5:" hinten', '"Haus": 5', "Haus Nr: 5; hinten", '"a";b:c;d;e;f;g;h;"i"']
)
@pytest.mark.parametrize("more", ["", ";TYPE=work"])
def test_rule_44_quotes_inside_of_a_label(agency: Agency, server: Server, label: str, more: str) -> None:
    """OwnCloud sent such labels, whose quotes end before they should (owncloud/core#24448)."""
    device = server.start().device()
    line = f'ADR;TYPE=WORK;LABEL="{label}"{more}:;;Weg 1;Berlin;;10115;Deutschland'
    assert device.put("addresses/a.vcf", payloads.vcard("a", line), new=True).status == 201
    row = agency.office.row(agency.office.tables.address)
    assert [row[name] for name in ("STRASSE", "PLZ", "ORT", "LAND")] == ["Weg 1", "10115", "Berlin", "Deutschland"]


@pytest.mark.parametrize("spelt", ["\\\\;", "\\\\\\;"])
def test_rule_44_semicolons_come_back_from_thunderbird_with_a_backslash(
    agency: Agency, server: Server, spelt: str
) -> None:
    """ical.js does not undo the escape of a semicolon, so that it escapes the backslash, too."""
    agency.office.address([agency.own], NAME="Lang", NOTIZ="a; b, c")
    agency.appointment(BETREFF="x; y", NOTIZ="a; b\nc; d")
    device = server.start().device(agent="Thunderbird/128")
    for name, added in (("addresses", "NICKNAME:L"), ("appointments", "X-OWN:1")):
        (href,) = device.sync(name).changed
        got = device.get(f"{name}/{href}")
        before = agency.office.everything()
        end = "END:VCARD" if name == "addresses" else "END:VEVENT"
        sent = got.text.replace("\\;", spelt).replace(end, f"{added}\r\n{end}")
        assert device.put(f"{name}/{href}", sent, got.etag).status == 204
        assert agency.office.everything() == before
        text = device.get(f"{name}/{href}").text
        assert (added in payloads.lines_of(text), "\\\\" in text) == (True, False)
        edited = text.replace("\\;", spelt).replace("a\\", "neu\\")
        assert edited != text
        assert device.put(f"{name}/{href}", edited).status == 204
    assert agency.office.row(agency.office.tables.address)["NOTIZ"] == "neu; b, c"
    assert agency.office.row(agency.office.tables.activity)["NOTIZ"] == "neu; b\nc; d"
    assert agency.office.row(agency.office.tables.activity)["BETREFF"] == "x; y"


@pytest.mark.parametrize(
    ("sent", "company"),
    [
        ("ORG:Bau; Tiefbau", "Bau; Tiefbau"),  # edited
        ("ORG:Bau\\; Tief;Einkauf", "Bau; Tief"),  # with a department, it escapes rightly
        ("ORG:Bau", "Bau"),
        ("ORG:Bau;Einkauf", "Bau"),
    ],
)
def test_rule_44_a_company_edited_in_thunderbird_keeps_its_semicolon(
    agency: Agency, server: Server, sent: str, company: str
) -> None:
    """ical.js does not escape the semicolon of an ORG without a department."""
    agency.office.address([agency.own], NAME="Lang", FIRMA="Bau; Tief")
    device = server.start().device(agent="Thunderbird/128")
    (href,) = device.sync("addresses").changed
    got = device.get(f"addresses/{href}")
    assert device.put(f"addresses/{href}", got.text.replace("ORG:Bau\\; Tief", sent), got.etag).status == 204
    assert agency.office.row(agency.office.tables.address)["FIRMA"] == company


def test_rule_25_an_address_with_a_list_keeps_its_parameters(agency: Agency, server: Server) -> None:
    """Of a street in parts, its parts are joined, and what is said of the address is kept as it was."""
    device = server.start().device()
    line = "ADR;X-OWN=1;TYPE=WORK:;;Weg 1,Hof 2,Haus 3;Köln;;50667;"
    assert device.put("addresses/a.vcf", payloads.vcard("a", line), new=True).status == 201
    assert agency.office.row(agency.office.tables.address)["STRASSE"] == "Weg 1, Hof 2, Haus 3"
    agency.office.change(agency.office.tables.address, {}, NOTIZ="Neu", TOUCH=LATER)
    device.sync("addresses")
    shown = "ADR;X-OWN=1;TYPE=WORK:;;Weg 1\\, Hof 2\\, Haus 3;Köln;;50667;"
    assert shown in payloads.lines_of(device.get("addresses/a.vcf").text)
