r"""Corrects known mistakes of programs before a text is parsed (rules 28 and 44).

They are empty rules, letters of two characters, marks that nobody sees, quotes inside of quotes, misspelt durations. A
strict parser would read something else, so they are always corrected. ``salvaging`` is tried only if a text cannot be
parsed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from radicale_flowfact.content.contentlines import PayloadError, join_lines, unfold
from radicale_flowfact.content.durations import spelt_duration
from radicale_flowfact.content.iso_times import with_plain_time

# Direction marks, zero-width blanks, soft hyphens and a byte order mark, which address books and copying put there.
_MARKS = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe0e\ufe0f\ufeff]")
_REACHED_BY = re.compile(r"(?:[\w-]+\.)?(?:TEL|EMAIL)[;:]", re.ASCII | re.IGNORECASE)
# Blanks, hyphens and digits as typesetting and East Asian keyboards have them: a telephone dials none of them.
_TYPESET = {
    **dict.fromkeys([*map(chr, range(0x2000, 0x200B)), "\u00a0", "\u202f", "\u205f", "\u3000"], " "),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d", "-"),
    **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
    "\uff0b": "+",
    "\uff08": "(",
    "\uff09": ")",
}
_PLAIN = str.maketrans(_TYPESET)
_TYPESET_SIGN = re.compile(f"[{re.escape(''.join(_TYPESET))}]")
_EMPTY_TIME = re.compile(
    r"^(?:RRULE|EXRULE|RDATE|EXDATE|RECURRENCE-ID|DTEND|DUE|DURATION|COMPLETED)(?:;[^\n:]*)?:[ \t]*\n(?![ \t])",
    re.MULTILINE | re.IGNORECASE,
)
# A rule that says it is none: "FREQ=", "FREQ=NONE", ";", "null".
_NO_RULE = re.compile(
    r"^(?:RRULE|EXRULE)(?:;[^\n:]*)?:(?:[;, \t]+|NULL|NONE|NEVER|UNDEFINED|FREQ=(?:NONE|NEVER|NULL|ONCE)?(?:;[^\n]*)?)"
    r"\n(?![ \t])",
    re.MULTILINE | re.IGNORECASE,
)
_LENGTH = re.compile(
    r"^(?P<head>(?:TRIGGER|DURATION)(?:;[^\n:\"]*)?:)(?P<value>[^\n:]{0,100})$", re.MULTILINE | re.IGNORECASE
)
_ALARM_TIME = re.compile(
    r"^(?:TRIGGER|ACKNOWLEDGED)(?:;[^\n:]{0,200})?:\d{4}-[^\n]{0,40}$", re.MULTILINE | re.IGNORECASE
)
_VALUE_INSIDE = re.compile(r"^(TRIGGER):(VALUE=DATE-TIME:)", re.MULTILINE | re.IGNORECASE)
_ADR = re.compile(r"(?:[\w-]+\.)?ADR;", re.ASCII | re.IGNORECASE)
# A parameter in quotes behind which neither the next one nor the value begins: there are quotes inside.
_QUOTED_BADLY = re.compile(r'[^:]*="[^"]*"[^;:,]')
_CLOSING = re.compile(r'"(?=[;:,])')
# Six semicolons part the seven components of an ADR.
_QUOTED_LABEL = re.compile(
    r"""\A(?P<head>(?:[\w-]+\.)?ADR;[^"]*LABEL=")(?P<label>.*)(?P<rest>"(?:;[^":]*)?:[^;]*(?:;[^;]*){6,})\Z""",
    re.ASCII | re.IGNORECASE,
)
_LONGEST_QUOTED = 2000  # characters of a line whose quotes are looked at
_MOST_QUOTED = 100  # such lines
MOST_FOLDED_LINES = 300_000  # a photo of ten megabytes has half as many
# A letter with its marks. ``unicodedata.normalize`` of a whole text takes quadratic time for a long row of marks.
_DECOMPOSED = re.compile("\\w[\u0300-\u036f\u3099\u309a]{1,3}")


def spelt_rightly(text: str) -> str:
    """Return a text (LF line ends) with its letters composed (NFC) and without what is only misspelt in it.

    That is: rules and times that say nothing, marks in numbers, quotes inside of quotes, durations as some write them.
    """
    few_lines = text.count("\n") < MOST_FOLDED_LINES
    if not text.isascii():
        text = _DECOMPOSED.sub(lambda found: _composed(found[0]), text)
        if few_lines and (_MARKS.search(text) or _TYPESET_SIGN.search(text)):
            text = "\n".join(_reachable(text))
    if few_lines and '="' in text:
        text = _with_plain_quotes(text)
    text = _LENGTH.sub(_plain_length, _VALUE_INSIDE.sub(r"\1;\2", text))
    text = _ALARM_TIME.sub(lambda found: with_plain_time(found[0]), text)
    return _NO_RULE.sub("", _EMPTY_TIME.sub("", f"{text}\n")).removesuffix("\n")


@lru_cache(maxsize=4096)
def _composed(letter: str) -> str:
    return unicodedata.normalize("NFC", letter)


def _with_plain_quotes(text: str) -> str:
    """Return a text without double quotes inside of quoted parameters (RFC 6350 §3.3, RFC 5545 §3.2).

    A colon between them would end the head there, and the value would come from the midst of a parameter.
    """
    lines = unfold(text).split("\n")
    plain = list(lines)
    short = ((number, line) for number, line in enumerate(lines) if len(line) < _LONGEST_QUOTED)
    for number, line in islice((pair for pair in short if _QUOTED_BADLY.match(pair[1])), _MOST_QUOTED):
        labelled = _QUOTED_LABEL.sub(_plain_label, line) if _ADR.match(line) else line
        plain[number] = _with_plain_parameters(line) if labelled == line else labelled
    return text if plain == lines else join_lines(plain).replace("\r\n", "\n").removesuffix("\n")


def _plain_label(found: re.Match[str]) -> str:
    return f"{found['head']}{found['label'].replace(chr(34), chr(39))}{found['rest']}"


def _with_plain_parameters(line: str) -> str:
    """Return a line whose quoted parameters end where the next one or the value begins, with single quotes inside."""
    made: list[str] = []
    start, opened = 0, line.find('="') + 1
    while opened > 0 and ":" not in line[start:opened] and (closing := _CLOSING.search(line, opened + 1)):
        made += [line[start : opened + 1], line[opened + 1 : closing.start()].replace('"', "'"), '"']
        start = closing.end()
        opened = start + 1 if line.startswith(',"', start) else line.find('="', start) + 1
        if line[start] == ":":
            break
    return "".join([*made, line[start:]])


def _plain_length(found: re.Match[str]) -> str:
    """Return a line of a duration as RFC 5545 §3.3.6 writes it; one that cannot be read, or is a time, as it is."""
    try:
        return f"{found['head']}{spelt_duration(found['value'])}"
    except PayloadError:
        return found[0]


def _reachable(text: str) -> Iterator[str]:
    """Yield the folded lines with numbers and e-mails as a telephone dials them."""
    is_reached_by = False
    for line in text.split("\n"):
        if line[:1] not in (" ", "\t"):
            is_reached_by = _REACHED_BY.match(line) is not None
        yield _MARKS.sub("", line).translate(_PLAIN) if is_reached_by else line
