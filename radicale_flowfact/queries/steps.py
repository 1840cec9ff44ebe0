"""Bounds the expansion of recurrence rules: for each item and for each query, whatever a rule says (rule 28).

One step is about the cost of checking one day. Beyond the bound a match is not known, and a query returns the item.
"""

from __future__ import annotations

from typing import Final

from radicale_flowfact.content.contentlines import PayloadError

PER_ITEM: Final = 100_000
"""A daily series with a COUNT can be counted for 130 years; each day is looked at and is an occurrence."""
PER_QUERY: Final = 500_000
"""Some thousand series; the rest of a query's series are returned without being looked at."""


class TooManyStepsError(PayloadError):
    """A recurrence set that takes more steps than its bound: whether it is in a time range is not known."""


class Steps:
    """Counts the steps of one item, and those of the query that it is looked at for."""

    def __init__(self, most: int = PER_ITEM, query: Steps | None = None) -> None:
        self._left = most
        self._query = query

    def take(self, count: int = 1) -> None:
        """Take steps. Raises TooManyStepsError when there are not as many left."""
        self._left -= count
        if self._left < 0:
            raise TooManyStepsError("its recurrences take too many steps")
        if self._query is not None:
            self._query.take(count)
