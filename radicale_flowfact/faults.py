"""Faults of the database: which of them pass, so that the whole transaction is tried again, and which do not.

Nothing is half-done when a fault comes: whoever tries again does so from the very beginning, with what was sent.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, NotSupportedError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

_logger = logging.getLogger("radicale")
_TRIES = 3  # after the first
_SECONDS = 15.0  # so long after the first try nothing is tried again
_DELAY, _FACTOR = 0.1, 4.0  # seconds before the second try, and how much longer before each further one
_PASSING = frozenset({"40001", "40P01", "57P01", "57P02", "57P03"})  # serialization, deadlock, the server goes or comes
_CONNECTING = frozenset({"", "08", "HY"})
"""Classes of SQLSTATE that a driver gives when there is no connection."""
_OURS = (DataError, IntegrityError, NotSupportedError)
_T = TypeVar("_T")


def whole(attempt: Callable[[int], _T], sleep: Callable[[float], None] = time.sleep) -> _T:
    """Return what ``attempt`` does; if the database's fault may pass, let it try again, at most three times.

    ``attempt`` is a whole transaction and gets the number of the try, from 0.
    """
    begun = time.monotonic()
    for number in range(_TRIES + 1):
        try:
            return attempt(number)
        except Exception as error:
            if number == _TRIES or not is_passing(error) or time.monotonic() - begun > _SECONDS:
                raise
            _logger.warning("The database failed, all is tried again (%d of %d): %s", number + 1, _TRIES, told(error))
            sleep(_DELAY * _FACTOR**number * random.uniform(0.5, 1.5))  # noqa: S311 - so that no two meet again
    raise AssertionError("unreachable")


def of_database(error: BaseException) -> DBAPIError | PoolTimeoutError | None:
    """Return the database's fault in or behind an error: Radicale wraps what comes up through it."""
    return next(_all_of_database(error), None)


def _all_of_database(error: BaseException | None) -> Iterator[DBAPIError | PoolTimeoutError]:
    while error is not None:
        if isinstance(error, DBAPIError | PoolTimeoutError):
            yield error
        error = error.__cause__ or error.__context__


def is_passing(error: BaseException) -> bool:
    """Whether the same transaction may well succeed now: a deadlock's victim, a connection lost or not made."""
    # A deadlock takes the savepoint along, so that going back to it fails, too, and that is what comes up.
    return any(isinstance(fault, DBAPIError) and _passes(fault) for fault in _all_of_database(error))


def _passes(fault: DBAPIError) -> bool:
    state, words = _state(fault), told(fault)
    if fault.connection_invalidated or state in _PASSING:
        return True
    is_connecting = fault.statement is None and isinstance(fault, OperationalError | InterfaceError)
    # A COMMIT that fails has no statement either; what it says then does not pass in seconds.
    return is_connecting and state[:2] in _CONNECTING and not any(word in words for word in ("locked", "disk"))


def is_outage(error: BaseException) -> bool:
    """Whether the database, not the request, is why it cannot be answered; later it can."""
    fault = of_database(error)
    return fault is not None and not isinstance(fault, _OURS)


def told(error: BaseException) -> str:
    """Return what the database says, in one line; without the statement and its values, which are people's data."""
    fault = of_database(error) or error
    words = str(getattr(fault, "orig", None) or fault)
    return " ".join(words.split())[:400]


def _state(fault: DBAPIError) -> str:
    """Return the SQLSTATE, wherever the driver keeps it, or empty."""
    original = fault.orig
    for name in ("sqlstate", "pgcode"):
        if isinstance(found := getattr(original, name, None), str):
            return found
    first = original.args[0] if original is not None and original.args else ""
    if isinstance(first, str) and len(first) == 5:  # pyodbc
        return first
    return "40001" if "deadlock" in str(original).lower() else ""
