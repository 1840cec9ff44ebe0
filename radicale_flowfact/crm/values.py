"""Holds what stands in FlowFact's code and flag columns at this site: ``[values]`` in flowfact.toml.

A key is a column with one of the reference schema's words (``RECHTE.RECHT.VOLL``), a flag with ``true`` or ``false``
(``AD.ARCHIV.true``), or ``true`` or ``false`` alone for every flag. Of several spellings the first is written.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from radicale_flowfact.crm.names import TABLES, NameMapError
from radicale_flowfact.database.site_values import NO, YES, Code

WORDS: dict[str, tuple[str, ...]] = {
    "BENMKM.BEREICH": ("OUTLOOK", "VORLAGE"),
    "RECHTE.RECHT": ("VOLL", "LESEN"),
    "RECHTE.TABELLE": ("AD", "AKT"),
}
"""The columns of keywords, and those that the gateway knows."""
FLAGS = ("AKTIV", "ARCHIV", "GANZTAGS", "VORLAGE_ZEIT", "ERLEDIGT", "KALENDER", "AUFGABE", "MAIL")
"""The columns that are flags, in whatever table."""
TRUTHS = ("true", "false")
Raw = bool | int | str
Codes = Mapping[str, tuple[Code, ...]]
"""What stands for each word; the first is written."""


class ValuesError(NameMapError):
    """A key in ``[values]`` is not known, or two words have the same value."""


@dataclass(frozen=True, slots=True)
class Values:
    """A site's codes by key; only what is given."""

    given: Mapping[str, tuple[Code, ...]] = field(default_factory=dict)

    @classmethod
    def from_settings(cls, raw: Mapping[str, Raw | Sequence[Raw]]) -> Values:
        """Return the codes of ``[values]``. Raises ValuesError naming each fault and the nearest known key."""
        faults = [_unknown(key) for key in raw if key not in known_keys()]
        given = {key: _codes(value) for key, value in raw.items()}
        faults += [f"[values] {key!r} must name at least one value" for key, codes in given.items() if not codes]
        found = cls(given)
        faults = faults or [
            *(fault for column, words in WORDS.items() for fault in _ambiguous(column, words, found.words(column))),
            *(fault for key in _flag_keys() for fault in _ambiguous(key, TRUTHS, found._truths(key))),
        ]
        if faults:
            raise ValuesError("; ".join(faults))
        return found

    def words(self, column: str) -> Codes:
        """Return what stands for each word of a column of keywords, such as ``RECHTE.RECHT``."""
        return {word: self.given.get(f"{column}.{word}", (word,)) for word in WORDS[column]}

    def word_of(self, column: str, value: object) -> str:
        """Return the reference schema's word for a value of such a column, or "" if it is none of them."""
        text = _plain(value)
        return next((word for word, codes in self.words(column).items() if text in map(_plain, codes)), "")

    def flag(self, column: str, *, is_text: bool) -> tuple[tuple[Code, ...], tuple[Code, ...]]:
        """Return what stands for yes and for no in a flag such as ``AD.ARCHIV``."""
        yes, no = (self._truths(column).get(word, ()) for word in TRUTHS)
        if is_text:
            return yes or YES, no or NO
        return tuple(filter(is_number, yes)) or (1,), tuple(filter(is_number, no)) or (0,)

    def _truths(self, column: str) -> Codes:
        """Return what is given for yes and no of a flag: its own codes, or those of every flag."""
        found = {word: self.given.get(f"{column}.{word}") or self.given.get(word) for word in TRUTHS}
        return {word: codes for word, codes in found.items() if codes}


def known_keys() -> list[str]:
    """Return every key that ``[values]`` may have."""
    words = [f"{column}.{word}" for column, listed in WORDS.items() for word in listed]
    return [*words, *(f"{column}.{word}" for column in _flag_keys() for word in TRUTHS), *TRUTHS]


def is_number(code: Code) -> bool:
    """Return whether a code can stand in a column of numbers."""
    return isinstance(code, int) or code.strip().lstrip("-").isdecimal()


def _flag_keys() -> list[str]:
    return [f"{table}.{column}" for table, columns in TABLES.items() for column in columns if column in FLAGS]


def _codes(value: Raw | Sequence[Raw]) -> tuple[Code, ...]:
    listed = value if isinstance(value, list | tuple) else (value,)
    return tuple(int(one) if isinstance(one, bool) else one for one in listed)


def _plain(value: object) -> str:
    return str(value).strip().upper()


def _ambiguous(column: str, words: Sequence[str], codes: Codes) -> list[str]:
    first, second = ({_plain(code) for code in codes.get(word, ())} for word in words)
    return [f"[values] {column}: {code!r} cannot be both {words[0]} and {words[1]}" for code in sorted(first & second)]


def _unknown(key: str) -> str:
    nearest = difflib.get_close_matches(key, known_keys(), n=1, cutoff=0.0)
    return f"[values] {key!r} is unknown; did you mean {nearest[0]!r}?"
