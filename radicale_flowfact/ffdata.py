"""The FFDATA section: what an appointment's note tells of participants and linked addresses (rule 17).

It stands between two marks without blanks in them, so that no client can tear a mark apart by wrapping, and
is cut off again by the marks alone, whatever happened to the white space or the words between them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from radicale_flowfact.contentlines import printable
from radicale_flowfact.records import LinkedAddress

_BEGIN, _END = "[FFDATA]", "[/FFDATA]"
_HEADS = ("Teilnehmer:", "Adresse:")
_OPEN, _CLOSE = r"\[\s*FFDATA\s*\]", r"\[\s*/\s*FFDATA\s*\]"
# A section without its end mark was cut off by a client; what follows then must look like ours, as far as it
# goes, or else a note that only mentions the mark would lose its rest.
_CUT_HEADS = "|".join(head[:length] for head in _HEADS for length in range(1, len(head)))
_SECTION = re.compile(
    rf"{_OPEN}(?:(?!{_OPEN}).)*?{_CLOSE}"
    rf"|{_OPEN}\s*(?:(?:{'|'.join(_HEADS)})(?:(?!{_OPEN}).)*|(?:{_CUT_HEADS}))\Z",
    re.DOTALL | re.IGNORECASE,
)


def append(note: str, participants: Sequence[str], addresses: Sequence[LinkedAddress]) -> str:
    """Return the note with the section behind it; without anything to tell, the note as it is."""
    lines = [f"{_HEADS[0]} {_words(name)}" for name in participants]
    lines += [f"{_HEADS[1]} {_address(address)}" for address in addresses]
    if not lines:
        return normalise(note)
    return "\n".join([*([normalise(note), ""] if note.strip() else []), _BEGIN, *lines, _END])


def strip(description: str) -> str:
    """Return the note: the description without any section, text before and behind it joined.

    A section whose end mark is gone ends with the text: it was cut off. A mark that stands alone is the user's.
    """
    parts = [part.strip() for part in _SECTION.split(normalise(description))]
    return normalise("\n".join(part for part in parts if part))


def normalise(note: str) -> str:
    """Return a note as it is compared: line ends as one character, no blanks at line ends and at the end."""
    lines = note.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()


def _address(address: LinkedAddress) -> str:
    return _words(", ".join(part for part in (address.name, address.company, address.phone, address.email) if part))


def _words(text: str) -> str:
    """Return a text on one line in which no mark can stand, and no control character (rule 28)."""
    return " ".join(printable(text).replace("[", "(").replace("]", ")").split())
