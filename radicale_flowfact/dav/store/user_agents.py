"""Parses a User-Agent: the program that sent it, without what differs between devices."""

from __future__ import annotations

import re
from functools import lru_cache

UNNAMED = "unnamed"
_COMMENT = re.compile(r"\([^()]*\)")
_PRODUCT = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:/([A-Za-z0-9!#$%&'*+.^_`|~-]+))?")
_READ = 255  # characters: as many as are kept of a User-Agent
_SHOWN = 60  # characters


def product(agent: str) -> str:
    """Return the product with its version, such as ``iOS/17.5`` (RFC 9110 §10.1.5).

    The first product, but the last one if the first is Mozilla.
    """
    return _product(agent[:_READ])


@lru_cache(maxsize=1024)
def _product(agent: str) -> str:
    found = _PRODUCT.findall(_COMMENT.sub(" ", agent))
    if not found:
        return UNNAMED
    name, version = found[-1] if found[0][0] == "Mozilla" else found[0]
    return f"{name}/{version}"[:_SHOWN] if version else name[:_SHOWN]


def program(agent: str) -> str:
    """Return the product without its version, which stays the same when a device is updated."""
    return product(agent).partition("/")[0]
