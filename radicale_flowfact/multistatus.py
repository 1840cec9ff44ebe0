"""Edits the multistatus answers that Radicale wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from xml.etree import ElementTree as ET

import defusedxml.ElementTree as Safe


def edited(answer: str | bytes, edits: Iterable[Callable[[ET.Element], None]]) -> bytes:
    """Return a multistatus after the edits."""
    root: ET.Element = Safe.fromstring(answer)
    for edit in edits:
        edit(root)
    changed: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return changed
