"""Recognises an English text that has its values in it already, such as a refusal reason from the history."""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass

SENTENCES = frozenset({"reason", "fault", "error", "step", "sort"})
"""Values of these names are the gateway's own words and are translated, too; all others are shown as they are."""


@dataclass(frozen=True, slots=True)
class Template:
    """An English text with places for values, as in ``{login} is not mapped``, and its German.

    ``pieces`` are the fixed texts around the values, ``names`` the values' names in order.
    """

    english: str
    german: str
    pieces: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, english: str, german: str) -> Template:
        """Parse a msgid. Raises ValueError if its braces are not those of ``str.format``."""
        pieces, names = [""], []
        for literal, name, _spec, _conversion in string.Formatter().parse(english):
            pieces[-1] += literal
            if name is not None:
                names.append(name)
                pieces.append("")
        return cls(english, german, tuple(pieces), tuple(names))

    @property
    def is_needed(self) -> bool:
        """Whether the msgid is not the text itself: it has places for values, or braces that are written twice."""
        return self.pieces != (self.english,)

    @property
    def weight(self) -> int:
        """The number of fixed characters: the template with the most of them says what is meant most closely."""
        return sum(map(len, self.pieces))

    @property
    def rank(self) -> tuple[bool, int, str]:
        """Sorts templates as they are tried: what begins with a value takes any beginning, so it comes last."""
        return not self.pieces[0], -self.weight, self.english

    def values(self, text: str) -> dict[str, str] | None:
        """Return the values with which this template makes ``text``, or None. Takes time linear in the text.

        A value ends where the next fixed text is found first; the last one ends before the text's end. Values are not
        empty.
        """
        first, last = self.pieces[0], self.pieces[-1]
        if not self.names:
            return {} if text == first else None
        if not (text.startswith(first) and text.endswith(last)):
            return None
        place, end = len(first), len(text) - len(last)
        found: dict[str, str] = {}
        for number, (name, piece) in enumerate(zip(self.names, self.pieces[1:], strict=True), 1):
            stop = end if number == len(self.names) else text.find(piece, place + 1, end)
            if stop <= place:
                return None
            if found.setdefault(name, text[place:stop]) != text[place:stop]:
                return None
            place = stop + len(piece)
        return found

    def translated(self, text: str, sentence: Callable[[str], str]) -> str | None:
        """Return the German of ``text`` if this template makes it; ``sentence`` translates values that are one."""
        found = self.values(text)
        if found is None:
            return None
        return self.german.format(
            **{name: sentence(value) if name in SENTENCES else value for name, value in found.items()}
        )
