"""Draws the medians as an SVG: one line of dots for each row, on a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Iterator
from xml.sax.saxutils import escape

from bench.results import Results
from bench.rows import ROWS

_COLOURS = {"ours": "#c2410c", "radicale": "#1d4ed8", "xandikos": "#15803d"}
_LEFT, _RIGHT, _TOP, _STEP, _WIDTH = 270, 30, 70, 26, 900
_LOW, _HIGH = -1, 4  # 0.1 ms to 10 s


def draw(results: Results) -> str:
    """Return the plot; a ring is the median with the fewest items, a disc with the most."""
    rows = [row.name for row in ROWS if any(one.row == row.name for one in results.timings)]
    height = _TOP + _STEP * len(rows) + 20
    sizes = sorted({one.items for one in results.timings})
    parts = [*_legend(sizes), *_grid(height)]
    for number, row in enumerate(rows):
        parts += _line(results, row, sizes, _TOP + _STEP * number + _STEP // 2)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="sans-serif" font-size="13">'
    )
    ground = f'<rect width="{_WIDTH}" height="{height}" fill="white"/>'
    return "\n".join((head, ground, *parts, "</svg>", ""))


def _x(ms: float) -> float:
    share = (math.log10(max(ms, 10**_LOW)) - _LOW) / (_HIGH - _LOW)
    return _LEFT + min(share, 1) * (_WIDTH - _LEFT - _RIGHT)


def _legend(sizes: list[int]) -> Iterator[str]:
    for number, (server, colour) in enumerate(_COLOURS.items()):
        x = _LEFT + 110 * number
        yield f'<circle cx="{x}" cy="20" r="5" fill="{colour}"/><text x="{x + 10}" y="25">{server}</text>'
    told = " → ".join(f"{size:,}" for size in sizes)
    yield f'<text x="{_LEFT + 340}" y="25">ring → disc: {told} items; ms, log scale</text>'


def _grid(height: int) -> Iterator[str]:
    for power in range(_LOW, _HIGH + 1):
        x = _x(10**power)
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 8}" y2="{height - 10}" stroke="#ddd"/>'
        yield f'<text x="{x:.1f}" y="{_TOP - 14}" text-anchor="middle" fill="#555">{10**power:,g}</text>'


def _line(results: Results, row: str, sizes: list[int], y: int) -> Iterator[str]:
    yield f'<text x="{_LEFT - 12}" y="{y + 4}" text-anchor="end">{escape(row)}</text>'
    for offset, (server, colour) in zip((-6, 0, 6), _COLOURS.items(), strict=True):
        points = [(size, _x(ms)) for size in sizes if (ms := results.median(row, size, server)) is not None]
        if len(points) > 1:
            first, last = points[0][1], points[-1][1]
            yield f'<line x1="{first:.1f}" x2="{last:.1f}" y1="{y + offset}" y2="{y + offset}" stroke="{colour}"/>'
        for size, x in points:
            fill = colour if size == sizes[-1] else "white"
            yield f'<circle cx="{x:.1f}" cy="{y + offset}" r="3" fill="{fill}" stroke="{colour}"/>'
