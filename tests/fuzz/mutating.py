"""Payloads from the corpus, changed here and there by what is known to trip readers up."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from radicale_flowfact.content.contentlines import _FOLD

CORPUS = Path(__file__).parents[1] / "corpus"
_LARGEST = 20_000
_HOW = ["drop", "double", "swap", "value", "name", "params", "cut", "insert", "foreign", "wrap", "char"]
ODD = [
    *(
        "",
        " ",
        ";;;;;;;",
        "\\",
        "\\n" * 50,
        '"',
        ",",
        "a" * 300,
        "a" * 3000,
        "😀" * 80,
        "\x07",
        "\x00",
        "\ud800",
        "\u2028",
    ),
    *("\ufeff", "é̂̃", "<&>]]>", "%00", "‮", "[FFDATA]", "[/FFDATA]", "[FFDATA] Teilnehmer: x", "'; DROP TABLE AD"),
    *("00010101", "00010101T000000Z", "99991231T235959Z", "99991231", "17530101T000000", "20260230", "20261025T023000"),
    *("20260329T023000", "20260701T080000", "20260701T250000Z", "20260701T080060Z", "20260701", "-0001", "0", "1e9"),
    *("P9999999999D", "-P99999D", "PT0S", "P", "-PT15M", "P1W", "PT1H", "-P1DT1H", "+PT1S"),
    *(
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=SECONDLY",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;BYDAY=XX",
    ),
    *(
        "FREQ=MONTHLY;COUNT=99999999",
        "FREQ=YEARLY;UNTIL=99991231T000000Z",
        "FREQ=WEEKLY;COUNT=3;BYSETPOS=-1;BYDAY=MO,TU",
    ),
    *("PRIVATE", "CONFIDENTIAL", "TRUE", "COMPLETED", "group", "privat", "mailto:x@example.com", "+49 221 123456", "Ⅷ"),
]
NAMES = [
    *(
        "DTSTART",
        "DTEND",
        "DUE",
        "DURATION",
        "RRULE",
        "EXDATE",
        "RDATE",
        "EXRULE",
        "RECURRENCE-ID",
        "TRIGGER",
        "UID",
        "SUMMARY",
    ),
    *(
        "DESCRIPTION",
        "CLASS",
        "STATUS",
        "COMPLETED",
        "PRIORITY",
        "X-FLOWFACT-DUE",
        "X-FLOWFACT-ALARM",
        "X-FLOWFACT-NOTE",
    ),
    *("ACKNOWLEDGED", "X-MOZ-LASTACK", "ATTENDEE", "ORGANIZER", "X-ALT-DESC", "BEGIN", "END", "TZID", "TZOFFSETTO"),
    *(
        "N",
        "FN",
        "ORG",
        "ADR",
        "TEL",
        "EMAIL",
        "NOTE",
        "CATEGORIES",
        "KIND",
        "VERSION",
        "REV",
        "X-ABLABEL",
        "item1.TEL",
    ),
    *("X-FLOWFACT-FN", "X-FLOWFACT-N", "X-FLOWFACT-CALENDAR", "", ".", "X-", "é", "A" * 200),
]
PARAMS = [
    *(
        "VALUE=DATE",
        "VALUE=DATE-TIME",
        "VALUE=PERIOD",
        "TZID=Europe/Berlin",
        "TZID=Nirgends",
        "TZID=",
        "TZID=../etc/passwd",
    ),
    *(
        "TZID=W. Europe Standard Time",
        'TZID="(UTC+01:00) Amsterdam"',
        "RELATED=END",
        "TYPE=WORK,FAX",
        "TYPE=home",
        "PREF",
    ),
    *(
        "ENCODING=QUOTED-PRINTABLE",
        "ENCODING=b",
        "ENCODING=BASE64",
        "CHARSET=utf-7",
        "CHARSET=nosuch",
        'X="a;b:c',
        "=",
        ";",
    ),
    *("ALTREP=x", "LANGUAGE=de", "X-A=" + "b" * 500, "TYPE", "RANGE=THISANDFUTURE"),
]
WRAPS = ["VEVENT", "VTODO", "VALARM", "VTIMEZONE", "STANDARD", "VCALENDAR", "VCARD", "VJOURNAL", "VFREEBUSY", "X"]


@cache
def corpus(suffix: str) -> tuple[tuple[str, ...], ...]:
    """Return the unfolded lines of each small file of the corpus."""
    files = sorted(path for path in CORPUS.rglob(f"*{suffix}") if path.stat().st_size < _LARGEST)
    return tuple(tuple(_FOLD.sub("", path.read_bytes().decode("utf-8", "replace")).splitlines()) for path in files)


@dataclass(frozen=True)
class Change:
    """One change of a list of lines. The numbers say where, as far as the list reaches."""

    how: str
    where: int
    other: int
    text: str

    def apply(self, lines: list[str], donor: tuple[str, ...]) -> list[str]:
        """Return the lines changed."""
        if not lines:
            return [self.text]
        at, to = self.where % len(lines), self.other % len(lines)
        head, line, tail = lines[:at], lines[at], lines[at + 1 :]
        match self.how:
            case "drop":
                return head + tail
            case "double":
                return [*head, line, line, *tail]
            case "swap":
                lines = list(lines)
                lines[at], lines[to] = lines[to], lines[at]
                return lines
            case "value":
                return [*head, f"{line.partition(':')[0]}:{self.text}", *tail]
            case "name":
                return [*head, f"{NAMES[self.other % len(NAMES)]}:{line.partition(':')[2]}", *tail]
            case "params":
                name, _, value = line.partition(":")
                return [*head, f"{name};{PARAMS[self.other % len(PARAMS)]}:{value}", *tail]
            case "cut":
                return [*head, line[: self.other % (len(line) + 1)]]
            case "insert":
                return [*head, f"{NAMES[self.other % len(NAMES)]}:{self.text}", line, *tail]
            case "foreign":
                return [*head, line, donor[self.other % len(donor)], *tail]
            case "wrap":
                name = WRAPS[self.other % len(WRAPS)]
                first, last = sorted((at, to))
                return [*lines[:first], f"BEGIN:{name}", *lines[first:last], f"END:{name}", *lines[last:]]
            case _:
                place = self.other % (len(line) + 1)
                return [*head, line[:place] + self.text + line[place:], *tail]


changes = st.builds(
    Change, st.sampled_from(_HOW), st.integers(0, 400), st.integers(0, 400), st.sampled_from(ODD) | st.text(max_size=20)
)


@st.composite
def payloads(draw: st.DrawFn, suffix: str) -> str:
    """Return a payload of the corpus with up to six changes, with one of three kinds of line ends."""
    lines = list(draw(st.sampled_from(corpus(suffix))))
    donor = draw(st.sampled_from(corpus(draw(st.sampled_from([".ics", ".vcf"])))))
    for change in draw(st.lists(changes, max_size=6)):
        lines = change.apply(lines, donor)
    return draw(st.sampled_from(["\r\n", "\r\n", "\n", "\r"])).join([*lines, ""])


def mutated(dice: random.Random, suffix: str) -> str:
    """Return such a payload by chance alone, which is a hundred times quicker to draw."""
    lines = list(dice.choice(corpus(suffix)))
    donor = dice.choice(corpus(dice.choice([".ics", ".vcf"])))
    for _ in range(dice.choice([0, 0, 1, 1, 2, 3, 6])):
        change = Change(dice.choice(_HOW), dice.randrange(400), dice.randrange(400), dice.choice(ODD))
        lines = change.apply(lines, donor)
    return dice.choice(["\r\n", "\r\n", "\n", "\r"]).join([*lines, ""])
