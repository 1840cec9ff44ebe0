"""Items as Radicale handles them: built from a journal row, the text loaded only when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import SupportsIndex
from zoneinfo import ZoneInfo

import vobject
from radicale.item import Item, read_components
from radicale.log import logger
from radicale.storage import BaseCollection

from radicale_flowfact.content.contentlines import PayloadError
from radicale_flowfact.content.vcard import versions
from radicale_flowfact.content.vobject_fallback import plain_calendar_object, plain_card
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.store.collections import Collection as Snapshot
from radicale_flowfact.dav.store.items import Item as ItemRow
from radicale_flowfact.dav.store.request import Query, RefusedError, current
from radicale_flowfact.queries.calendar_filters import calendar_matches
from radicale_flowfact.queries.expand import TooManyError, busy_times, expand, in_utc
from radicale_flowfact.queries.filters import TimeRange

_MAYBE_BUSY = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//radicale-flowfact//EN\r\nBEGIN:VEVENT\r\nUID:u\r\n"
    "DTSTART:{0:%Y%m%dT%H%M%SZ}\r\nDTEND:{1:%Y%m%dT%H%M%SZ}\r\nSTATUS:TENTATIVE\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
_MAX_OCCURRENCES = 10_000  # in one answer


def http_date(moment: datetime) -> str:
    """Return a UTC time as an HTTP date (RFC 9110 §5.6.7)."""
    return format_datetime(moment.replace(tzinfo=UTC), usegmt=True)


class TextBatch:
    """Loads the texts of several items together, when the first of them is read."""

    def __init__(self, gateway: Gateway, snapshot: Snapshot) -> None:
        self._gateway = gateway
        self._snapshot = snapshot
        self._rows: list[ItemRow] = []
        self._texts: Mapping[int, str] | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The office's zone."""
        return self._gateway.settings.zone

    def add(self, row: ItemRow) -> None:
        """Add an item to the batch; only before the first text is read."""
        self._rows.append(row)

    def text(self, row: ItemRow) -> str:
        """Return an item's text. Raises RuntimeError if it is gone meanwhile."""
        if self._texts is None:
            self._texts = self._gateway.texts(self._snapshot, self._rows)
        try:
            return self._texts[row.id]
        except KeyError:
            raise RuntimeError(f"the text of {row.href!r} is no longer kept; the device asks again") from None

    def served(self, row: ItemRow) -> str:
        """Return an item's text, a contact in the version of vCard that the request asks for."""
        text = self.text(row)
        return versions.in_version(text, current().card_version) if row.component == "VCARD" else text


class StoredItem(Item):
    """An item with Radicale's interface; ``serialize`` returns an ordinary string."""

    def __init__(self, collection: BaseCollection, row: ItemRow, batch: TextBatch) -> None:
        super().__init__(
            collection=collection,
            href=row.href,
            last_modified=http_date(row.modified),
            text="",
            etag=f'"{row.etag}"',
            uid=row.uid,
            name="VCARD" if row.component == "VCARD" else "VCALENDAR",
            component_name="" if row.component == "VCARD" else row.component,
            time_range=(row.starts, row.ends),
        )
        self._row = row
        self._batch = batch
        batch.add(row)

    def serialize(self) -> str:
        """Return the text as it is served: a contact in the version of vCard that the request asks for."""
        return self._batch.served(self._row)

    @property
    def vobject_item(self) -> vobject.base.Component:
        """The parsed text; of one that vobject cannot read, a parsed plain substitute."""
        if self._vobject_item is None:
            text = self._batch.text(self._row)
            try:
                # Radicale's parser repairs some input that vobject alone refuses.
                self._vobject_item = read_components(text)[0]
            except Exception as error:  # vobject raises errors of any class
                logger.info("A plain substitute stands in for %r, which vobject cannot read: %s", self.href, error)
                self._vobject_item = read_components(self._plain_substitute(text))[0]
        return self._vobject_item

    def _plain_substitute(self, text: str) -> str:
        return plain_card(text) if self.name == "VCARD" else plain_calendar_object(text, self._batch.zone)


class ReportItem(StoredItem):
    """An item in a REPORT, where Radicale serializes also those of which it sends the ETag only."""

    _expanded: str | None = None
    busy: TimeRange | None = None
    """The time range of a free-busy-query, for which Radicale expands the item by itself."""

    @property
    def vobject_item(self) -> vobject.base.Component:
        """The parsed text; for a free-busy-query only its times in that range: vobject has no bounds for series."""
        if self.busy is None or self._row.component != "VEVENT":
            return super().vobject_item
        text, zone = self._batch.text(self._row), self._batch.zone
        try:
            made = busy_times(text, zone, self.busy.start, self.busy.end, _MAX_OCCURRENCES, current().query.steps)
        except PayloadError as error:
            logger.warning("%s may be busy at any time: %s", self._row.record, error)
            made = _MAYBE_BUSY.format(self.busy.start, self.busy.end)
        return read_components(made)[0]

    def serialize(self) -> str:
        """Return the text as a LazyText; expanded, or in UTC, if the REPORT asks for that (RFC 4791 §9.6.5).

        A series without an occurrence in the range is returned unexpanded: Radicale has no answer for none.
        """
        if current().query.expand is not None and not self._row.recurs and self.name != "VCARD":
            return self._in_utc()
        return self.expanded() or LazyText(self._batch, self._row)

    def _in_utc(self) -> str:
        text = self._batch.text(self._row)
        try:
            return in_utc(text, self._batch.zone)
        except PayloadError as error:
            logger.warning("%s cannot be expanded: %s", self._row.record, error)
            return text

    def expanded(self) -> str:
        """Return a series as single occurrences, if the REPORT asks for that; empty if none is in the range.

        Raises RefusedError when the answer would have more than _MAX_OCCURRENCES.
        """
        query = current().query
        if self._expanded is None:
            self._expanded = ""
            if query.expand is not None and self._row.recurs:
                self._expanded = self._expand(query, query.expand)
        return self._expanded

    def _expand(self, query: Query, wanted: TimeRange) -> str:
        text = self._batch.text(self._row)
        most = _MAX_OCCURRENCES - query.occurrences
        try:
            made, count = expand(text, self._batch.zone, wanted.start, wanted.end, most, query.steps)
        except TooManyError as error:
            reason = f"there are more than {_MAX_OCCURRENCES} occurrences in this time; ask for a shorter one"
            current().refusal = refusal = RefusedError(reason, 403, "D:number-of-matches-within-limits")
            raise refusal from error
        except PayloadError as error:
            logger.warning("%s cannot be expanded: %s", self._row.record, error)
            return text
        query.occurrences += count
        return made

    def matches(self, query: Query) -> bool:
        """Return whether the item matches the query; one that cannot be parsed does, so that it stays visible."""
        text = self._batch.text(self._row)
        try:
            if self.name == "VCARD":
                return query.card is None or query.card.matches(text)
            return query.calendar is None or calendar_matches(text, query.calendar, self._batch.zone, query.steps)
        except PayloadError as error:
            logger.warning("%s cannot be searched: %s", self._row.record, error)
            return True


class LazyText(str):
    """A string that loads its text when it is written or searched.

    Radicale puts it into an ElementTree, whose serializer calls ``in`` and ``replace`` and writes the result of
    ``replace``; every other method used on it goes to the loaded text as well.
    """

    __slots__ = ("_batch", "_row")
    _batch: TextBatch
    _row: ItemRow

    def __new__(cls, batch: TextBatch, row: ItemRow) -> LazyText:
        """Create an empty string that refers to its text."""
        made = super().__new__(cls)
        made._batch, made._row = batch, row
        return made

    def _text(self) -> str:
        return self._batch.served(self._row)

    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        return self._text()

    def __len__(self) -> int:
        return len(self._text())

    def __contains__(self, part: object) -> bool:
        # The serializer writes the string itself if it has nothing to escape, so "&" is always reported.
        return part == "&" or part in self._text()  # type: ignore[operator]

    def replace(self, old: str, new: str, count: SupportsIndex = -1) -> str:
        """Replace in the loaded text; returns an ordinary string."""
        return self._text().replace(old, new, count)

    def splitlines(self, keepends: bool = False) -> list[str]:
        """Split the loaded text."""
        return self._text().splitlines(keepends)

    def strip(self, chars: str | None = None) -> str:
        """Strip the loaded text."""
        return self._text().strip(chars)

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Encode the loaded text."""
        return self._text().encode(encoding, errors)
