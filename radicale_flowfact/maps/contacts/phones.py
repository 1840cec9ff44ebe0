"""Maps FlowFact's phone positions to the TEL lines of a contact and back (rules 10 and 11).

Devices reorder numbers and change their types, so a number is matched by its value first and by its slot second. No
position is ever moved, and a number that did not change keeps FlowFact's spelling. What kind of number the user calls
it stays with the number, for his devices only (rule 25): the position says it as long as he does not.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

import phonenumbers

from radicale_flowfact.actions import SetPhone
from radicale_flowfact.content.contentlines import Line, escape, require_printable, unescape
from radicale_flowfact.records import Phone, RecordKey

_REGION = "DE"
_LONGEST_NUMBER = 250  # characters; of more, phonenumbers reads none
_LONGEST_CACHED = 64  # characters: what is longer is a text, and a cache must be bounded in bytes
_GROUP = "X-FLOWFACT-TEL:"  # prefix of the sidecar line with the group of a number
_KINDS = "X-FLOWFACT-TEL-TYPES:"  # prefix of the sidecar line with what the user calls a number
_USUAL_KINDS = frozenset(
    [
        *("ASSISTANT", "BBS", "CAR", "CELL", "FAX", "HOME", "IPHONE", "ISDN", "MAIN", "MODEM", "MSG", "OTHER", "PAGER"),
        *("PCS", "PREF", "TEXT", "TEXTPHONE", "VIDEO", "VOICE", "WORK", "X-ASSISTANT"),
    ]
)
_SIGNS = re.compile(r"[;:]")
_LONGEST_KINDS = 500  # characters of what stands before a number
_URI = re.compile(r"\Atel:", re.IGNORECASE)
# Of a URI (RFC 3966), and as people and programs write extensions. Bounded, so that it takes linear time.
_EXTENSION = re.compile(
    r"(?P<number>[\d\s()/.+-]{4,40}?)[\s,]{0,3}(?:;ext=|ext\.?|extension|x|dw|durchwahl|app\.?|apparat)[\s.:]{0,3}"
    r"(?P<extension>\d{1,7})(?:;[\w-]{1,30}=[\w.+-]{0,60})?",
    re.IGNORECASE,
)
_DIRECT = re.compile(
    r"[\s(/]*(?:(?:\+|00)(?:49|43|41)|0(?!0)|[1-9])"
)  # in these countries an extension is dialled along
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
    """Holds a number of a contact: its slot (None: none is configured for it), and the unfolded TEL line as sent."""

    slot: str | None
    number: str
    line: str


@dataclass(frozen=True, slots=True)
class PhoneEdits:
    """Holds what a PUT changes in the positions, and the TEL lines without a position, which go to the sidecar."""

    actions: tuple[SetPhone, ...]
    extra: tuple[str, ...]


def comparable_number(number: str) -> str:
    """Return a number normalised for comparison: E.164 where it is one (0221/… equals +49 221 …)."""
    if len(number) > _LONGEST_NUMBER:
        return number.strip()
    return _comparable_cached(number) if len(number) <= _LONGEST_CACHED else _comparable(number)


def _comparable(number: str) -> str:
    number = plain_number(number)
    try:
        parsed = phonenumbers.parse(number, _REGION)
    except phonenumbers.NumberParseException:
        return _letters_and_digits(number) or number.strip()
    if not parsed.extension and any(char.isalpha() for char in number):
        return _letters_and_digits(number)  # words in a number are a remark, not vanity digits
    extension = f";{parsed.extension}" if parsed.extension else ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) + extension


_comparable_cached = lru_cache(maxsize=8192)(_comparable)


def number_of(line: Line) -> str:
    """Return the number of a TEL line; vCard 4.0 may have it as a URI (RFC 3966)."""
    number = _URI.sub("", unescape(line.value).strip()).strip()
    if len(number) <= _LONGEST_NUMBER and ("%" in number or ";" in number):
        number = _of_uri(number)
    return plain_number(number)


def _of_uri(number: str) -> str:
    """Return a number with its extension, without the other parameters of a URI and its signs that are coded."""
    first, *others = unquote(number).split(";")
    params = {name.strip().lower(): value for name, equals, value in (one.partition("=") for one in others) if equals}
    if len(params) < len(others):
        return number  # these are none
    context = params.get("phone-context", "")
    before = f"{context} " if context.startswith("+") and not first.startswith("+") else ""
    extension = f";ext={params['ext']}" if params.get("ext") else ""
    return f"{before}{first.strip()}{extension}"


def plain_number(number: str) -> str:
    """Return a number with its extension as an office writes it: ``0221 123-45``, abroad ``+1 418 656 ext. 102``."""
    found = _EXTENSION.fullmatch(number) if len(number) <= _LONGEST_NUMBER else None
    if found is None:
        return number
    sign = "-" if _DIRECT.match(number) else " ext. "
    return f"{found['number'].strip()}{sign}{found['extension']}"


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


def group_lines(lines: Iterable[Line]) -> list[str]:
    """Return the sidecar lines with the group of each number: X-ABLabel refers to its number by the group."""
    grouped = [line for line in lines if line.group and number_of(line)]
    return [f"{_GROUP}{line.text.partition('.')[0]};{comparable_number(number_of(line))}" for line in grouped]


def kind_lines(lines: Iterable[Line]) -> list[str]:
    """Return the sidecar lines with the TYPE values of each number; VOICE beside another type is left out.

    A number without types, as beside a label of Apple's, is rendered with those of its position.
    """
    named = ((kinds, number_of(line)) for line in lines if (kinds := _kinds(line)))
    return [f"{_KINDS}{kinds};{comparable_number(number)}" for kinds, number in named if number]


def _kinds(line: Line) -> str:
    """Return the types of a TEL line in one order, as others spell them unless they are usual ones."""
    if len(line.text) - len(line.value) > _LONGEST_KINDS:
        return ""
    params = (values or (key,) for key, values in line.params if key == "TYPE" or not values)
    named = [kind.strip() for values in params for value in values for kind in value.split(",")]
    plain = {kind.upper(): kind.upper() if kind.upper() in _USUAL_KINDS else kind for kind in named if kind}
    if len(plain) > 1:
        plain.pop("VOICE", None)
    return ",".join(f'"{kind}"' if _SIGNS.search(kind) else kind for _, kind in sorted(plain.items()))


def _types_of(number: str, usual: str, sidecar: Sequence[str]) -> str:
    """Return the TYPE parameter of a number: what the user calls it, else the usual one of its position."""
    mine = f";{comparable_number(number)}"
    found = (line.removeprefix(_KINDS) for line in sidecar if line.startswith(_KINDS) and line.endswith(mine))
    types = next((line.removesuffix(mine) for line in found), usual)
    return f";TYPE={types}" if types else ""


def group_prefix(number: str, sidecar: Sequence[str]) -> str:
    """Return the group that the sidecar has for a number, with its dot, or an empty text."""
    mine = f";{comparable_number(number)}"
    found = (line.removeprefix(_GROUP) for line in sidecar if line.startswith(_GROUP) and line.endswith(mine))
    return next((f"{line.removesuffix(mine)}." for line in found), "")


def phone_lines(phones: Iterable[Phone], slots: Sequence[str], sidecar: Sequence[str] = ()) -> list[str]:
    """Return the TEL lines of an address; numbers at positions behind the last slot are never sent (rule 10).

    A line break in a number is sent as a blank. Raises ValueError for a control character in one (rule 28).
    """
    return [
        f"{group_prefix(phone.number, sidecar)}TEL{_types_of(phone.number, _TYPES[slots[phone.position - 1]], sidecar)}"
        f":{_one_line(phone.number)}"
        for phone in phones
        if 1 <= phone.position <= len(slots) and phone.number.strip()
    ]


def _one_line(number: str) -> str:
    require_printable("phone number", number)
    return escape(" ".join(number.splitlines()).strip())


def decide_phones(
    record: RecordKey,
    bases: Sequence[Sequence[SlotPhone]],
    sent: Sequence[SlotPhone],
    current: Sequence[Phone],
    slots: Sequence[str],
    kept: Iterable[str] = (),
) -> PhoneEdits:
    """Decide which positions change: ``current`` is what FlowFact has now.

    ``bases`` are the versions of which the device saw one last (rule 43), the newest last. ``kept``: the numbers that
    the sidecar has, as ``comparable_number``. A number that the device had and sends again, and that neither FlowFact
    nor the sidecar has any more, was removed meanwhile: it stays removed (rule 26).
    """
    seen = [_positions_seen(base, current, slots) for base in bases]
    current_by_position = {phone.position: phone for phone in current if phone.number.strip()}
    known = Counter(
        comparable_number(phone.number) for phone in current_by_position.values() if phone.position <= len(slots)
    )
    unseen = {comparable_number(phone.number) for phone in current_by_position.values() if phone.position > len(slots)}
    before = {comparable_number(phone.number) for base in bases for phone in base}
    new: list[SlotPhone] = []
    unmapped: list[str] = []
    met: Counter[str] = Counter()
    in_sidecar = Counter(kept)
    for phone in sent:
        key = comparable_number(phone.number)
        if met[key] == 0 and known[key] == 0 and key in unseen:
            unmapped.append(phone.line)  # FlowFact has it at a position that is not sent: it stays in the sidecar
        elif met[key] == 0 and known[key] == 0:
            new.append(phone)
        elif met[key] >= max(known[key], 1):
            unmapped.append(phone.line)  # one number of two types: the second line stays in the sidecar
            in_sidecar[key] -= 1
        met[key] += 1
    removed = _removed_from_all(seen, sent, current_by_position)
    # A number that the device had without a position stays without one.
    unplaced = [phone for phone in new if comparable_number(phone.number) not in before]
    placed, extra = _assign_positions(unplaced, removed, current_by_position, slots)
    again = [phone for phone in new if comparable_number(phone.number) in before]
    extra += [phone.line for phone in again if in_sidecar[comparable_number(phone.number)] > 0] + unmapped
    actions = [
        SetPhone(
            record,
            position,
            current_by_position[position].number if position in current_by_position else None,
            phone.number,
        )
        for position, phone in placed.items()
    ]
    actions += [
        SetPhone(record, position, current_by_position[position].number, None)
        for position in removed
        if position not in placed
    ]
    return PhoneEdits(tuple(sorted(actions, key=lambda action: action.position)), tuple(extra))


def _positions_seen(base: Sequence[SlotPhone], current: Sequence[Phone], slots: Sequence[str]) -> dict[int, SlotPhone]:
    """Return the position of each number that the device had: matched by number, else by slot."""
    found: dict[int, SlotPhone] = {}
    unmatched: list[SlotPhone] = []
    for phone in base:
        matching = (
            row.position
            for row in current
            if row.position <= len(slots)
            and row.position not in found
            and comparable_number(row.number) == comparable_number(phone.number)
        )
        position = next(matching, None)
        if position is None:
            unmatched.append(phone)
        else:
            found[position] = phone
    for phone in unmatched:
        own = slots.index(phone.slot) + 1 if phone.slot is not None else 0
        if own and own not in found:
            found[own] = phone
    return found


def _removed_from_all(
    seen: Sequence[dict[int, SlotPhone]], sent: Sequence[SlotPhone], current_by_position: dict[int, Phone]
) -> dict[int, SlotPhone]:
    """Return the positions whose number the device deleted, whichever of the versions it had.

    In each it had a number there that it does not send any more, in one of them the one that FlowFact has now.
    """
    said = {comparable_number(phone.number) for phone in sent}
    found: dict[int, SlotPhone] = {}
    removed = [_removed_positions(one, sent, current_by_position) for one in seen]
    for position in sorted({position for one in removed for position in one}):
        gone = [
            position in mine or (position in had and comparable_number(had[position].number) not in said)
            for had, mine in zip(seen, removed, strict=True)
        ]
        if all(gone):
            found[position] = next(mine[position] for mine in reversed(removed) if position in mine)
    return found


def _removed_positions(
    seen: dict[int, SlotPhone], sent: Sequence[SlotPhone], current_by_position: dict[int, Phone]
) -> dict[int, SlotPhone]:
    """Return the positions whose number the device deleted; of a number twice, that of the slot that is missing."""
    positions: defaultdict[str, list[int]] = defaultdict(list)
    for position, phone in sorted(seen.items()):
        if position in current_by_position and comparable_number(
            current_by_position[position].number
        ) == comparable_number(phone.number):
            positions[comparable_number(phone.number)].append(position)
    found: dict[int, SlotPhone] = {}
    for key, having in positions.items():
        slots = [phone.slot for phone in sent if comparable_number(phone.number) == key]
        missing = sorted(having, key=lambda position: (seen[position].slot in slots, -position))
        found |= {position: seen[position] for position in missing[: max(0, len(having) - len(slots))]}
    return dict(sorted(found.items()))


def _assign_positions(
    new: Sequence[SlotPhone], removed: dict[int, SlotPhone], current_by_position: dict[int, Phone], slots: Sequence[str]
) -> tuple[dict[int, SlotPhone], list[str]]:
    """Assign a position to each new number: that of a deleted one of its slot, its slot's own, the first free one.

    If none is free, that of a deleted number of another slot is taken: its type was changed as well.
    """
    placed: dict[int, SlotPhone] = {}
    unmatched: list[SlotPhone] = []
    for phone in new:
        # The slot in which the device had the deleted number may differ from that of the position.
        open_ = {position: old for position, old in removed.items() if position not in placed}
        replaced = [position for position, old in open_.items() if old.slot == phone.slot]
        # work and work2 differ by the order of the lines only.
        replaced = replaced or [position for position, old in open_.items() if _kind(old.slot) == _kind(phone.slot)]
        own = slots.index(phone.slot) + 1 if phone.slot is not None else 0
        if replaced:
            placed[replaced[0]] = phone
        elif own and own not in current_by_position and own not in placed:
            placed[own] = phone
        else:
            unmatched.append(phone)
    free = [
        position
        for position in range(1, len(slots) + 1)
        if position not in current_by_position and position not in placed
    ]
    free += [position for position in removed if position not in placed]
    for phone, position in zip(unmatched, free, strict=False):
        placed[position] = phone
    return placed, [phone.line for phone in unmatched[len(free) :]]


def _kind(slot: str | None) -> str | None:
    return next((first for first, second in _SECOND.items() if second == slot), slot)


def _slot_of(line: Line) -> str | None:
    types = line.types
    return next((slot for name, slot in _BY_TYPE if name in types), None)
