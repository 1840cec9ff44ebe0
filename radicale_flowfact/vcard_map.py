"""The door of the map between an Address and a vCard 3.0 (RFC 2426), rules 9 to 13, 25 and 26.

``parse`` reads a vCard into ``Card``: what FlowFact has a field for, the phones, and the sidecar, which is every other
line as it came. ``render`` makes a vCard of an Address and a sidecar. Parts of a mapped line that FlowFact has no field
for (further parts of N, ORG and ADR, parameters and groups, an FN of the user's own) are kept in sidecar lines named
``X-FLOWFACT-…``, which are never sent. The code is in ``radicale_flowfact.maps``.
"""

from __future__ import annotations

from radicale_flowfact.content.words import clean
from radicale_flowfact.maps.contacts.fields import TWINS, Card, ContactFields, empty_card
from radicale_flowfact.maps.contacts.reading import parse
from radicale_flowfact.maps.contacts.rendering import minimal, render, warning

TWIN_NAMES = tuple(twin.name for twin in TWINS)
"""By which the sidecar tells what was derived from the fields, such as LABEL (rule 44)."""

__all__ = ["TWIN_NAMES", "Card", "ContactFields", "clean", "empty_card", "minimal", "parse", "render", "warning"]
