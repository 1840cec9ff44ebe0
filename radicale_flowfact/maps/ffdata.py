"""Renders participants and linked addresses as FFDATA in a DESCRIPTION, cuts it out again, finds the place (rule 17).

FFDATA is enclosed in two marks without blanks, so that no client breaks a mark by wrapping the text. It is removed by
the marks alone, whatever a client changed between them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from radicale_flowfact.content.contentlines import printable
from radicale_flowfact.content.words import clean, one_line
from radicale_flowfact.records import LinkedAddress

_BEGIN, _END = "[FFDATA]", "[/FFDATA]"
_NAME = "FFDATA"
_WORD = re.compile(r"\w+")
_LABELS = ("Teilnehmer:", "Adresse:")
# Editors of HTML and Markdown spell brackets in their own way.
_BLANKS = r"[\s\u200b-\u200f\u2060\ufeff]*"
_BRACKET, _BRACKET_END = r"(?:\\?\[|&#0?91;|&#x5b;|&lbrack;)", r"(?:\\?\]|&#0?93;|&#x5d;|&rbrack;)"
_OPEN = rf"{_BRACKET}{_BLANKS}FFDATA{_BLANKS}{_BRACKET_END}"
_CLOSE = rf"{_BRACKET}{_BLANKS}(?:/|&#0?47;|&sol;){_BLANKS}FFDATA{_BLANKS}{_BRACKET_END}"
# A section without its end mark was truncated by a client. What follows the mark must then begin with a label, or with
# the first letters of one at the end of the text; else a note that only mentions the mark would lose its rest.
_CUT_LABELS = "|".join(head[:length] for head in _LABELS for length in range(1, len(head)))
_SECTION = re.compile(
    rf"{_OPEN}(?:(?!{_OPEN}).)*?{_CLOSE}"
    rf"|{_OPEN}\s*(?:(?:{'|'.join(_LABELS)})(?:(?!{_OPEN}).)*|(?:{_CUT_LABELS}))\Z",
    re.DOTALL | re.IGNORECASE,
)


def append(note: str, participants: Sequence[str], addresses: Sequence[LinkedAddress]) -> str:
    """Return the note with the section appended; without participants and addresses, the note alone."""
    lines = [f"{_LABELS[0]} {_section_text(name)}" for name in participants]
    lines += [f"{_LABELS[1]} {_address(address)}" for address in addresses]
    if not lines:
        return clean(note)
    return "\n".join([*([clean(note), ""] if note.strip() else []), _BEGIN, *lines, _END])


def strip(description: str) -> str:
    """Return the note: the description without sections, the texts before and behind them joined.

    A section without its end mark was truncated and ends with the text. A mark without a section is the user's text.
    """
    note = clean(description)
    if _NAME not in note.upper():
        return note
    parts = (part.strip() for part in _SECTION.split(note))
    return "\n".join(part for part in parts if part)


def place(addresses: Sequence[LinkedAddress]) -> str:
    """Return where an appointment takes place: street, postcode and town of its linked addresses.

    Empty if none of them has a street or a town, or if two of them are at different places: FlowFact does not say
    which one is meant.
    """
    found = [text for text in map(_place, addresses) if text]
    return found[0] if len({words_of(text) for text in found}) == 1 else ""


def same_place(one: str, other: str) -> bool:
    """Return whether two texts name the same place."""
    return words_of(one) == words_of(other)


def words_of(text: str) -> str:
    """Return the words by which two places are compared: clients break and part them in their own way."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFC", text).casefold()))


def _place(address: LinkedAddress) -> str:
    town = f"{address.postcode} {address.city}".strip() if address.city.strip() or address.street.strip() else ""
    return one_line(printable(", ".join(part.strip() for part in (address.street, town) if part.strip())))


def _address(address: LinkedAddress) -> str:
    parts = (address.name, address.company, _place(address), address.phone, address.email)
    return _section_text(", ".join(part for part in parts if part))


def _section_text(text: str) -> str:
    """Return a text on one line, without brackets, so that it holds no mark, and control characters (rule 28)."""
    return " ".join(printable(text).replace("[", "(").replace("]", ")").split())
