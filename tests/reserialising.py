"""A client that takes a payload in and writes it out in its own way: the meaning stays, the bytes do not."""

from __future__ import annotations

import random
import re

from radicale_flowfact.content.contentlines import join_lines, split_lines


def reserialise(text: str, dice: random.Random) -> str:
    """Return the payload reordered, refolded, its types respelled, perhaps with bare line feeds."""
    lines = [line.text for line in split_lines(text)]
    head, body, tail = _inner(lines)
    blocks = _blocks(body)
    dice.shuffle(blocks)
    lines = [_respelled(line, dice) for line in (*head, *(line for block in blocks for line in block), *tail)]
    folded = join_lines(lines) if dice.random() < 0.5 else _narrow(lines, dice.randrange(20, 60))
    return folded.replace("\r\n", "\n") if dice.random() < 0.5 else folded


def _inner(lines: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Split off what must stay first and last: the wrapping components and their fixed lines."""
    start = 1
    for number, line in enumerate(lines):
        if line in ("BEGIN:VEVENT", "BEGIN:VTODO"):
            start = number + 1
    end = -2 if start > 1 else -1
    return lines[:start], lines[start:end], lines[end:]


def _blocks(lines: list[str]) -> list[list[str]]:
    """Return components as blocks, other lines one by one."""
    blocks: list[list[str]] = []
    depth = 0
    for line in lines:
        if depth:
            blocks[-1].append(line)
        else:
            blocks.append([line])
        depth += line.startswith("BEGIN:")
        depth -= line.startswith("END:")
    return blocks


def _respelled(line: str, dice: random.Random) -> str:
    name, colon, value = line.partition(":")
    if "TYPE=" not in name or '"' in name:
        return line
    if dice.random() < 0.5:
        name = re.sub(r"TYPE=([\w,-]+)", lambda found: "TYPE=" + found[1].lower(), name)
    if dice.random() < 0.5:
        name = re.sub(r"TYPE=([\w,-]+)", lambda found: ";".join(f"type={part}" for part in found[1].split(",")), name)
    return f"{name}{colon}{value}"


def _narrow(lines: list[str], width: int) -> str:
    """Fold at a width of its own, counted in characters."""
    folded = []
    for line in lines:
        pieces = [line[start : start + width] for start in range(0, len(line), width)]
        folded.append("\r\n ".join(pieces))
    return "\r\n".join([*folded, ""])
