"""The lines of the device are paired with those it sends: as one by one, without looking at all for each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from radicale_flowfact.content.contentlines import Line, parse_line
from radicale_flowfact.maps.contacts.candidates import compared_value, without_device_lines

_HEADS = ("EMAIL", "EMAIL;TYPE=HOME", "EMAIL;TYPE=WORK", "EMAIL;TYPE=HOME,PREF", "EMAIL;TYPE=X-A")
_LINES = st.builds(lambda head, value: parse_line(f"{head}:{value}"), st.sampled_from(_HEADS), st.sampled_from("abc"))


@given(st.lists(_LINES, max_size=8), st.lists(_LINES, max_size=8))
def test_rule_9_lines_are_paired_by_text_then_value_then_label(lines: list[Line], own: list[Line]) -> None:
    assert [id(line) for line in without_device_lines(lines, own)] == [id(line) for line in _one_by_one(lines, own)]


def _one_by_one(lines: list[Line], own: list[Line]) -> list[Line]:
    left, waiting = list(lines), list(own)
    for alike in (
        lambda one, other: one.text == other.text,
        lambda one, other: compared_value(one, range(9)) == compared_value(other, range(9)),
        lambda one, other: _label(one) == _label(other) and bool(_label(one) - {"WORK"}),
    ):
        for had in list(waiting):
            found = next((line for line in left if alike(line, had)), None)
            if found is not None:
                waiting = [line for line in waiting if line is not had]
                left = [line for line in left if line is not found]
    return left


def _label(line: Line) -> frozenset[str]:
    return line.types - {"PREF", "INTERNET", "VOICE", "FAX"}


def test_4000_lines_are_compared_once_each() -> None:
    lines = [parse_line(f"EMAIL;TYPE=X-{number}:{number}@b.example") for number in range(4000)]
    own = [parse_line(f"EMAIL;TYPE=Y-{number}:{number}@c.example") for number in range(4000)]
    assert without_device_lines(lines, own) == lines  # took 50 s when each was compared with each
