"""Items as Radicale handles them: made from a listing's row, the text loaded only when it is read."""

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

from radicale_flowfact.calendar_filtering import calendar_matches
from radicale_flowfact.contentlines import PayloadError
from radicale_flowfact.dav.collections import Collection as Snapshot
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.items import Item as ItemRow
from radicale_flowfact.dav.request import Query, RefusedError, current
from radicale_flowfact.expanding import TooManyError, expanded
from radicale_flowfact.filtering import TimeRange
from radicale_flowfact.likeness import calendar_likeness, card_likeness

_MOST_OCCURRENCES = 10_000  # in one answer


def http_date(moment: datetime) -> str:
    """Return a UTC time as an HTTP date (RFC 9110 §5.6.7)."""
    return format_datetime(moment.replace(tzinfo=UTC), usegmt=True)


class TextBatch:
    """The texts of several items, loaded together when the first of them is read."""

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
        """Count an item in; only before the first text is read."""
        self._rows.append(row)

    def text(self, row: ItemRow) -> str:
        """Return an item's text. Raises RuntimeError if it is gone meanwhile."""
        if self._texts is None:
            self._texts = self._gateway.texts(self._snapshot, self._rows)
        try:
            return self._texts[row.id]
        except KeyError:
            raise RuntimeError(f"the text of {row.href!r} is no longer kept; the device asks again") from None


class StoredItem(Item):
    """An item with Radicale's own face; ``serialize`` gives a real string."""

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
        """Return the text as it is served."""
        return self._batch.text(self._row)

    @property
    def vobject_item(self) -> vobject.base.Component:
        """The parsed text, or of one that vobject cannot read, the parsed likeness."""
        if self._vobject_item is None:
            text = self._batch.text(self._row)
            try:
                # Radicale's own reading, which mends what vobject alone would stumble over.
                self._vobject_item = read_components(text)[0]
            except Exception as error:  # vobject raises whatever it stumbles over
                logger.info("A likeness stands in for %r, which vobject cannot read: %s", self.href, error)
                self._vobject_item = read_components(self._likeness(text))[0]
        return self._vobject_item

    def _likeness(self, text: str) -> str:
        return card_likeness(text) if self.name == "VCARD" else calendar_likeness(text, self._batch.zone)


class ReportItem(StoredItem):
    """An item in a REPORT, where Radicale serializes also those of which it sends the ETag only."""

    _expanded: str | None = None

    def serialize(self) -> str:
        """Return the text, or rather something that loads it as soon as it is looked into; of a series, as asked for.

        One that does not take place then is given as it is, for want of anything that would say so.
        """
        return self.expanded() or LazyText(self._batch, self._row)

    def expanded(self) -> str:
        """Return a series as single events, if the REPORT wants that; empty if it has none then.

        Raises RefusedError when the answer would have too many.
        """
        query = current().query
        if self._expanded is None:
            self._expanded = ""
            if query.expand is not None and self._row.recurs:
                self._expanded = self._expand(query, query.expand)
        return self._expanded

    def _expand(self, query: Query, wanted: TimeRange) -> str:
        text = self._batch.text(self._row)
        most = _MOST_OCCURRENCES - query.occurrences
        try:
            made, count = expanded(text, self._batch.zone, wanted.start, wanted.end, most)
        except TooManyError as error:
            reason = f"there are more than {_MOST_OCCURRENCES} occurrences in this time; ask for a shorter one"
            current().refusal = refusal = RefusedError(reason, 403, "D:number-of-matches-within-limits")
            raise refusal from error
        except PayloadError as error:
            logger.warning("%s cannot be expanded: %s", self._row.record, error)
            return text
        query.occurrences += count
        return made

    def matches(self, query: Query) -> bool:
        """Return whether the item is as wanted; one that cannot be read is, so that it is not lost from sight."""
        text = self._batch.text(self._row)
        try:
            if self.name == "VCARD":
                return query.card is None or query.card.matches(text)
            return query.calendar is None or calendar_matches(text, query.calendar, self._batch.zone)
        except PayloadError as error:
            logger.warning("%s cannot be searched: %s", self._row.record, error)
            return True


class LazyText(str):
    """Stands for a text in Radicale's answer and loads it when it is written or searched.

    Radicale puts it into an ElementTree, whose serializer asks for ``in``, ``replace`` and then writes what
    ``replace`` returned; every other use of a string goes to the real text as well.
    """

    __slots__ = ("_batch", "_row")
    _batch: TextBatch
    _row: ItemRow

    def __new__(cls, batch: TextBatch, row: ItemRow) -> LazyText:
        """Make an empty string that knows where its text is."""
        made = super().__new__(cls)
        made._batch, made._row = batch, row
        return made

    def _real(self) -> str:
        return self._batch.text(self._row)

    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        return self._real()

    def __len__(self) -> int:
        return len(self._real())

    def __contains__(self, part: object) -> bool:
        # The serializer writes the string itself if it contains nothing to escape, so each has "&".
        return part == "&" or part in self._real()  # type: ignore[operator]

    def replace(self, old: str, new: str, count: SupportsIndex = -1) -> str:
        """Replace in the real text; the result is an ordinary string."""
        return self._real().replace(old, new, count)

    def splitlines(self, keepends: bool = False) -> list[str]:
        """Split the real text."""
        return self._real().splitlines(keepends)

    def strip(self, chars: str | None = None) -> str:
        """Strip the real text."""
        return self._real().strip(chars)

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Encode the real text."""
        return self._real().encode(encoding, errors)
