"""What a device may have seen last of an item, and whether it changed a field since (rules 26 and 43)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Generic, TypeVar

from radicale_flowfact.actions import Value
from radicale_flowfact.content.words import same_words, seen
from radicale_flowfact.ical_map import Entry, EntryFields
from radicale_flowfact.maps.contacts import phones
from radicale_flowfact.vcard_map import Card, ContactFields

T = TypeVar("T", bound=Card | Entry)
_U = TypeVar("_U", bound=Card | Entry)
PHONES = "phones"
"""Stands for a contact's numbers among its fields."""
EVERY_FIELD = frozenset({field.name for kind in (ContactFields, EntryFields) for field in fields(kind)} | {PHONES})


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """A version that the device may have had, and what it sent as it reads beside that version."""

    base: T
    sent: T


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """What the device may have seen last (rules 26 and 43).

    ``readings``: the possible versions, the newest last. ``frozen`` is None if it must be one of them. Otherwise
    nothing is known of the device: ``readings`` are all versions that are kept, and ``frozen`` names the fields that
    the office may have changed meanwhile.
    """

    readings: tuple[Reading[T], ...]
    frozen: frozenset[str] | None = None

    @property
    def newest(self) -> Reading[T]:
        """The newest of the possible versions."""
        return self.readings[-1]

    def of(self, kind: type[_U]) -> Seen[_U]:
        """Return the same with readings of one kind, ``Card`` or ``Entry``."""
        found = [(reading.base, reading.sent) for reading in self.readings]
        return Seen(
            tuple(Reading(base, sent) for base, sent in found if isinstance(base, kind) and isinstance(sent, kind)),
            self.frozen,
        )

    def is_changed(self, field: str, differs: Callable[[Reading[T]], bool]) -> bool:
        """Return whether the device changed a field: it differs from every version that the device may have had.

        If nothing is known of the device, a field that the office did not change counts if it differs from the newest
        version, and a field in ``frozen`` never does.
        """
        if self.frozen is None:
            return all(differs(reading) for reading in self.readings)
        return field not in self.frozen and differs(self.newest)


def only(base: T, sent: T) -> Seen[T]:
    """Return that the device saw this version last."""
    return Seen((Reading(base, sent),))


def changed_by_office(versions: Sequence[tuple[Card | Entry, bool]]) -> frozenset[str]:
    """Return the fields that differ between a version that the office made and the one before it.

    ``versions``: each with whether the office made it, oldest first.
    """
    found: set[str] = set()
    for (before, _), (after, is_office) in pairwise(versions):
        if not is_office:
            continue
        found |= _differing(before, after)
    return frozenset(found)


def _differing(before: Card | Entry, after: Card | Entry) -> set[str]:
    """Return the fields in which two versions differ."""
    one, other = before.fields, after.fields
    names = [field.name for field in fields(one) if hasattr(other, field.name)]
    found = {name for name in names if not same(name, getattr(one, name), getattr(other, name))}
    if isinstance(before, Card) and isinstance(after, Card) and _numbers(before) != _numbers(after):
        found.add(PHONES)
    return found


def _numbers(card: Card) -> list[tuple[str | None, str]]:
    return [(phone.slot, phones.comparable_number(phone.number)) for phone in card.phones]


def same(field: str, one: Value, other: Value) -> bool:
    """Return whether two values of a field mean the same; a device's own spelling is no change (rule 26)."""
    if not isinstance(one, str) or not isinstance(other, str):
        return one == other
    if field == "fax":
        return phones.comparable_number(one) == phones.comparable_number(other)
    return same_words(seen(one), seen(other))
