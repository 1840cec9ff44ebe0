"""Conditional requests (RFC 9110 §13) where Radicale compares one literal string only."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TAG = re.compile(r'\s*(?P<weak>W/)?(?P<tag>"[^"]*")\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class EntityTags:
    """The value of If-Match or If-None-Match: any (``*``), or a list of tags with their quotes.

    A weak tag counts like a strong one: proxies weaken the tags of what they compress, and the device sends
    those back.
    """

    any: bool
    tags: frozenset[str]

    @classmethod
    def parse(cls, value: str) -> EntityTags | None:
        """Read a header's value; None if it is empty or no list of tags, which Radicale then judges itself."""
        if value.strip() == "*":
            return cls(True, frozenset())
        found: set[str] = set()
        position = 0
        while position < len(value):
            match = _TAG.match(value, position)
            if match is None:
                return None
            found.add(match["tag"])
            position = match.end()
        return cls(False, frozenset(found)) if found else None

    def matches(self, etag: str) -> bool:
        """Return whether the list names this tag."""
        return self.any or etag in self.tags
