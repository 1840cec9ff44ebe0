"""Parses entity tags, and answers conditional GETs (RFC 9110 §13); Radicale compares one string, and answers no 304."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import client

from radicale import types

from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.storage import ResourcePath

_TAG = re.compile(r'\s*(?P<weak>W/)?(?P<tag>"[^"]*")\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class EntityTags:
    """Holds the value of If-Match or If-None-Match: any (``*``), or a list of entity tags with their quotes.

    Weak tags compare like strong ones: proxies weaken the tags of what they compress, and the device sends those back.
    """

    any: bool
    tags: frozenset[str]

    @classmethod
    def parse(cls, value: str) -> EntityTags | None:
        """Parse a header's value; None if it is empty or malformed."""
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


def not_modified(gateway: Gateway, path: str, user: str, environ: types.WSGIEnviron) -> types.WSGIResponse | None:
    """Return 304 for a GET or HEAD of an item that the device has already, without its text (RFC 9110 §13.1.2)."""
    tags = EntityTags.parse(environ.get("HTTP_IF_NONE_MATCH", ""))
    etag = _etag(gateway, path, user) if tags else None
    if tags is None or etag is None or not tags.matches(etag):
        return None
    return client.NOT_MODIFIED, {"ETag": etag}, None, None


def _etag(gateway: Gateway, path: str, user: str) -> str | None:
    """Return the ETag, with quotes, of the item at a path of the user's own; None if there is none.

    Radicale's rights are not asked here, so another's item, and that there is one, must stay unknown.
    """
    resource = ResourcePath.of(path)
    if resource is None or resource.login != user or resource.name is None or resource.href is None:
        return None
    item = gateway.items_at(gateway.open(resource.login, resource.name), [resource.href]).get(resource.href)
    return None if item is None else f'"{item.etag}"'
