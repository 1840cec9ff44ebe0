"""Content lines: taken apart for reading, put together without loss."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radicale_flowfact.contentlines import (
    PayloadError,
    escape,
    join_lines,
    parse_line,
    split_components,
    split_lines,
    unescape,
)

texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]))


@given(texts)
def test_escape_and_back(text: str) -> None:
    assert unescape(escape(text)) == text


@given(st.lists(texts, min_size=1, max_size=6))
def test_components_and_back(parts: list[str]) -> None:
    assert split_components(";".join(escape(part) for part in parts)) == parts


@given(st.lists(texts.map(lambda text: f"X:{text}"), max_size=4))
def test_fold_and_back(lines: list[str]) -> None:
    folded = join_lines(lines)
    assert all(len(line.encode()) <= 75 for line in folded.split("\r\n"))
    assert [line.text for line in split_lines(folded)] == [line for line in lines if line.strip()]


def test_a_line_taken_apart() -> None:
    line = parse_line('item1.TEL;type=WORK,voice;TYPE=pref;X-A="a;b:c";CELL:+49: 1')
    assert (line.group, line.name, line.value) == ("ITEM1", "TEL", "+49: 1")
    assert line.types == {"WORK", "VOICE", "PREF", "CELL"}
    assert line.param("X-A") == ("a;b:c",)


@pytest.mark.parametrize("text", ["", ":x", "no colon", ";A=1:x", "NAME;A=1"])
def test_no_line_at_all(text: str) -> None:
    with pytest.raises(PayloadError):
        parse_line(text)
