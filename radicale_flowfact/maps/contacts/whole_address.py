"""Divides an address that was typed as a whole into the street, if it clearly is one (rule 9)."""

from __future__ import annotations

import re

from radicale_flowfact.maps.contacts.fields import Card

_LONGEST = 500  # characters
_WHOLE = re.compile(
    r"(?P<street>[^\n]{1,200}(?:\n[^\n]{1,200}){0,3}?)\s*(?:\n|,[ \t])\s*"
    r"(?:(?P<land>[A-Z]{1,2})[- ])?(?P<postcode>\d{4,5})[ \t]+(?P<city>[^\W\d][^\n\d]{1,60})"
)
_GERMAN = 5  # digits; the postcodes of Austria and Switzerland have four, behind their sign
_LANDS = frozenset({"A", "AT", "CH", "L", "LU"})


def whole_address(card: Card) -> dict[str, str]:
    """Return street, postcode and city by field name if all stand in the street, postcode and town last; else none."""
    found = card.fields
    text = found.street.replace("\r\n", "\n").strip()
    if found.postcode or found.city or len(text) > _LONGEST or not (parts := _WHOLE.fullmatch(text)):
        return {}
    digits, land = parts["postcode"], parts["land"]
    if len(digits) != _GERMAN if land in (None, "D", "DE") else land not in _LANDS:
        return {}
    return {"street": parts["street"].strip(" ,\t\n"), "postcode": digits, "city": parts["city"].strip(" ,\t")}
