"""What a User-Agent calls the program that sends it, without what changes from one device to the next."""

from __future__ import annotations

import re
from functools import lru_cache

UNNAMED = "unnamed"
_COMMENT = re.compile(r"\([^()]*\)")
_PRODUCT = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:/([A-Za-z0-9!#$%&'*+.^_`|~-]+))?")
_SHOWN = 60  # characters


@lru_cache(maxsize=1024)
def product(agent: str) -> str:
    """Return the product with its version, as ``iOS/17.5`` or ``Thunderbird/128.0`` (RFC 9110 §10.1.5).

    What calls itself Mozilla first names itself last.
    """
    found = _PRODUCT.findall(_COMMENT.sub(" ", agent))
    if not found:
        return UNNAMED
    name, version = found[-1] if found[0][0] == "Mozilla" else found[0]
    return f"{name}/{version}"[:_SHOWN] if version else name[:_SHOWN]


def program(agent: str) -> str:
    """Return the product without its version: a device keeps this name when it is updated."""
    return product(agent).partition("/")[0]
