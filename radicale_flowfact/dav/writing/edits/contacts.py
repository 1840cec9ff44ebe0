"""What an edit of a contact changes in an address, and what a new one writes (rules 9 to 11, 14, 25 and 26)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from functools import partial

from radicale_flowfact import vcard_map
from radicale_flowfact.actions import SetField, SetPhone, Value
from radicale_flowfact.content.contentlines import parse_line
from radicale_flowfact.dav.writing.edits.seen import PHONES, Reading, Seen, same
from radicale_flowfact.dav.writing.edits.sidecars import Edit, merge_sidecar, name_of
from radicale_flowfact.maps.contacts import phones
from radicale_flowfact.maps.contacts.candidates import MOST_LINES
from radicale_flowfact.maps.contacts.whole_address import whole_address
from radicale_flowfact.records import Address, RecordKey
from radicale_flowfact.vcard_map import Card

# What a card has at most once (RFC 6350 §6), and lines of our own; a card may have several photos, but clients show and
# replace one.
_ONCE_IN_CARD = frozenset(
    [
        *("ANNIVERSARY", "BDAY", "GENDER", "KIND", "PHOTO", "PRODID", "REV", "X-ANNIVERSARY", "X-VCARD4-ANNIVERSARY"),
        *("X-VCARD4-BDAY", "X-VCARD4-GENDER", "X-VCARD4-KIND"),
        *("SORT-STRING", "X-PHONETIC-FIRST-NAME", "X-PHONETIC-LAST-NAME", "X-PHONETIC-ORG"),
        "X-EVOLUTION-FILE-AS",
        *(f"X-FLOWFACT-{name}" for name in ("ADR", "N", "ORG", *vcard_map.TWIN_NAMES)),
    ]
)


def edit_address(seen: Seen[Card], current: Address, sidecar: Sequence[str], slots: Sequence[str]) -> Edit:
    """Decide an edit of an address (rules 9 to 11, 25 and 26).

    ``slots``: the phone slot of each position, from position 1.
    """
    record, sent = current.key, seen.newest.sent
    changed = [
        SetField(record, field.name, getattr(current, field.name), getattr(sent.fields, field.name))
        for field in fields(sent.fields)
        if seen.is_changed(field.name, partial(_differs, field.name))
        and not same(field.name, getattr(sent.fields, field.name), getattr(current, field.name))
    ]
    if any(action.field == "street" for action in changed):
        changed = _with_whole_address(changed, record, sent, current)
    bases = [reading.base.phones for reading in seen.readings]
    if seen.frozen is not None and PHONES in seen.frozen:
        bases.append(())  # a missing number may never have been there: none is removed
    kept_numbers = [line for line in sidecar if _is_phone(line)]
    in_sidecar = [_number_in(line) for line in kept_numbers]
    decided = phones.decide_phones(record, bases, sent.phones, current.phones, slots, in_sidecar)
    kept = merge_sidecar(
        [(reading.base.sidecar, reading.sent.sidecar) for reading in seen.readings],
        [line for line in sidecar if not _is_phone(line)],
        _ONCE_IN_CARD,
    )
    base_numbers = [{phones.comparable_number(phone.number) for phone in base} for base in bases]
    sent_numbers = {phones.comparable_number(phone.number) for phone in sent.phones}
    seen_numbers = set.intersection(*base_numbers) | (set.union(*base_numbers) & sent_numbers)
    unseen = [line for line in kept_numbers[:MOST_LINES] if _number_in(line) not in seen_numbers]
    unseen += kept_numbers[MOST_LINES:]
    return Edit((*changed, *decided.actions), (*kept, *unseen, *decided.extra))


def _differs(field: str, reading: Reading[Card]) -> bool:
    return not same(field, getattr(reading.sent.fields, field), getattr(reading.base.fields, field))


def new_address_values(sent: Card) -> tuple[tuple[str, Value], ...]:
    """Return the fields of an address made from a contact, without its Kennung (rule 14)."""
    found = {field.name: getattr(sent.fields, field.name) for field in fields(sent.fields)}
    return tuple((found | whole_address(sent)).items())


def _with_whole_address(changed: Sequence[SetField], record: RecordKey, sent: Card, current: Address) -> list[SetField]:
    """Return the changed fields with those of an address that was typed as a whole into the street (rule 9)."""
    whole = whole_address(sent)
    others = [action for action in changed if action.field not in whole]
    own = ((name, getattr(current, name), value) for name, value in whole.items())
    return others + [SetField(record, name, now, value) for name, now, value in own if not same(name, value, now)]


def identifier_of(card: Card) -> str:
    """Return the wished Kennung of an address: ``Name, Vorname``, else company, e-mail, number or place (rule 14)."""
    names = [name for name in (card.fields.family_name, card.fields.given_name) if name]
    numbers = [phone.number for phone in card.phones]
    place = ", ".join(part for part in (card.fields.street, card.fields.city) if part)
    return ", ".join(names) or card.fields.company or card.fields.email or next(iter(numbers), place)


def new_phones(record: RecordKey, sent: Card, slots: Sequence[str]) -> tuple[tuple[SetPhone, ...], tuple[str, ...]]:
    """Return the actions for the numbers of a new address, and the lines of numbers without a position (rule 10)."""
    decided = phones.decide_phones(record, [()], sent.phones, (), slots)
    return decided.actions, decided.extra


def _is_phone(line: str) -> bool:
    return name_of(line) == "TEL" and "FAX" not in parse_line(line).types


def _number_in(line: str) -> str:
    return phones.comparable_number(phones.number_of(parse_line(line)))
