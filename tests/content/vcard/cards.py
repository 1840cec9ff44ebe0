"""Cards of both versions, as hypothesis makes them: each line in the spelling that the converter writes."""

from __future__ import annotations

import base64
import string

from hypothesis import strategies as st

from radicale_flowfact.content.contentlines import escape, join_lines
from tests.strategies import words

_Line = st.SearchStrategy[str]
_TYPES = st.lists(st.sampled_from(["work", "home", "cell", "voice", "Ferienhaus", "x-büro"]), unique=True, max_size=3)
_PREFS = st.sampled_from(["", ";PREF=1", ";PREF=2", ";PREF=100"])
_GROUPS = st.sampled_from(["", "", "item1.", "a-b."])
_TEXTS = words.map(escape)
_BASE64 = st.binary(min_size=1, max_size=60).map(lambda data: base64.b64encode(data).decode("ascii"))
_URIS = st.text(string.ascii_letters + string.digits + "/._-,;=?&%+", min_size=1).map(
    lambda rest: f"http://x.de/{rest}"
)
_DATES = st.dates().map(lambda day: f"{day:%Y}".zfill(4) + f"{day:%m%d}")
_DAYS = st.dates().map(lambda day: f"--{day:%m%d}")
_ODD_DATES = st.sampled_from(["1985", "1985-04", "--04", "---12", "19850412T10", "T102200", "19531015T231000Z"])
_PLACES = st.tuples(st.integers(-90, 90), st.integers(-180, 180)).map(lambda at: f"{at[0]}.5,{at[1]}.25")
_UIDS = st.uuids().map(str)
_LABELS = st.text(string.ascii_letters + " '^", max_size=9).map(lambda text: text.replace("^", "^^"))


def _typed(types: list[str]) -> str:
    return f";TYPE={','.join(types)}" if types else ""


def _line(*parts: str | st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    made = [st.just(part) if isinstance(part, str) else part for part in parts]
    return st.tuples(*made).map("".join)


_OF_4 = st.one_of(
    _line(_GROUPS, "EMAIL", _TYPES.map(_typed), _PREFS, ":", st.emails()),
    _line(_GROUPS, "TEL", _TYPES.map(_typed), _PREFS, ":", st.just("+49 221 1")),
    _line("TEL;VALUE=uri", _TYPES.map(_typed), _PREFS, ":tel:+49-221-", st.sampled_from(["1", "1;ext=2"])),
    _line(_GROUPS, "ADR", _TYPES.map(_typed), _PREFS, ":;;", _TEXTS, ";Köln;;50667;"),
    _line("IMPP", _TYPES.map(_typed), _PREFS, ":xmpp:", st.emails()),
    _line("NICKNAME;ALTID=1;LANGUAGE=de:", _TEXTS),
    _line("URL;PID=1.1,2.1:", _URIS),
    _line(st.sampled_from(["PHOTO", "LOGO"]), ":data:image/", st.sampled_from(["jpeg", "png", "svg+xml", "x-a"]))
    .flatmap(lambda head: _BASE64.map(lambda data: f"{head};base64,{data}")),
    _line("SOUND:data:audio/ogg;base64,", _BASE64),
    _line("KEY:data:application/pgp-keys;base64,", _BASE64),
    _line("KEY;TYPE=work;PREF=1:data:text/plain;charset=utf-8;base64,", _BASE64),
    _line("PHOTO;MEDIATYPE=image/gif:", _URIS),
    _line("LOGO;MEDIATYPE=\"text/x;b=c\";TYPE=home:", _URIS),
    _line("KEY;VALUE=text:", _TEXTS.filter(bool)),
    _line("TZ:Europe/", _TEXTS),
    _line("TZ;VALUE=utc-offset:", st.sampled_from(["-0500", "+0530"])),
    _line("TZ;VALUE=uri:", _URIS),
    _line(_GROUPS, "GEO", _TYPES.map(_typed), _PREFS, ":geo:", _PLACES),
    _line("GEO:geo:", _PLACES, st.sampled_from([",10", ";u=3", ";crs=wgs84"])),
    _line("RELATED;TYPE=spouse;VALUE=text:", _TEXTS),
    _line("RELATED;TYPE=\"friend,co-worker\":urn:uuid:", _UIDS),
    _line("MEMBER", _PREFS, ":urn:uuid:", _UIDS),
    _line("LANG", _PREFS, ":", st.sampled_from(["de", "fr-CA"])),
    _line("CLIENTPIDMAP:1;urn:uuid:", _UIDS),
    _line("XML:", _TEXTS),
    _line("ORG;SORT-AS=\"", st.text(string.ascii_letters + ",", min_size=1), "\":", _TEXTS),
    _line("X-OWN", _PREFS, ";X-A=b:", _TEXTS),
    _line("NOTE:", _TEXTS),
    _line("CATEGORIES:", _TEXTS, ",b"),
)  # fmt: skip
_ONCE_OF_4 = (
    st.one_of(_line("BDAY:", _DATES | _DAYS | _ODD_DATES), _line("BDAY;VALUE=text:", _TEXTS)),
    st.one_of(_line("ANNIVERSARY:", _DATES | _DAYS | _ODD_DATES), _line("ANNIVERSARY;CALSCALE=x-a:", _DATES)),
    _line("KIND:", st.sampled_from(["individual", "group", "org", "location", "x-a"])),
    _line("GENDER:", st.sampled_from(["M", "F", "O;other", ";it's complicated"])),
    _line("REV:20260101T120000Z"),
    _line('N;SORT-AS="', st.text(string.ascii_letters + ",", min_size=1), '":Meier;Eva;;;'),
    _line('ADR;TYPE=Lager;LABEL="', _LABELS, '\\nKöln":;;Weg 1;Köln;;50667;'),
)  # fmt: skip


def _optional(lines: tuple[_Line, ...]) -> st.SearchStrategy[list[str]]:
    return st.tuples(*(st.none() | line for line in lines)).map(lambda drawn: [one for one in drawn if one is not None])


def _card(version: str, lines: list[str]) -> str:
    names = [line.partition(":")[0].partition(";")[0] for line in lines]
    head = ["BEGIN:VCARD", f"VERSION:{version}", "UID:u", "FN:Eva Meier", *([] if "N" in names else ["N:Meier;Eva;;;"])]
    return join_lines([*head, *lines, "END:VCARD"])


def _cards(version: str, lines: _Line, once: tuple[_Line, ...]) -> _Line:
    drawn = st.tuples(_optional(once), st.lists(lines, max_size=8))
    return drawn.map(lambda both: _card(version, both[0] + both[1]))


cards_of_4 = _cards("4.0", _OF_4, _ONCE_OF_4)

_TYPES_3 = st.lists(st.sampled_from(["WORK", "HOME", "CELL", "VOICE", "Ferienhaus", "X-BÜRO"]), unique=True, max_size=3)
_PREFERRED = st.tuples(_TYPES_3, st.booleans()).map(lambda both: both[0] + ["PREF"] * both[1])
_OF_3 = st.one_of(
    _line(_GROUPS, "EMAIL", _PREFERRED.map(lambda types: _typed(["INTERNET", *types])), ":", st.emails()),
    _line(_GROUPS, "TEL", _PREFERRED.map(_typed), ":0221 1"),
    _line(_GROUPS, "ADR", _PREFERRED.map(_typed), ":;;", _TEXTS, ";Köln;;50667;"),
    _line("PHOTO;ENCODING=b;TYPE=", st.sampled_from(["JPEG", "PNG", "X-A"]), ":", _BASE64),
    _line("SOUND;ENCODING=b;TYPE=WAVE:", _BASE64),
    _line("KEY;ENCODING=b;TYPE=", st.sampled_from(["PGP", "X509"]), ":", _BASE64),
    _line("LOGO;VALUE=uri;TYPE=GIF:", _URIS),
    _line("TZ:", st.sampled_from(["-05:00", "+05:30"])),
    _line("TZ;VALUE=text:", st.sampled_from(["Europe/Berlin", "-05:00; EST", "-05:00"])),
    _line("GEO:", _PLACES.map(lambda at: at.replace(",", ";"))),
    _line("AGENT;VALUE=uri:", _URIS),
    _line("MAILER:", _TEXTS),
    _line("NAME:", _TEXTS),
    _line("LABEL;TYPE=DOM,PARCEL:", _TEXTS),
    _line("X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:", _UIDS),
    _line(_GROUPS, "X-ABDATE", _PREFERRED.map(_typed), ":", _DATES),
    _line("item1.X-ABLabel:_$!<Other>!$_"),
    _line("NOTE;LANGUAGE=de:", _TEXTS),
    _line("X-OWN;ENCODING=b:", _BASE64),
)  # fmt: skip
_ONCE_OF_3 = (
    st.one_of(
        st.dates().map(lambda day: f"BDAY:{day:%Y}".zfill(4) + f"-{day:%m-%d}").filter(lambda line: len(line) == 15),
        st.dates().map(lambda day: f"BDAY;X-APPLE-OMIT-YEAR=1604:1604-{day:%m-%d}"),
        st.sampled_from(["BDAY:1996-04-15T20:12:43+04:00", "BDAY:1996-04-15T20:12:43Z", "BDAY:unbekannt"]),
    ),
    st.sampled_from(["X-ANNIVERSARY:2014-08-12", "X-ANNIVERSARY:bald"]),
    st.sampled_from(["X-ADDRESSBOOKSERVER-KIND:group", "X-ABSHOWAS:COMPANY", "X-ABSHOWAS:PERSON"]),
    _line("CLASS:", st.sampled_from(["PUBLIC", "PRIVATE"])),
    _line("SORT-STRING:", _TEXTS),
    _line("LABEL;TYPE=Lager:", _TEXTS),
    st.just("ADR;TYPE=Lager:;;Weg 1;Köln;;50667;"),
    st.just("REV:1995-10-31T22:27:10Z"),
)
cards_of_3 = _cards("3.0", _OF_3, _ONCE_OF_3)

_NAMES = st.sampled_from(
    [
        *("PHOTO", "KEY", "BDAY", "ANNIVERSARY", "X-ANNIVERSARY", "TZ", "GEO", "REV", "UID", "TEL", "EMAIL"),
        *("ADR", "N", "LABEL", "SORT-STRING", "KIND", "X-ABSHOWAS", "X-ADDRESSBOOKSERVER-KIND", "MEMBER"),
        *("RELATED", "AGENT", "X-A", "X-VCARD4-RELATED", "X-VCARD3-AGENT", "X-VCARD4-", "item1.X-ABLABEL"),
        *("X-VCARD4-BEGIN", "X-VCARD3-END", "X-VCARD3-VERSION", "X-VCARD4-UID", "URL", "VERSION", "FOO"),
        *("NOTE", "IMPP"),
    ]
)
_ODD_PARAMS = st.sampled_from(
    [
        *("TYPE=work", 'TYPE="a,b"', "type=PREF", "PREF=1", "PREF=x", "PREF", "HOME", "BASE64", "ENCODING=b"),
        *("VALUE=uri", "VALUE=text", "VALUE=date", "VALUE", "X-APPLE-OMIT-YEAR=1604", "X-VCARD4-VALUE=uri"),
        *("X-VCARD4-TYPE=a", 'SORT-AS="a"', 'LABEL="b;c:d"', "MEDIATYPE=a/b", "CALSCALE=x"),
        *("X-VCARD3-CHARSET=utf-8", "CHARSET=utf-8", "A=", "=", "X-VCARD3-=a", "X-VCARD4-"),
    ]
)
_ODD_VALUES = words | st.sampled_from(
    [
        *("data:", "data:,", "data:;base64,", "data:a/b;base64\\,eA==", "data:text/plain,a%20b", "http://x"),
        *("tel:1", "--0203", "1604-02-03", "19850230", "geo:1,2", "1;2", "1\\;2", "-0500", "COMPANY"),
        *("group", "org", "", "eA =="),
    ]
)
odd_cards = st.builds(
    lambda version, lines: _card(version, [*lines, "N:;;;;"]),
    st.sampled_from(["3.0", "4.0"]),
    st.lists(
        st.builds(
            lambda name, params, value: ";".join([name, *params]) + f":{value}",
            _NAMES,
            st.lists(_ODD_PARAMS, max_size=3),
            _ODD_VALUES.filter(lambda value: not any(char in value for char in "\r\n")),
        ),
        max_size=8,
    ),
)
"""Cards with lines of both versions and of none."""
