"""Rule 44: what is derived from a field lives as long as the field is the same, and goes with it."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests import payloads
from tests.conftest import Agency, Server
from tests.device import Device
from tests.rules.client import only

LATER = datetime(2026, 6, 15, 11, 30)
STYLED = "STYLED-DESCRIPTION;VALUE=TEXT;FMTTYPE=text/html"
NOTES = [
    "X-ALT-DESC;FMTTYPE=text/html:<p>Alt</p>",
    f"{STYLED}:<p>Alt</p>",
    f"{STYLED};DERIVED=TRUE:<p>Alt</p>",
    "STYLED-DESCRIPTION;VALUE=URI:https://example.com/alt.html",
    'DESCRIPTION;ALTREP="data:text/html,%3Cp%3EAlt</p>":Alt',
]
CARDS = [
    ("N;SORT-AS=Meier:Meier;Eva;;;", "NAME", "SORT-AS"),
    ('N;SORT-AS="Meier,Eva",x;LANGUAGE=de:Meier;Eva;;;', "VORNAME", "SORT-AS"),
    ('ORG;SORT-AS="ACME":ACME', "FIRMA", "SORT-AS"),
    ("SORT-STRING:Meier", "NAME", "SORT-STRING"),
    ("X-PHONETIC-FIRST-NAME:Efa", "VORNAME", "X-PHONETIC-FIRST-NAME"),
    ("X-PHONETIC-LAST-NAME:Maier", "NAME", "X-PHONETIC-LAST-NAME"),
    ("X-PHONETIC-ORG:Äkmi", "FIRMA", "X-PHONETIC-ORG"),
    ("FN:Evi", "NAME", "FN:Evi"),
    ("X-EVOLUTION-FILE-AS:Meier\\, Eva", "NAME", "FILE-AS"),
    ("ADR;TYPE=WORK;CC=DE:;;Weg 1;Köln;;50667;", "LAND", "CC="),
    ("LABEL;TYPE=WORK:Weg 1\\n50667 Köln", "STRASSE", "LABEL"),
    ('ADR;TYPE=WORK;LABEL="Weg 1";GEO="geo:50.9,6.9":;;Weg 1;Köln;;50667;', "ORT", "LABEL"),
    ('ADR;TYPE=WORK;GEO="geo:50.9,6.9":;;Weg 1;Köln;;50667;', "ORT", "geo:"),
]


def contact(agency: Agency) -> None:
    """Add Anna's one contact."""
    agency.office.address(
        [agency.own], VORNAME="Eva", NAME="Meier", FIRMA="ACME", STRASSE="Weg 1", PLZ="50667", ORT="Köln", NOTIZ="x"
    )


def put_line(device: Device, name: str, line: str, *changes: tuple[str, str]) -> None:
    """Put the one item of a collection with a line in the place of its own line of that property, or added."""
    path, etag, text = only(device, name)
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    known = line.partition(":")[0].partition(";")[0]
    single = known in ("N", "FN", "ORG", "ADR", "DESCRIPTION")
    lines = [found for found in payloads.lines_of(text) if not (single and found.split(":")[0].split(";")[0] == known)]
    anchor = next(number for number, found in enumerate(lines) if found.startswith(("UID:", "SUMMARY:")))
    sent = "\r\n".join([*lines[: anchor + 1], line, *lines[anchor + 1 :], ""])
    assert device.put(path, sent, etag).status == 204


def text_of(device: Device, name: str) -> str:
    """Return the unfolded text of the one item of a collection."""
    return "\n".join(payloads.lines_of(only(device, name)[2]))


@pytest.mark.parametrize("line", NOTES)
def test_rule_44_a_styled_note_goes_with_its_note(agency: Agency, server: Server, line: str) -> None:
    """X-ALT-DESC and STYLED-DESCRIPTION stay while the note does, whatever else the office edits, and go with it."""
    agency.appointment(NOTIZ="Alt")
    device = server.start().device()
    put_line(device, "appointments", line)
    agency.office.change(agency.office.tables.activity, {}, BETREFF="Neu", TOUCH=LATER)
    assert line in text_of(device, "appointments").split("\n")
    agency.office.change(agency.office.tables.activity, {}, NOTIZ="Neue Notiz", TOUCH=LATER)
    text = text_of(device, "appointments")
    assert "DESCRIPTION:Neue Notiz" in text
    assert not any(word in text for word in ("ALT-DESC", "STYLED", "ALTREP"))


@pytest.mark.parametrize("line", NOTES)
def test_rule_44_a_styled_note_that_a_device_leaves_beside_a_new_note_goes(
    agency: Agency, server: Server, line: str
) -> None:
    """A client that does not know it edits the note alone: the styled form goes; a new one that is sent is kept."""
    agency.appointment(NOTIZ="Alt")
    device = server.start().device()
    put_line(device, "appointments", line)
    path, etag, text = only(device, "appointments")
    unfolded = "\r\n".join([*payloads.lines_of(text), ""])
    sent = unfolded.replace("DESCRIPTION:Alt", "DESCRIPTION:Neu").replace('":Alt', '":Neu')
    assert device.put(path, sent, etag).status == 204
    assert agency.office.row(agency.office.tables.activity)["NOTIZ"] == "Neu"
    assert not any("lt</p>" in found or "alt.html" in found for found in text_of(device, "appointments").split("\n"))
    new = line.replace("lt</p>", "nders</p>").replace("alt.html", "anders.html").replace('":Alt', '":Neu')
    put_line(device, "appointments", new)
    lines = text_of(device, "appointments").split("\n")
    assert [found for found in lines if found.startswith(line.partition(";")[0])] == [new]


@pytest.mark.parametrize("line", [NOTES[0], NOTES[1]])
def test_rule_44_a_styled_note_goes_with_its_ffdata(agency: Agency, server: Server, line: str) -> None:
    """It tells participants and addresses, too: once others are linked, a client that prefers it would not see them."""
    linked = agency.office.address([], NAME="Groß")
    agency.appointment(NOTIZ="Alt", addresses=[linked])
    device = server.start().device()
    put_line(device, "appointments", line)
    agency.office.change(agency.office.tables.activity, {}, BETREFF="Neu", TOUCH=LATER)
    assert line in text_of(device, "appointments").split("\n")
    agency.office.change(agency.office.tables.address, {"DSN": linked}, NAME="Klein")
    text = text_of(device, "appointments")
    assert ("Adresse: Klein" in text, line in text.split("\n")) == (True, False)


def test_rule_44_blanks_in_a_note_do_not_end_its_styled_form(agency: Agency, server: Server) -> None:
    """A client wraps the note anew and adds its styled form: FlowFact's spelling stays, and so does the form."""
    agency.appointment(NOTIZ="Alt und\nlang")
    device = server.start().device()
    before = agency.office.everything()
    put_line(device, "appointments", NOTES[1], ("Alt und\\nlang", "Alt  und lang"))
    assert agency.office.everything() == before
    agency.office.change(agency.office.tables.activity, {}, BETREFF="Neu", TOUCH=LATER)
    assert NOTES[1] in text_of(device, "appointments").split("\n")


@pytest.mark.parametrize(("line", "column", "twin"), CARDS)
def test_rule_44_what_says_a_field_again_goes_with_it(
    agency: Agency, server: Server, line: str, column: str, twin: str
) -> None:
    """Stays while the office edits other fields; once it edits this one, neither line nor parameter is served."""
    contact(agency)
    device = server.start().device()
    put_line(device, "addresses", line)
    agency.office.change(agency.office.tables.address, {}, NOTIZ="neu", TOUCH=LATER)
    assert line in text_of(device, "addresses").split("\n")
    agency.office.change(agency.office.tables.address, {}, TOUCH=LATER, **{column: "Anders"})
    text = text_of(device, "addresses")
    assert "Anders" in text
    assert twin not in text


@pytest.mark.parametrize(
    ("line", "before", "after", "twin"),
    [
        ("N;SORT-AS=Meier:Meier;Eva;;;", "Meier;Eva", "Groß;Eva", "SORT-AS"),
        ("SORT-STRING:Meier", "N:Meier;Eva", "N:Groß;Eva", "SORT-STRING"),
        ("X-PHONETIC-LAST-NAME:Maier", "N:Meier;Eva", "N:Groß;Eva", "X-PHONETIC"),
        ("LABEL;TYPE=WORK:Weg 1\\n50667 Köln", ";;Weg 1;", ";;Weg 9;", "LABEL"),
        ("NICKNAME:Evi", "N:Meier;Eva", "N:Groß;Eva", "Meier"),
    ],
)
def test_rule_44_what_a_device_leaves_beside_a_new_value_goes(
    agency: Agency, server: Server, line: str, before: str, after: str, twin: str
) -> None:
    """A client edits the field and leaves what says it again, FN among them, as it was: that goes or is made anew."""
    contact(agency)
    device = server.start().device()
    put_line(device, "addresses", line)
    path, etag, text = only(device, "addresses")
    assert before in text
    assert device.put(path, text.replace(before, after), etag).status == 204
    assert after in text_of(device, "addresses")
    assert twin not in text_of(device, "addresses")


def test_rule_44_a_twin_made_anew_by_the_device_stays(agency: Agency, server: Server) -> None:
    """Once the office's value came, a device's new twin is for that one, and the old one does not come back."""
    contact(agency)
    device = server.start().device()
    put_line(device, "addresses", "X-PHONETIC-LAST-NAME:Maier")
    put_line(device, "addresses", "N;SORT-AS=Maier:Meier;Eva;;;")
    agency.office.change(agency.office.tables.address, {}, NAME="Groß", TOUCH=LATER)
    put_line(device, "addresses", "X-PHONETIC-LAST-NAME:Gross")
    put_line(device, "addresses", "N;SORT-AS=Gross:Groß;Eva;;;")
    agency.office.change(agency.office.tables.address, {}, NOTIZ="neu", TOUCH=LATER)
    text = text_of(device, "addresses")
    assert "SORT-AS=Gross" in text
    assert "X-PHONETIC-LAST-NAME:Gross" in text
    assert "Maier" not in text
