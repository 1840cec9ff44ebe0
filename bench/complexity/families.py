"""The worst inputs: families of contacts and calendar objects that grow with a number."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count, islice
from typing import Final
from zoneinfo import available_timezones

Family = Callable[[int], str]


def _card(*lines: str, version: str = "3.0") -> str:
    head = ["BEGIN:VCARD", f"VERSION:{version}", "UID:u", "FN:Eva Meier", "N:Meier;Eva;;;"]
    return "\r\n".join([*head, *lines, "END:VCARD", ""])


def _many(line: str) -> Family:
    """Return cards with many lines of one kind; ``#`` in the line is its number."""
    return lambda size: _card(*(line.replace("#", str(number)) for number in range(size)))


def _long(line: str, piece: str) -> Family:
    """Return cards with one long line."""
    return lambda size: _card(line + piece * size)


def _event(*lines: str, zone: str = "") -> str:
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *([zone] if zone else []), "BEGIN:VEVENT", "UID:u"]
    head += ["DTSTAMP:20260601T000000Z", "DTSTART:20260701T080000Z", "DTEND:20260701T090000Z", "SUMMARY:Notar"]
    return "\r\n".join([*head, *lines, "END:VEVENT", "END:VCALENDAR", ""])


def _todo(*lines: str) -> str:
    return _event(*lines).replace("VEVENT", "VTODO").replace("DTEND", "DUE")


def _alarm(number: int, trigger: str = "TRIGGER:-PT#M") -> str:
    text = trigger.replace("#", str(number % 1000))
    return f"BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:{number}\r\n{text}\r\nEND:VALARM"


def _days(size: int) -> str:
    return ",".join(f"{2026 + day // 336}{1 + day // 28 % 12:02}{1 + day % 28:02}T080000" for day in range(size))


def _moments(size: int) -> str:
    return ",".join(f"203001{1 + n // 3600 % 28:02}T{n // 60 % 60 % 24:02}{n % 60:02}00" for n in range(size))


def _long_head(name: str) -> Family:
    """Return series with many values behind a long head."""
    return lambda size: _event("RRULE:FREQ=DAILY", f"{name};X-A={'a' * size * 10}:{_days(size)}")


def _own_zone(size: int) -> str:
    """Return a series whose times are in a zone that is described at length."""
    observance = ["BEGIN:STANDARD", "DTSTART:19700101T000000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0100", "END:STANDARD"]
    zone = "\r\n".join(["BEGIN:VTIMEZONE", "TZID:Mein", *(f"X-A:{n}" for n in range(size)), *observance])
    return _event("RRULE:FREQ=DAILY", f"EXDATE;TZID=Mein:{_days(size)}", zone=f"{zone}\r\nEND:VTIMEZONE")


def _overrides(size: int) -> str:
    """Return a series with an entry for each of its days."""
    one = _event("RRULE:FREQ=DAILY")
    days = _days(size).split(",")
    made = [
        f"BEGIN:VEVENT\r\nUID:u\r\nRECURRENCE-ID:{day}Z\r\nDTSTART:{day}Z\r\nSUMMARY:x\r\nEND:VEVENT\r\n"
        for day in days
    ]
    return one.replace("END:VCALENDAR", "".join(made) + "END:VCALENDAR")


def _quoted_printable(size: int) -> str:
    return _card("NOTE;ENCODING=QUOTED-PRINTABLE:" + "=\r\n".join(["a=20b"] * size), version="2.1")


_ODD_ZONE = (
    "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\n"
    "TZOFFSETTO:+0100\r\nRRULE:FREQ=DAILY\r\nEND:STANDARD\r\nEND:VTIMEZONE"
)
CARDS: Final[dict[str, Family]] = {
    "EMAIL": _many("EMAIL;TYPE=HOME:#@b.example"),
    "EMAIL, labelled": _many("EMAIL;TYPE=X-#:#@b.example"),
    "TEL": _many("TEL;TYPE=WORK:0221 1#"),
    "TEL, the same": _many("TEL;TYPE=WORK:0221 1234"),
    "TEL, groups": _many("item#.TEL;TYPE=WORK:0221 1#"),
    "TEL, fax": _many("TEL;TYPE=WORK,FAX:0221 1#"),
    "ADR": _many("ADR;TYPE=WORK:;;Ring #;Köln;;5#;DE"),
    "ORG": _many("ORG:Firma #;Abteilung"),
    "NOTE": _many("NOTE:Notiz #"),
    "FN": _many("FN:Eva #"),
    "N": _many("N:Meier;Eva #;;;"),
    "CATEGORIES": _many("CATEGORIES:a#,b"),
    "PHOTO": _many("PHOTO;ENCODING=b:#aaaa"),
    "X-A": _many("X-A:#"),
    "X-FLOWFACT-…": _many("X-FLOWFACT-NOTE:#"),
    "lines that are equal": _many("X-A:b"),
    "one photo": _long("PHOTO;ENCODING=b:", "abcdefgh"),
    "folded at one character": lambda size: _card("NOTE:" + "\r\n a" * size),
    "folded umlauts": _long("NOTE:", "äöüß"),
    "empty lines": lambda size: _card(*[""] * size),
    "one photo as a URI": _long("PHOTO:data:image/jpeg;base64,", "abcdefgh"),
    "photos as URIs": _many("PHOTO;PREF=1:data:image/jpeg;base64,#aaa"),
    "LABEL": lambda size: _card(*(f"{name};TYPE=WORK:;;Ring {n}" for name in ("ADR", "LABEL") for n in range(size))),
    "LABEL, labelled": lambda size: _card(*(f"{name};TYPE=X-{n}:a" for name in ("ADR", "LABEL") for n in range(size))),
    "LABEL of an ADR": _many('ADR;LABEL="Ring #";TYPE=WORK:;;Ring #;Köln;;5;DE'),
    "long LABEL": lambda size: _card('ADR;LABEL="' + "^n^^\\n" * size + '":;;Ring 1', "BDAY:" + "1" * size),
    "MEMBER": _many("MEMBER;PREF=#:urn:uuid:#"),
    "X-ANNIVERSARY": _many("X-ANNIVERSARY:2014-08-12"),
    "long NOTE": _long("NOTE:", "ab cd\\n"),
    "long NOTE, one wide character": lambda size: _card("NOTE:" + "ab cd\\n" * size + "😀"),
    "long NOTE, escaped": _long("NOTE:", "\\;\\,\\\\"),
    "long NOTE of lines": _long("NOTE:", " \\n"),
    "long TEL": _long("TEL:", "0221 "),
    "long ORG": _long("ORG:", "a;"),
    "long ORG, one backslash": _long("ORG:\\", "abcdef"),
    "long ORG, escaped": _long("ORG:", "a\\;b;"),
    "long N": _long("N:", "a\\,;"),
    "long ADR": _long("ADR;TYPE=WORK:", "\\\\;"),
    "long CATEGORIES": _long("CATEGORIES:", "a\\,b,"),
    "letters in two characters": _long("NOTE:", "a\u0308o\u0308"),
    "a row of marks": _long("NOTE:a", "\u0315\u0316"),
    "lines that are none": lambda size: _card("NOTE:a", *["b c"] * size),
    "a head without an end": lambda size: _card("X-A" + ";b" * size, *["b c"] * size),
    "labels": _many('ADR;LABEL="a"":":":":":":":":":;;Ring #;Köln;;5;DE'),
    "numbers with marks": _many("TEL;TYPE=WORK:\u202a0221 1#\u202c"),
    "long parameter": lambda size: _card(f'TEL;TYPE="{"a," * size}":0221'),
    "parameters": lambda size: _card("TEL" + ";TYPE=a" * min(size, 490) + ":0221", *["X-A:" + "b" * 9] * size),
    "quotes": _long("X-A;B=", '"a"'),
    "2.1, folded head": lambda size: _card("TEL" + "\r\n ;X-A=b" * size + ":1", version="2.1"),
    "2.1, quoted-printable": _quoted_printable,
    "2.1, base64": lambda size: _card("PHOTO;BASE64:" + "\r\n abcd" * size, "", version="2.1"),
    "2.1, lines": lambda size: _card(*(f"EMAIL;INTERNET:{n}" for n in range(size)), version="2.1"),
}
EVENTS: Final[dict[str, Family]] = {
    "VALARM": lambda size: _event(*(_alarm(number) for number in range(size))),
    "VALARM, the same": lambda size: _event(*(_alarm(7) for _ in range(size))),
    "VALARM, one TRIGGER": lambda size: _event(*(_alarm(number, "TRIGGER:-PT5M") for number in range(size))),
    "VALARM of a series": lambda size: _event("RRULE:FREQ=DAILY", *(_alarm(number) for number in range(size))),
    "VALARM in own zone": lambda size: _own_zone(size).replace(
        "END:VEVENT",
        "\r\n".join(_alarm(n, "TRIGGER;TZID=Mein:20260701T07#00") for n in range(100, 100 + size)) + "\r\nEND:VEVENT",
    ),
    "VALARM of overrides": lambda size: _overrides(size).replace("SUMMARY:x", _alarm(1)),
    "VALARM and EXDATE": lambda size: _event(
        "RRULE:FREQ=DAILY", f"EXDATE:{_days(size)}", *(_alarm(number) for number in range(size))
    ),
    "VALARM of a task": lambda size: _todo(*(_alarm(number) for number in range(size))),
    "a VALARM's lines": lambda size: _event(_alarm(1, "TRIGGER:-PT5M" + "\r\nX-A:b" * size)),
    "X-A": lambda size: _event(*(f"X-A:{number}" for number in range(size))),
    "X-A with TZID": lambda size: _event(*(f"X-A;TZID=Europe/Berlin:{1900 + n % 200}0101" for n in range(size))),
    "X-FLOWFACT-…": lambda size: _event(*(f"X-FLOWFACT-NOTE:{number}" for number in range(size))),
    "components": lambda size: _event(*(f"BEGIN:X-A\r\nX-B:{n}\r\nEND:X-A" for n in range(size))),
    "components without END": lambda size: _event(*(f"BEGIN:X-{n}\r\nX-B:{n}" for n in range(size))),
    "alarms without END": lambda size: _event(*["BEGIN:VALARM\r\nTRIGGER:-PT5M"] * size),
    "ENDs without BEGIN": lambda size: _event(*(f"END:X-{n}" for n in range(size))),
    "entries without UID": lambda size: _event(*["END:VEVENT\r\nBEGIN:VEVENT\r\nX-A:b"] * size),
    "zones of no yearly rule": lambda size: _event(
        *["END:VEVENT", *[_ODD_ZONE] * size, "BEGIN:VEVENT\r\nUID:u\r\nDTSTART:20260701T100000Z", "a line that is none"]
    ),
    "nested components": lambda size: _event(*["BEGIN:X-A"] * size, *["END:X-A"] * size),
    "DESCRIPTION": lambda size: _event("DESCRIPTION:" + "ab cd\\n" * size),
    "DESCRIPTION, one wide character": lambda size: _event("DESCRIPTION:" + "ab cd\\n" * size + "😀"),
    "DESCRIPTION, FFDATA": lambda size: _event("DESCRIPTION:" + "[FFDATA]a" * size),
    "DESCRIPTION, FFDATA closed": lambda size: _event("DESCRIPTION:" + "[FFDATA]a[/FFDATA]b" * size),
    "DESCRIPTION, brackets": lambda size: _event("DESCRIPTION:" + "[ " * size),
    "DESCRIPTION, blanks": lambda size: _event("DESCRIPTION:[" + " " * size * 4),
    "long SUMMARY": lambda size: _event("SUMMARY:" + "ab " * size).replace("SUMMARY:Notar\r\n", ""),
    "RDATE": lambda size: _event(f"RDATE:{_days(size)}"),
    "RDATE and a rule": lambda size: _event("RRULE:FREQ=DAILY", f"RDATE:{_days(size)}"),
    "RDATE in the time asked for": lambda size: _event("RRULE:FREQ=DAILY", f"RDATE:{_moments(size)}"),
    "EXDATE in the time asked for": lambda size: _event("RRULE:FREQ=DAILY", f"EXDATE:{_moments(size)}"),
    "zones used": lambda size: _event(*(f"X-A;TZID={zone}:20260101" for zone in sorted(available_timezones())[:size])),
    "RDATE lines": lambda size: _event(*(f"RDATE:{day}" for day in _days(size).split(","))),
    "RDATE, long head": _long_head("RDATE"),
    "EXDATE": lambda size: _event("RRULE:FREQ=DAILY", f"EXDATE:{_days(size)}"),
    "EXDATE, long head": _long_head("EXDATE"),
    "EXDATE, own zone": _own_zone,
    "EXRULE": lambda size: _event("RRULE:FREQ=DAILY", *["EXRULE:FREQ=DAILY;INTERVAL=2"] * size),
    "RRULE": lambda size: _event(*["RRULE:FREQ=DAILY"] * size),
    "long RRULE": lambda size: _event("RRULE:FREQ=YEARLY;BYMONTHDAY=" + ",".join(["1"] * size)),
    "overrides": _overrides,
    "zones": lambda size: _event(
        zone="\r\n".join(f"BEGIN:VTIMEZONE\r\nTZID:a{n}\r\nX-LIC-LOCATION:x\r\nEND:VTIMEZONE" for n in range(size))
    ),
    "properties of the calendar": lambda size: _event(zone="\r\n".join(f"X-A:{n}" for n in range(size))),
    "long TZID": lambda size: _event(f"RRULE:FREQ=DAILY\r\nEXDATE;TZID={'a/' * size}:{_days(size)}"),
    "long duration": lambda size: _event("DURATION:P" + "1" * size + "D").replace("DTEND:20260701T090000Z\r\n", ""),
    "CATEGORIES": lambda size: _event("CATEGORIES:" + "a\\,b," * size),
    "tasks' states": lambda size: _todo(*["STATUS:IN-PROCESS", "COMPLETED:20260701T080000Z"] * size),
}


def numbered(text: str, shift: int) -> str:
    """Return a payload whose numbers differ from another's: nothing in it is equal line by line."""
    digits = str.maketrans("123456789", "".join(islice((str((n + shift) % 9 + 1) for n in count()), 9)))
    kept = ("DT", "VERSION", "UID", "RRULE", "EXRULE", "RDATE", "EXDATE", "RECURRENCE")
    return "\r\n".join(line if line.startswith(kept) else line.translate(digits) for line in text.split("\r\n"))
