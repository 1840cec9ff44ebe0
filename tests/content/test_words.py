"""Texts compared by their words: as a split would, whatever their length."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from radicale_flowfact.content import words

_TEXTS = st.text("ab \n\u2003", max_size=12)


@given(_TEXTS, _TEXTS, st.sampled_from([0, 70_000]))
def test_the_same_words(one: str, other: str, blanks: int) -> None:
    long, short = one + " " * blanks + other, f"{one} {other}"
    assert words.one_line(long) == " ".join(long.split())
    assert words.same_words(long, short) == (long.split() == short.split())
    assert words.same_words(long, other) == (long.split() == other.split())
    assert not words.same_words("ab " * 70_000 + long, "ba " * 70_000 + long)
    assert words.same_words("ab " * 70_000 + long, "ab\n" * 70_000 + short) == (long.split() == short.split())
