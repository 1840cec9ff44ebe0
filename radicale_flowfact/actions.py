"""The actions of an edit, as frozen values.

``dav/`` decides them, ``crm/`` carries out those that concern FlowFact, the history keeps them and undo
reverses them. They are plain data: no SQL, no DAV.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from radicale_flowfact.records import RecordKey, Right

Value = str | int | bool | datetime | None


@dataclass(frozen=True, slots=True)
class SetField:
    """Give one mapped field of a record another value; ``field`` is an attribute of Address or Activity."""

    record: RecordKey
    field: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class SetPhone:
    """Set, add (``before`` None) or take away (``after`` None) the number at one position (rule 11).

    The remark at that position is never changed; a position with a remark keeps its row, with an empty number.
    """

    record: RecordKey
    position: int
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class AddMerkmal:
    """Put a Merkmal on a record; its Touch does not move."""

    record: RecordKey
    merkmal: str


@dataclass(frozen=True, slots=True)
class RemoveMerkmal:
    """Take a Merkmal off a record; nothing else of it changes (rules 13, 19)."""

    record: RecordKey
    merkmal: str


@dataclass(frozen=True, slots=True)
class MarkDone:
    """Set an activity done or open again (rules 20, 22)."""

    record: RecordKey
    before: bool
    after: bool


@dataclass(frozen=True, slots=True)
class RightsEntry:
    """One row of a rights list; user and group both None mean everybody."""

    user: str | None
    group: str | None
    right: Right


@dataclass(frozen=True, slots=True)
class SetRights:
    """Replace a record's rights list; an empty list means that everybody has full rights (rules 12, 18)."""

    record: RecordKey
    before: tuple[RightsEntry, ...]
    after: tuple[RightsEntry, ...]


@dataclass(frozen=True, slots=True)
class CreateRecord:
    """Make a record with all its fields; ``merkmal`` and rights follow as actions of their own (rules 14, 21)."""

    record: RecordKey
    fields: tuple[tuple[str, Value], ...]


CrmAction = SetField | SetPhone | AddMerkmal | RemoveMerkmal | MarkDone | SetRights | CreateRecord


@dataclass(frozen=True, slots=True)
class KeepSidecar:
    """Store the unfolded content lines that the device sent and FlowFact has no field for (rule 25)."""

    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hide:
    """Take an item off this user's devices though its record is in scope (rules 13, 19)."""


@dataclass(frozen=True, slots=True)
class Show:
    """End a Hide: the own Merkmal was set again, or the device put the item back (rule 15)."""


@dataclass(frozen=True, slots=True)
class KeepOnDevice:
    """Keep an item that becomes no FlowFact record; ``reason`` is for the admin's list (rule 25)."""

    reason: str


@dataclass(frozen=True, slots=True)
class DropFromDevice:
    """Delete a device-only item for good; its text stays in the history (rule 25)."""


DavAction = KeepSidecar | Hide | Show | KeepOnDevice | DropFromDevice
Action = CrmAction | DavAction
