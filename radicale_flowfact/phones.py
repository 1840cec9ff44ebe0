"""Phone numbers between FlowFact's positions and a contact's typed numbers (rules 10, 11).

Devices reorder and retype numbers, so a number is recognised by itself first and by its slot only then; no
position is ever shifted, and a number that did not change keeps FlowFact's own spelling.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers

from radicale_flowfact.actions import SetPhone
from radicale_flowfact.contentlines import Line, escape, require_printable, unescape
from radicale_flowfact.records import Phone, RecordKey

_REGION = "DE"
_GROUP = "X-FLOWFACT-TEL:"  # a sidecar line of our own
_URI = re.compile(r"\Atel:", re.IGNORECASE)
_TYPES = {
    "work": "WORK,VOICE",
    "cell": "CELL,VOICE",
    "home": "HOME,VOICE",
    "assistant": "X-ASSISTANT",  # as DAVx5 writes Android's assistant number
    "work2": "WORK,VOICE",
    "home2": "HOME,VOICE",
    "pager": "PAGER",
    "car": "CAR,VOICE",
}
_SECOND = {"work": "work2", "home": "home2"}
_BY_TYPE = (
    ("CELL", "cell"),
    ("PAGER", "pager"),
    ("CAR", "car"),
    ("X-ASSISTANT", "assistant"),
    ("ASSISTANT", "assistant"),
    ("WORK", "work"),
    ("HOME", "home"),
)


@dataclass(frozen=True, slots=True)
class SlotPhone:
    """A number as a contact has it: its slot (None: no slot of ours), and the unfolded TEL line as sent."""

    slot: str | None
    number: str
    line: str


@dataclass(frozen=True, slots=True)
class PhoneEdits:
    """What a PUT changes in the positions, and the TEL lines that fit none and stay on the device."""

    actions: tuple[SetPhone, ...]
    extra: tuple[str, ...]


@lru_cache(maxsize=8192)
def same_number(number: str) -> str:
    """Return the form in which two numbers are compared: E.164 where it is one (0221/… equals +49 221 …)."""
    try:
        parsed = phonenumbers.parse(number, _REGION)
    except phonenumbers.NumberParseException:
        return _letters_and_digits(number) or number.strip()
    if not parsed.extension and any(char.isalpha() for char in number):
        return _letters_and_digits(number)  # words are no vanity number here, and tell two of them apart
    extension = f";{parsed.extension}" if parsed.extension else ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) + extension


def number_of(line: Line) -> str:
    """Return the number of a TEL line; vCard 4.0 may have it as a URI (RFC 3966)."""
    return _URI.sub("", unescape(line.value).strip()).strip()


def _letters_and_digits(number: str) -> str:
    return "".join(char for char in number.casefold() if char.isalnum())


def read_phones(lines: Iterable[Line], slots: Sequence[str]) -> tuple[SlotPhone, ...]:
    """Return the numbers of TEL lines with their slots; the second WORK number is work2, and so on."""
    found: list[SlotPhone] = []
    taken: set[str] = set()
    for line in lines:
        number = number_of(line)
        if not number:
            continue
        slot = _slot_of(line)
        if slot in taken:
            slot = _SECOND.get(slot or "")
        if slot not in slots or slot in taken:
            slot = None
        if slot is not None:
            taken.add(slot)
        found.append(SlotPhone(slot, number, line.text))
    return tuple(found)


def groups_of(lines: Iterable[Line]) -> list[str]:
    """Return the sidecar lines that tell which group each number stood in: by it, Apple's label finds its number."""
    grouped = [line for line in lines if line.group and number_of(line)]
    return [f"{_GROUP}{line.text.partition('.')[0]};{same_number(number_of(line))}" for line in grouped]


def in_group(number: str, sidecar: Sequence[str]) -> str:
    """Return the group that a number stood in, with its dot, or empty."""
    mine = f";{same_number(number)}"
    found = (line.removeprefix(_GROUP) for line in sidecar if line.startswith(_GROUP) and line.endswith(mine))
    return next((f"{line.removesuffix(mine)}." for line in found), "")


def phone_lines(phones: Iterable[Phone], slots: Sequence[str], sidecar: Sequence[str] = ()) -> list[str]:
    """Return the TEL lines of an address; numbers from the position after the last slot on are never sent.

    A line break in a number is a blank. Raises ValueError for a control character in one (rule 28).
    """
    return [
        f"{in_group(phone.number, sidecar)}TEL;TYPE={_TYPES[slots[phone.position - 1]]}:{_on_one_line(phone.number)}"
        for phone in phones
        if 1 <= phone.position <= len(slots) and phone.number.strip()
    ]


def _on_one_line(number: str) -> str:
    require_printable("phone number", number)
    return escape(" ".join(number.splitlines()).strip())


def decide_phones(
    record: RecordKey,
    base: Sequence[SlotPhone],
    sent: Sequence[SlotPhone],
    current: Sequence[Phone],
    slots: Sequence[str],
) -> PhoneEdits:
    """Decide which positions change: ``base`` is what the device last saw, ``current`` what FlowFact has now."""
    seen = _positions_seen(base, current, slots)
    there = {phone.position: phone for phone in current if phone.number.strip()}
    known = Counter(same_number(phone.number) for phone in there.values() if phone.position <= len(slots))
    unseen = {same_number(phone.number) for phone in there.values() if phone.position > len(slots)}
    before = Counter(same_number(phone.number) for phone in base)
    new: list[SlotPhone] = []
    again: list[str] = []
    kept: Counter[str] = Counter()
    for phone in sent:
        key = same_number(phone.number)
        if kept[key] == 0 and known[key] == 0 and key in unseen:
            again.append(phone.line)  # FlowFact has it where it is not sent from, so the device keeps its own
        elif kept[key] == 0 and known[key] == 0:
            new.append(phone)
        elif kept[key] >= max(known[key], 1):
            again.append(phone.line)  # one number as two kinds: the second stays with the device
        kept[key] += 1
    gone = _gone(seen, sent, there)
    # A number that the device had without a position stays without one.
    placed, extra = _place([phone for phone in new if before[same_number(phone.number)] == 0], gone, there, slots)
    extra += [phone.line for phone in new if before[same_number(phone.number)] > 0] + again
    actions = [
        SetPhone(record, position, there[position].number if position in there else None, phone.number)
        for position, phone in placed.items()
    ]
    actions += [SetPhone(record, position, there[position].number, None) for position in gone if position not in placed]
    return PhoneEdits(tuple(sorted(actions, key=lambda action: action.position)), tuple(extra))


def _positions_seen(base: Sequence[SlotPhone], current: Sequence[Phone], slots: Sequence[str]) -> dict[int, SlotPhone]:
    """Return which position each number stood for that the device saw: by number, else by slot."""
    found: dict[int, SlotPhone] = {}
    left: list[SlotPhone] = []
    for phone in base:
        matching = (
            row.position
            for row in current
            if row.position <= len(slots)
            and row.position not in found
            and same_number(row.number) == same_number(phone.number)
        )
        position = next(matching, None)
        if position is None:
            left.append(phone)
        else:
            found[position] = phone
    for phone in left:
        own = slots.index(phone.slot) + 1 if phone.slot is not None else 0
        if own and own not in found:
            found[own] = phone
    return found


def _gone(seen: dict[int, SlotPhone], sent: Sequence[SlotPhone], there: dict[int, Phone]) -> dict[int, SlotPhone]:
    """Return the positions whose number the device took off; of one number twice, that of the slot that is missing."""
    positions: defaultdict[str, list[int]] = defaultdict(list)
    for position, phone in sorted(seen.items()):
        if position in there and same_number(there[position].number) == same_number(phone.number):
            positions[same_number(phone.number)].append(position)
    found: dict[int, SlotPhone] = {}
    for key, having in positions.items():
        slots = [phone.slot for phone in sent if same_number(phone.number) == key]
        missing = sorted(having, key=lambda position: (seen[position].slot in slots, -position))
        found |= {position: seen[position] for position in missing[: max(0, len(having) - len(slots))]}
    return dict(sorted(found.items()))


def _place(
    new: Sequence[SlotPhone], gone: dict[int, SlotPhone], there: dict[int, Phone], slots: Sequence[str]
) -> tuple[dict[int, SlotPhone], list[str]]:
    """Find a position for each new number: in place of a vanished one, its slot's own, the first free one.

    Without one that is free, that of a vanished number of another slot will do: it was retyped, too.
    """
    placed: dict[int, SlotPhone] = {}
    left: list[SlotPhone] = []
    for phone in new:
        # The slot that the device showed the vanished number in may differ from the position's own.
        open_ = {position: old for position, old in gone.items() if position not in placed}
        replaced = [position for position, old in open_.items() if old.slot == phone.slot]
        # work or work2: which it is depends on the order only.
        replaced = replaced or [position for position, old in open_.items() if _kind(old.slot) == _kind(phone.slot)]
        own = slots.index(phone.slot) + 1 if phone.slot is not None else 0
        if replaced:
            placed[replaced[0]] = phone
        elif own and own not in there and own not in placed:
            placed[own] = phone
        else:
            left.append(phone)
    free = [position for position in range(1, len(slots) + 1) if position not in there and position not in placed]
    free += [position for position in gone if position not in placed]
    for phone, position in zip(left, free, strict=False):
        placed[position] = phone
    return placed, [phone.line for phone in left[len(free) :]]


def _kind(slot: str | None) -> str | None:
    return next((first for first, second in _SECOND.items() if second == slot), slot)


def _slot_of(line: Line) -> str | None:
    types = line.types
    return next((slot for name, slot in _BY_TYPE if name in types), None)
