"""FlowFact's records as frozen values: no SQL, no DAV, no I/O.

Times are the office's wall-clock times without zone, as FlowFact stores them; the zone is a setting.
Empty text is ``""``, never None: FlowFact does not tell the two apart, and neither do phones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum


class Table(StrEnum):
    """The two tables whose rows are records; the value is FlowFact's own name for them."""

    ADDRESS = "AD"
    ACTIVITY = "AKT"


class Right(IntEnum):
    """A user's right on a record; the greatest of several entries counts."""

    NONE = 0
    READ = 1
    FULL = 2


def dsn_key(dsn: str) -> str:
    """Return the form in which two DSNs are compared: FlowFact ignores their case and trailing blanks."""
    return dsn.rstrip().lower()


@dataclass(frozen=True, slots=True)
class RecordKey:
    """Names one record. ``dsn`` is spelled as FlowFact spells it; compare through ``dsn_key``."""

    table: Table
    dsn: str

    def __str__(self) -> str:
        return f"{self.table} {self.dsn}"


@dataclass(frozen=True, slots=True)
class Merkmal:
    """A tag. ``owner`` is the DSN of the user whose own Merkmal (Benutzermerkmal) it is, else None."""

    dsn: str
    name: str
    short_name: str = ""
    active: bool = True
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """An Aktivitätenart: decides whether an activity is an appointment, a task or neither."""

    dsn: str
    name: str
    short_name: str = ""
    is_appointment: bool = False
    is_task: bool = False
    is_mail: bool = False


class ListSource(StrEnum):
    """Where a user's list of Merkmale comes from (rule 2); ``OVER_FLOWFACT``: FlowFact's own one is not used."""

    FLOWFACT = "FlowFact"
    SETTINGS = "flowfact.toml"
    OVER_FLOWFACT = "flowfact.toml, not FlowFact"


@dataclass(frozen=True, slots=True)
class User:
    """A FlowFact user with the data that decide the scope of his collections (rules 1, 2, 21).

    The Merkmal sets hold DSNs in ``dsn_key`` form; ``groups`` likewise. ``address_source`` and ``activity_source`` say
    where they come from.
    """

    dsn: str
    name: str
    login: str
    active: bool
    own_merkmal: str | None
    address_merkmale: frozenset[str] = frozenset()
    activity_merkmale: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    appointment_kind: str | None = None
    task_kind: str | None = None
    address_source: ListSource = ListSource.FLOWFACT
    activity_source: ListSource = ListSource.FLOWFACT


@dataclass(frozen=True, slots=True)
class Phone:
    """One number of an address; ``position`` counts from 1 and is never renumbered (rules 10, 11)."""

    position: int
    number: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """One address record. ``phones`` are ordered by position; ``fault`` names what of its rows cannot be read."""

    dsn: str
    identifier: str = ""
    company: str = ""
    salutation: str = ""
    title: str = ""
    given_name: str = ""
    family_name: str = ""
    street: str = ""
    postcode: str = ""
    city: str = ""
    country: str = ""
    fax: str = ""
    email: str = ""
    note: str = ""
    phones: tuple[Phone, ...] = ()
    touch: datetime | None = None
    fault: str = ""

    @property
    def key(self) -> RecordKey:
        """The record's name."""
        return RecordKey(Table.ADDRESS, self.dsn)


@dataclass(frozen=True, slots=True)
class LinkedAddress:
    """The fields of an address linked to an appointment that the appointment shows (rule 17)."""

    dsn: str
    name: str
    company: str = ""
    phone: str = ""
    email: str = ""
    street: str = ""
    postcode: str = ""
    city: str = ""


@dataclass(frozen=True, slots=True)
class Activity:
    """One activity record, appointment or task.

    ``reminder`` is FlowFact's *Vorlage*, the moment it is put before the user; an alarm rings only when
    ``reminder_has_time``. For a task it is also the due date (rule 22). ``end`` of an all-day event is
    exclusive: 00:00 of the day after the last. ``priority``: 1 high … 9 low, 0 none. ``sender``: DSN of
    the user who sent an internal mail, else None (rule 23). ``private``: the rights list names only the
    reading user (rule 18). ``fault`` names what of its row cannot be read.
    """

    dsn: str
    kind: Kind
    begin: datetime | None = None
    end: datetime | None = None
    all_day: bool = False
    reminder: datetime | None = None
    reminder_has_time: bool = False
    subject: str = ""
    note: str = ""
    done: bool = False
    priority: int = 0
    sender: str | None = None
    participants: tuple[str, ...] = ()
    addresses: tuple[LinkedAddress, ...] = ()
    private: bool = False
    touch: datetime | None = None
    fault: str = ""

    @property
    def key(self) -> RecordKey:
        """The record's name."""
        return RecordKey(Table.ACTIVITY, self.dsn)
