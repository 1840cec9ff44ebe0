r"""Corrects known mistakes of programs before a text is parsed (rules 28 and 44).

They are an empty RRULE, letters of two characters, invisible marks in numbers, and quotes inside a quoted LABEL. A
strict parser would read something else, so they are always corrected. ``salvaging`` is tried only if a text cannot be
parsed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from radicale_flowfact.content.contentlines import join_lines, unfold

# Direction marks, zero-width blanks and a byte order mark, which address books and copying put around numbers.
_MARKS = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_PHONE_OR_EMAIL = re.compile(r"(?:[\w-]+\.)?(?:TEL|EMAIL)[;:]", re.ASCII | re.IGNORECASE)
_WIDE_BLANKS = "\u00a0\u2007\u202f"
_BLANKS = str.maketrans(dict.fromkeys(_WIDE_BLANKS, " "))
_EMPTY_TIME = re.compile(
    r"^(?:RRULE|EXRULE|RDATE|EXDATE|RECURRENCE-ID|DTEND|DUE|DURATION)(?:;[^\n:]*)?:[ \t]*\n(?![ \t])",
    re.MULTILINE | re.IGNORECASE,
)
_ADR = re.compile(r"(?:[\w-]+\.)?ADR;", re.ASCII | re.IGNORECASE)
_LABELLED = re.compile(r'^[^\n:]*LABEL="[^\n"]*"[^\n;:]', re.MULTILINE | re.IGNORECASE)
# Six semicolons part the seven components of an ADR.
_QUOTED_LABEL = re.compile(
    r"""\A(?P<head>(?:[\w-]+\.)?ADR;[^"]*LABEL=")(?P<label>.*)(?P<rest>"(?:;[^":]*)?:[^;]*(?:;[^;]*){6,})\Z""",
    re.ASCII | re.IGNORECASE,
)
_LONGEST_LABELLED = 2000  # characters of a line whose LABEL is looked at
_MOST_LABELLED = 20  # such lines
MOST_FOLDED_LINES = 300_000  # a photo of ten megabytes has half as many
# A letter with its marks. ``unicodedata.normalize`` of a whole text takes quadratic time for a long row of marks.
_DECOMPOSED = re.compile("\\w[\u0300-\u036f\u3099\u309a]{1,3}")


def spelt_rightly(text: str) -> str:
    """Return a text (LF line ends) with its letters composed (NFC), without empty rules and marks in numbers."""
    if not text.isascii():
        text = _DECOMPOSED.sub(lambda found: _composed(found[0]), text)
        is_short = text.count("\n") < MOST_FOLDED_LINES
        if is_short and (_MARKS.search(text) or any(blank in text for blank in _WIDE_BLANKS)):
            text = "\n".join(_without_marks(text))
    if text.count("\n") < MOST_FOLDED_LINES and _LABELLED.search(text):
        text = _with_plain_labels(text)
    return _EMPTY_TIME.sub("", f"{text}\n").removesuffix("\n")


@lru_cache(maxsize=4096)
def _composed(letter: str) -> str:
    return unicodedata.normalize("NFC", letter)


def _with_plain_labels(text: str) -> str:
    """Return a text whose ADR lines have no double quotes inside of their quoted LABEL (RFC 6350 §3.3).

    A colon between them would end the head there, and the address would come from the midst of the label.
    """
    lines = unfold(text).split("\n")
    plain = list(lines)
    looked_at = (number for number, line in enumerate(lines) if len(line) < _LONGEST_LABELLED and _ADR.match(line))
    for number in islice(looked_at, _MOST_LABELLED):
        plain[number] = _QUOTED_LABEL.sub(_plain_label, lines[number])
    return text if plain == lines else join_lines(plain).replace("\r\n", "\n").removesuffix("\n")


def _plain_label(found: re.Match[str]) -> str:
    return f"{found['head']}{found['label'].replace(chr(34), chr(39))}{found['rest']}"


def _without_marks(text: str) -> Iterator[str]:
    """Yield the folded lines; those of numbers and e-mails without invisible marks, and with plain blanks."""
    is_phone_or_email = False
    for line in text.split("\n"):
        if line[:1] not in (" ", "\t"):
            is_phone_or_email = _PHONE_OR_EMAIL.match(line) is not None
        yield _MARKS.sub("", line).translate(_BLANKS) if is_phone_or_email else line
