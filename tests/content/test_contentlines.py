"""Content lines: taken apart for reading, put together without loss."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radicale_flowfact.content import contentlines
from radicale_flowfact.content.contentlines import (
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


@given(st.text("\\\\nN;,a\x00", max_size=12))
def test_unescaping_goes_from_left_to_right(value: str) -> None:
    pairs = re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], value)
    assert unescape(value) == pairs
    parts = re.split(r";", re.sub(r"\\(.)", lambda found: chr(0xE000 + ord(found[1])), value))
    whole = [re.sub("[\ue000-\uf8ff]", lambda found: f"\\{chr(ord(found[0]) - 0xE000)}", part) for part in parts]
    assert split_components(value) == [unescape(part) for part in whole]


def outside_quotes(text: str, separator: str) -> list[str]:
    """Split a text at the separators outside double quotes, sign by sign."""
    parts, inside = [""], False
    for sign in text:
        inside ^= sign == '"'
        if sign == separator and not inside:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


@given(st.text('":;,=a', max_size=16))
def test_what_is_in_double_quotes_separates_nothing(rest: str) -> None:
    """Patterns with possessive groups, which would be the other way, are wrong before Python 3.11.5."""
    head, *more = outside_quotes(rest, ":")
    if not more:
        with pytest.raises(PayloadError):
            parse_line(f"N;{rest}")
        return
    line = parse_line(f"N;{rest}")
    assert line.value == rest[len(head) + 1 :]
    pairs = [part.partition("=") for part in outside_quotes(head, ";")]
    listed = [len(outside_quotes(values, ",")) if equals else 0 for _, equals, values in pairs]
    assert [len(values) for _, values in line.params] == listed


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


def test_no_cache_holds_long_heads() -> None:
    """Each cache is bounded in bytes: what is long is read anew."""
    caches = (contentlines._types_cached, contentlines._read_head_cached, contentlines._split_cached)
    before = [cache.cache_info().currsize for cache in caches]
    text = f"BEGIN:VCARD\r\nTEL;TYPE=WORK;X-A={'a' * 200_000}:1\r\nEND:VCARD\r\n"
    _, line, _ = split_lines(text)
    assert line.types == {"WORK"}
    after = [cache.cache_info().currsize for cache in caches]
    assert sum(after) - sum(before) <= 2  # the heads of the two other lines
