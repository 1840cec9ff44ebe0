"""A card of one version as one of the other: valid as a whole, and the same again on its way back."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given

from radicale_flowfact.content.contentlines import split_lines, unescape
from radicale_flowfact.content.vcard import versions
from radicale_flowfact.content.vcard.properties import ANNIVERSARY_3, GROUP_KIND, ONLY_4
from tests.content.vcard.cards import cards_of_3, cards_of_4, odd_cards
from tests.content.vcard.validity import faults


def card(version: str, *lines: str) -> str:
    """Return a card with these lines."""
    return "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", "UID:u", "FN:Eva", "N:;Eva;;;", *lines, "END:VCARD", ""])


def inner(text: str) -> list[str]:
    """Return the lines between the frame that ``card`` gives and its end."""
    return [line.text for line in split_lines(text)][5:-1]


def lines_of(text: str) -> Counter[str]:
    """Return the lines of a card, whatever their order."""
    return Counter(line.text for line in split_lines(text))


BOTH_WAYS = [
    ("PHOTO:data:image/jpeg;base64,/9j/4AAQ", "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ"),
    ("PHOTO;PREF=1:data:image/png;base64,iVBOR", "PHOTO;ENCODING=b;TYPE=PNG;X-VCARD4-PREF=1:iVBOR"),
    ("PHOTO;MEDIATYPE=image/gif:http://x.de/a.gif", "PHOTO;VALUE=uri;TYPE=GIF:http://x.de/a.gif"),
    ("PHOTO:http://x.de/a", "PHOTO;VALUE=uri:http://x.de/a"),
    ("LOGO:data:image/svg+xml;base64,eA==", "LOGO;ENCODING=b;TYPE=SVG+XML:eA=="),
    ("SOUND:data:audio/ogg;base64,eA==", "SOUND;ENCODING=b;TYPE=OGG:eA=="),
    ("KEY:data:application/pgp-keys;base64,eA==", "KEY;ENCODING=b;TYPE=PGP:eA=="),
    ("KEY;VALUE=text:a b", "KEY;VALUE=text:a b"),
    ("BDAY:--0203", "BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-03"),
    ("BDAY:19960415", "BDAY:1996-04-15"),
    ("BDAY:19531015T231000Z", "BDAY:1953-10-15T23:10:00Z"),
    ("BDAY:19531015T231000-0500", "BDAY:1953-10-15T23:10:00-05:00"),
    ("BDAY:1996", "X-VCARD4-BDAY:1996"),
    ("BDAY:--02", "X-VCARD4-BDAY:--02"),
    ("BDAY;VALUE=text:circa 1800", "X-VCARD4-BDAY;VALUE=text:circa 1800"),
    ("ANNIVERSARY:20090808", "X-ANNIVERSARY:2009-08-08"),
    ("ANNIVERSARY:--0808", "X-ANNIVERSARY;X-APPLE-OMIT-YEAR=1604:1604-08-08"),
    ("ANNIVERSARY:20090808T1430-0500", "X-VCARD4-ANNIVERSARY:20090808T1430-0500"),
    ("EMAIL;TYPE=work;PREF=1:a@b.de", "EMAIL;TYPE=INTERNET,WORK,PREF:a@b.de"),
    ("EMAIL:a@b.de", "EMAIL;TYPE=INTERNET:a@b.de"),
    ("EMAIL;TYPE=work;PREF=2:a@b.de", "EMAIL;TYPE=INTERNET,WORK;X-VCARD4-PREF=2:a@b.de"),
    ("TEL;TYPE=home,voice;PREF=1:0221 1", "TEL;TYPE=HOME,VOICE,PREF:0221 1"),
    ("TEL;VALUE=uri;TYPE=cell:tel:+49-171-1;ext=2", "TEL;TYPE=cell;X-VCARD4-VALUE=uri:+49-171-1\\;ext=2"),
    ("TZ;VALUE=utc-offset:-0500", "TZ:-05:00"),
    ("TZ:Europe/Berlin", "TZ;VALUE=text:Europe/Berlin"),
    ("TZ;VALUE=uri:http://x.de/tz", "X-VCARD4-TZ;VALUE=uri:http://x.de/tz"),
    ("GEO:geo:46.772673,-71.282945", "GEO:46.772673;-71.282945"),
    ("GEO:geo:46.7,-71.2;u=10", "X-VCARD4-GEO:geo:46.7,-71.2;u=10"),
    ("KIND:individual", "X-VCARD4-KIND:individual"),
    ("KIND:group", "X-ADDRESSBOOKSERVER-KIND:group"),
    ("KIND:org", "X-ABSHOWAS:COMPANY"),
    ("MEMBER:urn:uuid:1", "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:1"),
    ("RELATED;TYPE=spouse;VALUE=text:Viktor", "X-VCARD4-RELATED;TYPE=spouse;VALUE=text:Viktor"),
    ("GENDER:M", "X-VCARD4-GENDER:M"),
    ("LANG;PREF=1:fr", "X-VCARD4-LANG;X-VCARD4-PREF=1:fr"),
    ("item1.RELATED:urn:uuid:1", "item1.X-VCARD4-RELATED:urn:uuid:1"),
    ("NICKNAME;ALTID=1:Evi", "NICKNAME;X-VCARD4-ALTID=1:Evi"),
    ("X-VCARD3-AGENT;VALUE=uri:http://x.de", "AGENT;VALUE=uri:http://x.de"),
    ("X-VCARD3-CLASS:PRIVATE", "CLASS:PRIVATE"),
    ("X-VCARD3-BDAY:bald", "BDAY:bald"),
    ("X-OWN;X-VCARD3-CHARSET=utf-8:a", "X-OWN;CHARSET=utf-8:a"),
    ("item1.X-ABLabel:Büro", "item1.X-ABLabel:Büro"),
]


@pytest.mark.parametrize(("four", "three"), BOTH_WAYS)
def test_a_line_both_ways(four: str, three: str) -> None:
    assert inner(versions.to_3(card("4.0", four))) == [three]
    assert inner(versions.to_4(card("3.0", three))) == [four]


@pytest.mark.parametrize(
    ("four", "three"),
    [
        ('TEL;TYPE="voice,home":1', "TEL;TYPE=VOICE,HOME:1"),
        ("PHOTO:data:image/jpeg;base64\\,/9j/", "PHOTO;ENCODING=b;TYPE=JPEG:/9j/"),  # as some programs escape it
        ("KEY:data:text/plain,a%20b", "KEY;ENCODING=b;X-VCARD4-MEDIATYPE=\"text/plain\":YSBi"),
        ("PHOTO:data:image/png;base64,eA%3D%3D", "PHOTO;ENCODING=b;TYPE=PNG:eA=="),
        ("PHOTO:data:image/png;base64,eA%00", "X-VCARD4-PHOTO:data:image/png;base64,eA%00"),
        ("PHOTO:data:no comma", "X-VCARD4-PHOTO:data:no comma"),
        ("BDAY:1996-04-15", "BDAY:1996-04-15"),
        ("TZ:-0500", "TZ:-05:00"),
        ("GEO:geo:46.7\\,-71.2", "GEO:46.7;-71.2"),
        ("REV:19951031T222710Z", "REV:1995-10-31T22:27:10Z"),
        ("URL;VALUE=uri:http://x.de", "URL;VALUE=uri:http://x.de"),
        ("FOO:a", "X-VCARD4-FOO:a"),
    ],
)  # fmt: skip
def test_other_spellings_of_4(four: str, three: str) -> None:
    assert inner(versions.to_3(card("4.0", four))) == [three]


@pytest.mark.parametrize(
    ("three", "four"),
    [
        ("PHOTO;TYPE=JPG;ENCODING=BASE64:/9 j/", "PHOTO:data:image/jpeg;base64,/9j/"),
        ("PHOTO;ENCODING=b:/9j/", "PHOTO:data:image/jpeg;base64,/9j/"),
        ("PHOTO;TYPE=PREF,PNG;ENCODING=B:iVBOR", "PHOTO;PREF=1:data:image/png;base64,iVBOR"),
        ("PHOTO;TYPE=JPEG:/9j/", "X-VCARD3-PHOTO;X-VCARD3-TYPE=JPEG:/9j/"),
        ("BDAY;VALUE=date:19960415", "BDAY:19960415"),
        ("BDAY:--02-03", "BDAY:--0203"),
        ("BDAY:1985-01-01T00:00:00.000Z", "BDAY:19850101T000000Z"),
        ("BDAY:1604-02-03", "BDAY:16040203"),
        ("EMAIL;type=INTERNET;type=HOME;type=pref:a@b.de", "EMAIL;TYPE=home;PREF=1:a@b.de"),
        ("TEL;HOME;VOICE:1", "TEL;TYPE=home,voice:1"),
        ("TZ:Europe/Berlin", "TZ:Europe/Berlin"),
        ("GEO:46.7\\;-71.2", "GEO:geo:46.7,-71.2"),
        ("X-ABShowAs:COMPANY", "KIND:org"),
        ("FOO:a", "X-VCARD3-FOO:a"),
    ],
)
def test_other_spellings_of_3(three: str, four: str) -> None:
    assert inner(versions.to_4(card("3.0", three))) == [four]


def test_the_label_of_an_address_is_a_line_of_its_own_in_3() -> None:
    four = ["ADR;TYPE=work;LABEL=\"Weg 1\\n10115 ^'Berlin^'\":;;Weg 1;Berlin;;10115;", "ADR;TYPE=home:;;Weg 2;;;;"]
    three = [
        "ADR;TYPE=work:;;Weg 1;Berlin;;10115;",
        'LABEL;TYPE=work:Weg 1\\n10115 "Berlin"',
        "ADR;TYPE=home:;;Weg 2;;;;",
    ]
    assert inner(versions.to_3(card("4.0", *four))) == three
    assert inner(versions.to_4(card("3.0", *three))) == four
    assert inner(versions.to_4(card("3.0", *reversed(three)))) == [four[1], four[0]]
    alone = "LABEL;TYPE=HOME:Weg 3"
    assert inner(versions.to_4(card("3.0", alone))) == ["X-VCARD3-LABEL;X-VCARD3-TYPE=HOME:Weg 3"]


def test_what_a_name_is_sorted_by_is_a_line_of_its_own_in_3() -> None:
    head = "BEGIN:VCARD\r\nVERSION:{}\r\n{}\r\nFN:Eva\r\nEND:VCARD\r\n"
    four = head.format("4.0", 'N;SORT-AS="Meier,Eva":von Meier;Eva;;;')
    three = head.format("3.0", "N:von Meier;Eva;;;\r\nSORT-STRING:Meier\\,Eva")
    assert versions.to_3(four) == three
    assert versions.to_4(three) == four


def test_of_two_kinds_and_two_anniversaries_one_is_left_under_its_name() -> None:
    three = [
        "X-ADDRESSBOOKSERVER-KIND:group",
        "X-ABSHOWAS:COMPANY",
        "X-ANNIVERSARY:2014-08-12",
        "X-ANNIVERSARY:2015-08-12",
    ]
    four = ["KIND:group", "X-ABSHOWAS:COMPANY", "ANNIVERSARY:20140812", "X-ANNIVERSARY:2015-08-12"]
    assert inner(versions.to_4(card("3.0", *three))) == four
    both = versions.to_3(card("4.0", *four))
    assert sorted(inner(versions.to_4(both))) == sorted(four)


def test_3_demands_a_name_of_a_person() -> None:
    made = versions.to_3("BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Firma\r\nEND:VCARD\r\n")
    assert "N:;;;;" in made.splitlines()


@given(cards_of_4)
def test_4_as_3_and_back_is_the_same(text: str) -> None:
    three = versions.to_3(text)
    assert faults(text, "4.0") == []
    assert faults(three, "3.0") == []
    assert lines_of(versions.to_4(three)) == lines_of(text), three


@given(cards_of_3)
def test_3_as_4_and_back_is_the_same(text: str) -> None:
    four = versions.to_4(text)
    assert faults(four, "4.0") == []
    assert lines_of(versions.to_3(four)) == lines_of(text)


@given(cards_of_4)
def test_a_device_that_has_3_may_send_its_lines_as_4(text: str) -> None:
    """Lines of 3.0 stay as they are below VERSION:4.0."""
    three = versions.to_3(text)
    assert versions.to_3(three.replace("VERSION:3.0", "VERSION:4.0")) == three


@given(cards_of_3 | odd_cards)
def test_what_a_device_that_has_4_sends_back_is_as_it_was(text: str) -> None:
    """Whatever spelling the lines have, rule 44: the sidecar does not change. Lines of 4.0 in a card of 3.0 may."""
    back = lines_of(versions.spelt_as(versions.to_3(versions.to_4(text)), text))
    for line in split_lines(text):
        is_of_4 = line.name in ONLY_4 or line.param("PREF") or line.value.startswith(("data:", "--"))
        if line.name not in TOGETHER and not is_of_4:
            assert back[line.text] >= lines_of(text)[line.text], line.text


TOGETHER = frozenset({"ADR", "LABEL", "N", "SORT-STRING", "VERSION", "X-ABSHOWAS", GROUP_KIND, ANNIVERSARY_3})
"""What depends on other lines of its card."""


@given(odd_cards)
def test_no_card_is_too_odd(text: str) -> None:
    """Nothing is refused, each version is reached in one step, and no value is lost on the way."""
    three, four = versions.to_3(text), versions.to_4(text)
    assert versions.to_3(three) == three
    assert versions.in_version(three, "3.0") == three
    assert versions.is_4(four)
    for made in (three, four):
        assert len(split_lines(made)) >= len(split_lines(text)) - 8


def test_the_version_that_is_there_is_served_as_it_is() -> None:
    text = card("3.0", "EMAIL;type=pref:a@b.de")
    assert versions.in_version(text, "3.0") is text
    broken = "BEGIN:VCARD\r\nVERSION:3.0\r\nno line\r\n"
    assert versions.in_version(broken, "4.0") == broken


@pytest.mark.parametrize(
    ("line", "is_4"),
    [("VERSION:4.0", True), ("version:4.0 ", True), ("VERSION;VALUE=text:4.0", True), ("VERSION:3.0", False)],
)
def test_the_version_is_read_however_it_is_written(line: str, is_4: bool) -> None:
    assert versions.is_4(f"BEGIN:VCARD\nFN:a\n{line}\nEND:VCARD") is is_4
    assert not versions.is_4("BEGIN:VCARD\nVERSION:3.0\nNOTE:a\n VERSION:4.0\nEND:VCARD")


def test_what_was_sent_in_other_words_is_no_other_value() -> None:
    """A value that was really changed is not put back."""
    base = card("3.0", "BDAY:1996-04-15", "EMAIL;TYPE=WORK:a@b.de", "X-ANNIVERSARY:2014-08-12")
    sent = versions.to_4(base).replace("19960415", "19960416")
    back = versions.spelt_as(versions.to_3(sent), base)
    assert inner(back) == ["BDAY:1996-04-16", "EMAIL;TYPE=WORK:a@b.de", "X-ANNIVERSARY:2014-08-12"]


def test_a_line_of_4_that_was_kept_in_3_becomes_one_of_3() -> None:
    """Before this version, the gateway kept the lines of a card of 4.0 as they came."""
    base = card("3.0", "PHOTO:data:image/jpeg;base64,/9j/", "BDAY:--0203", "RELATED:urn:uuid:1")
    sent = versions.to_3(card("4.0", "PHOTO:data:image/jpeg;base64,/9j/", "BDAY:--0203", "RELATED:urn:uuid:1"))
    assert versions.spelt_as(sent, base) == sent


def test_texts_in_labels_come_back() -> None:
    for text in ('a"b', "a^b", "a\\nb", "a\\\\nb", "^n", "x;y:z,"):
        three = card("3.0", "ADR:;;;;;;", f"LABEL:{text}")
        back = versions.to_3(versions.to_4(three))
        (label,) = [line for line in split_lines(back) if line.name == "LABEL"]
        assert unescape(label.value) == unescape(text)
