"""What is mended of a payload before it is read, and that nothing else is touched."""

from __future__ import annotations

import pytest

from radicale_flowfact.content.repair import repair_item
from tests import payloads

HEAD = "BEGIN:VCARD\nVERSION:2.1\nUID:u\n"


def mended(*lines: str) -> list[str]:
    """Return the lines between UID and END of a vCard 2.1 that was mended."""
    text, changed = repair_item(HEAD + "\n".join([*lines, "END:VCARD"]), "u.vcf")
    assert changed
    assert text.startswith("BEGIN:VCARD\r\nVERSION:3.0\r\n")
    return [line for line in payloads.lines_of(text)[2:-1] if line != "UID:u"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("FN:Eva", "FN:Eva"),
        ("TEL;WORK;VOICE:1", "TEL;TYPE=WORK,VOICE:1"),
        ("NOTE:one, two", "NOTE:one\\, two"),
        ("N:Müller, von;Eva", "N:Müller\\, von;Eva"),
        ("NOTE;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:K=C3=B6ln=0D=0ABonn; x", "NOTE:Köln\\nBonn\\; x"),
        ("NOTE;QUOTED-PRINTABLE;CHARSET=ISO-8859-1:K=F6ln", "NOTE:Köln"),
        ("NOTE;QUOTED-PRINTABLE;CHARSET=NONE:K=F6ln", "NOTE:Köln"),
        # Of the codecs of Python, some raise other errors, and some take quadratic time.
        ("NOTE;QUOTED-PRINTABLE;CHARSET=idna:K=F6ln..x", "NOTE:Köln..x"),
        ("NOTE;QUOTED-PRINTABLE;CHARSET=punycode:abc-99999999999", "NOTE:abc-99999999999"),
        ("NOTE;QUOTED-PRINTABLE;CHARSET=unicode_escape:=5Cx41", "NOTE:x41"),
        ("NOTE;QUOTED-PRINTABLE:Eva=10=00=7F Meier", "NOTE:Eva Meier"),  # XML can carry none of them
        ("N;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;Eva;;", "N:Müller;Eva;;"),
        ("LABEL;WORK;ENCODING=QUOTED-PRINTABLE:Dom=0D=0A=\nK=C3=B6ln", "LABEL;TYPE=WORK:Dom\\nKöln"),
        ("PHOTO;JPEG;BASE64:/9j/\n  4QFa\n RXhp\n", "PHOTO;TYPE=JPEG;ENCODING=b:/9j/4QFaRXhp"),
        ("URL:http://x.de/a,b", "URL:http://x.de/a,b"),
    ],
)
def test_a_line_of_vcard_2_1_as_3_0(old: str, new: str) -> None:
    assert new in mended("FN:Eva Meier", old)


def test_a_vcard_2_1_without_fn_gets_the_one_that_3_0_must_have() -> None:
    assert "FN:Eva Meier" in mended("N:Meier;Eva;;;")


@pytest.mark.parametrize(
    ("href", "uid"), [("a-1.vcf", "a-1"), ("a-1", "a-1"), ("ä ö.vcf", "6479acca-322f-573e-ba01-3ab46df18203")]
)
def test_an_item_without_a_uid_gets_one_from_its_name(href: str, uid: str) -> None:
    text = payloads.without(payloads.vcard("u"), "UID")
    found, changed = repair_item(text, href)
    assert changed
    assert payloads.lines_of(found)[1] == f"UID:{uid}"
    assert payloads.without(found, "UID:") == payloads.without(text, "UID:")


def test_everything_else_stays_as_it_came() -> None:
    text = payloads.vcard("u", "NOTE:one\\, two", 'X-ODD;p="a;b":=C3=\r\n folded')
    assert repair_item(text, "u.vcf") == (text, False)
    assert repair_item("\ufeff" + text.replace("\r\n", "\n"), "u.vcf") == (text, False)


def test_a_line_separator_in_an_old_card_stays_in_its_value() -> None:
    text, _ = repair_item("BEGIN:VCARD\r\nVERSION:2.1\r\nN:Muster;Max\r\nNOTE:a\u2028b\x85c\r\nEND:VCARD\r\n", "x.vcf")
    assert "NOTE:a\u2028b\x85c\r\n" in text
