"""The types of flags and times where a site's columns are not those of the reference schema.

A flag may be a number or a letter, a time may have a zone, no time of day, or be a text in ISO form. Python always gets
and gives a bool, or the office's local time without zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Dialect, func, literal, type_coerce
from sqlalchemy.types import Date, DateTime, Integer, String, TypeDecorator, TypeEngine, Unicode

from radicale_flowfact.database.odd_values import UNREADABLE_LATE

Code = str | int
_LONGEST_FLAG, _LONGEST_TIME = 20, 40  # characters of a flag and of a time that are texts
_LEAST = 10  # characters of a date
YES = ("J", "JA", "Y", "YES", "T", "TRUE", "W", "WAHR", "X", "1", "-1")
NO = ("N", "NEIN", "NO", "F", "FALSE", "FALSCH", "0", "")
"""What letters mean where ``[values]`` says nothing; the first is written."""


class SiteFlag(TypeDecorator[bool]):
    """A flag in a column of numbers or of text.

    ``yes`` and ``no``: what stands in it; the first of each is written. Of numbers, each that is not ``no`` is a yes.
    """

    impl = String
    cache_ok = True

    def __init__(self, yes: tuple[Code, ...] = (1,), no: tuple[Code, ...] = (0,), *, is_text: bool = False) -> None:
        super().__init__()
        self.yes = tuple(str(code).upper() for code in yes) if is_text else tuple(int(code) for code in yes)
        self.no = tuple(str(code).upper() for code in no) if is_text else tuple(int(code) for code in no)
        self.is_text = is_text

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the plain type."""
        return dialect.type_descriptor(self.plain)

    @property
    def plain(self) -> TypeEngine[Any]:
        """The type in which values are sent."""
        return Unicode(_LONGEST_FLAG) if self.is_text else Integer()

    def process_bind_param(self, value: object, dialect: Dialect) -> Code | None:
        """Return what FlowFact writes for a yes or no."""
        if value is None:
            return None
        return self.yes[0] if value else self.no[0]

    def process_result_value(self, value: object, dialect: Dialect | None = None) -> bool | None:
        """Return whether it is a yes; None for NULL."""
        return None if value is None else self.means_yes(value)

    def means_yes(self, value: object) -> bool:
        """Return whether a value of the column is a yes."""
        if self.is_text:
            return str(value).strip().upper() in self.yes
        try:
            return int(value) not in self.no  # type: ignore[call-overload]
        except (TypeError, ValueError):
            return False

    def is_known(self, value: object) -> bool:
        """Return whether a value of the column is a yes or a no."""
        if value is None:
            return True
        return str(value).strip().upper() in {str(code) for code in (*self.yes, *self.no)}

    def is_set(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """Return the condition that the column is a yes; NULL counts as no."""
        plain = type_coerce(column, self.plain)
        if self.is_text:
            word = func.upper(func.ltrim(func.rtrim(plain)), type_=self.plain)
            return func.coalesce(word, literal("", self.plain)).in_(self.yes)
        return func.coalesce(plain, literal(self.no[0], self.plain)).not_in(self.no)


class SiteText(TypeDecorator[str]):
    """A text in a char column, which the database fills up with blanks."""

    impl = String
    cache_ok = True

    def __init__(self, length: int | None = None, *, national: bool = True) -> None:
        super().__init__(length)
        self.length = length
        self.national = national

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the plain type, in which values are sent."""
        return dialect.type_descriptor(Unicode(self.length) if self.national else String(self.length))

    def process_result_value(self, value: object, dialect: Dialect) -> Any:  # noqa: ANN401 - SQLAlchemy's own
        """Return the text without the blanks that fill the column up."""
        return value.rstrip(" ") if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class IsoForm:
    """How a column spells times as text: ``separator`` of date and time, digits of a second, an offset behind it."""

    separator: str = " "
    timespec: str = "seconds"
    zone: Literal["", "utc", "offset"] = ""

    @classmethod
    def of(cls, sample: str) -> IsoForm:
        """Return the form of a value."""
        text = sample.strip()
        if len(text) < _LEAST:
            return cls()
        separator = text[10:11] if text[10:11] in ("T", " ") else " "
        clock, zone = text[11:], ""
        if clock.endswith(("Z", "z")):
            clock, zone = clock[:-1], "utc"
        elif clock[-6:-5] in ("+", "-") and clock:
            clock, zone = clock[:-6], "offset"
        timespec = "seconds" if len(clock) == 8 else "minutes" if len(clock) == 5 else "date" if not clock else ""
        digits = {3: "milliseconds", 6: "microseconds"}.get(len(clock.partition(".")[2]), "microseconds")
        return cls(separator, timespec or digits, "utc" if zone == "utc" else "offset" if zone else "")

    def written(self, moment: datetime, zone: ZoneInfo) -> str:
        """Return an office's local time in this form."""
        if self.timespec == "date":
            return moment.date().isoformat()
        aware = moment.replace(tzinfo=zone)
        if self.zone == "utc":
            plain = _without_zone(aware, UTC)
            return f"{plain.isoformat(self.separator, self.timespec)}Z"
        return (aware if self.zone else moment.replace(tzinfo=None)).isoformat(self.separator, self.timespec)


class SiteTime(TypeDecorator[datetime]):
    """A time of the office, in a column with a zone, of dates or of text.

    ``sort``: which of them. ``zone``: the office's time zone. ``form``: how a text is spelled.
    """

    impl = DateTime
    cache_ok = True

    def __init__(
        self, sort: Literal["zone", "date", "text"] = "zone", zone: str = "UTC", form: IsoForm = IsoForm()
    ) -> None:
        super().__init__()
        self.sort: Literal["zone", "date", "text"] = sort
        self.zone = zone
        self.form = form

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the plain type."""
        return dialect.type_descriptor(self.plain_on(dialect.name))

    def plain_on(self, dialect: str) -> TypeEngine[Any]:
        """Return the type in which values are sent; SQLite keeps every time as a text."""
        if self.sort == "text" or dialect == "sqlite":
            return Unicode(_LONGEST_TIME)
        return DateTime(timezone=True) if self.sort == "zone" else Date()

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ANN401 - by the column
        """Return an office's local time as the column keeps it."""
        if value is None:
            return None
        if self.sort == "text":
            return self.form.written(value, ZoneInfo(self.zone))
        if self.sort == "date":
            return value.date().isoformat() if dialect.name == "sqlite" else value.date()
        if dialect.name == "sqlite":
            return value.isoformat(" ", "microseconds")
        return value.replace(tzinfo=UTC if value.year in (1, 9999) else ZoneInfo(self.zone))

    def process_result_value(self, value: object, dialect: Dialect | None = None) -> datetime | None:
        """Return the office's local time that a column holds; one that cannot be read is ``UNREADABLE_LATE``."""
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
        except ValueError:
            return UNREADABLE_LATE
        if isinstance(moment, datetime):
            return _without_zone(moment, ZoneInfo(self.zone)) if moment.tzinfo is not None else moment
        return datetime(moment.year, moment.month, moment.day) if isinstance(moment, date) else UNREADABLE_LATE


def is_same_sort(one: TypeEngine[Any], other: TypeEngine[Any]) -> bool:
    """Return whether two columns of times can be compared with each other, and with the same parameter."""
    if isinstance(one, SiteTime) and isinstance(other, SiteTime):
        return (one.sort, one.form) == (other.sort, other.form)
    return not isinstance(one, SiteTime) and not isinstance(other, SiteTime)


def plain_type(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return the type of the values in the database: of a converting type, the one it converts from."""
    if isinstance(kind, SiteTime):
        return String() if kind.sort == "text" else DateTime()
    if isinstance(kind, SiteFlag):
        return kind.plain
    return kind.impl_instance if isinstance(kind, TypeDecorator) else kind


def _without_zone(moment: datetime, zone: ZoneInfo | Any) -> datetime:  # noqa: ANN401 - UTC is another type
    try:
        return moment.astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        return UNREADABLE_LATE
