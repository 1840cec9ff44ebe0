"""Rule 17: whatever clients do to the FFDATA section, what reaches FlowFact is the note."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radicale_flowfact.content.words import clean
from radicale_flowfact.maps.ffdata import append, strip
from radicale_flowfact.records import LinkedAddress
from tests.strategies import linked, texts, words

PEOPLE = ["Ben Brückner"]
ADDRESSES = [LinkedAddress("d", "Eva Meier", "ACME [Köln]", "0221 1", "a@b.de")]
_BLANKS = [" ", "\n", "\r\n", "  ", "\t", "\u00a0", " \n ", "\r"]


def damaged(text: str, dice: random.Random) -> str:
    """Return the text with every run of white space replaced by some other."""
    return "".join(dice.choice(_BLANKS) if char.isspace() else char for char in text) + dice.choice(["", "\n", "  "])


@given(texts, st.lists(words, max_size=3), st.lists(linked, max_size=3))
def test_the_note_comes_back(note: str, people: list[str], addresses: list[LinkedAddress]) -> None:
    assert strip(append(note, people, addresses)) == clean(note)


@given(texts, st.integers())
def test_any_damage_to_white_space_leaves_the_words_of_the_note(note: str, seed: int) -> None:
    sent = damaged(append(note, PEOPLE, ADDRESSES), random.Random(seed))  # noqa: S311
    assert strip(sent).split() == note.split()


@given(texts, texts)
def test_text_behind_the_section_is_the_note_too(note: str, more: str) -> None:
    sent = f"{append(note, PEOPLE, ADDRESSES)}\n{more}"
    assert strip(sent).split() == [*note.split(), *more.split()]


def test_duplicated_and_pasted_sections_are_cut() -> None:
    section = append("", PEOPLE, ADDRESSES)
    assert strip(f"Note\n{section}\n{section}\nEnde") == "Note\nEnde"
    assert strip(f"Note {section.replace(chr(10), ' ')} mitten {section} drin") == "Note\nmitten\ndrin"


def test_a_cut_off_section_ends_with_the_text() -> None:
    whole = append("Note", PEOPLE, ADDRESSES)
    for length in range(whole.index("Teil") + 1, len(whole)):
        assert strip(whole[:length]) == "Note"


@pytest.mark.parametrize(
    "note", ["FFDATA", "siehe FFDATA unten", "[FF DATA]", "/FFDATA]", "FFDATA:\nx", "vor [FFDATA] und danach"]
)
def test_a_note_that_mentions_the_word_is_left_alone(note: str) -> None:
    assert strip(append(note, PEOPLE, ADDRESSES)) == note
    assert strip(append(note, [], [])) == note


def test_nothing_to_tell_adds_nothing() -> None:
    assert append("Note", [], []) == "Note"
