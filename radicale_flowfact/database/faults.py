"""Classifies errors of the database: those that pass, so that the whole transaction is tried again, and others.

Nothing is half-done when an error occurs: a retry begins from the start, with what was sent.
"""

from __future__ import annotations

import logging
import random
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from radicale_flowfact.database.fault_codes import Code, Kind

_logger = logging.getLogger("radicale")
_TRIES = 3  # after the first
_SECONDS = 15.0  # seconds after the first try, within which another one may begin
_DELAY, _FACTOR = 0.1, 4.0  # seconds before the second try; factor for each further one
_CONNECTING = frozenset({"", "08", "HY"})
"""Classes of SQLSTATE that a driver gives when there is no connection."""
_FAILED_BEFORE = frozenset({"25P02", "25000"})  # the transaction was ended by an earlier error
_OWN_TABLE = re.compile(r"\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+(?:[\w\[\]\"]+\.)*[\[\"]?dav_", re.IGNORECASE)
_READING = re.compile(r"\s*(?:SELECT|WITH)\b", re.IGNORECASE)
_T = TypeVar("_T")


def whole(attempt: Callable[[int], _T], sleep: Callable[[float], None] = time.sleep) -> _T:
    """Return the result of ``attempt``, a whole transaction; it is repeated if the error may pass.

    At most three times and within 15 seconds, with growing pauses. ``attempt`` gets the number of the try, from 0.
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
    """Return the database's error in or behind an error, or None; Radicale wraps errors that pass through it.

    A deadlock or a refusal ends the transaction, so that the rollback to a savepoint fails, too. The error that is
    returned is the first one.
    """
    found = list(_all_of_database(error))
    return next((fault for fault in found if _code(fault).state not in _FAILED_BEFORE), found[0] if found else None)


def _all_of_database(error: BaseException | None) -> Iterator[DBAPIError | PoolTimeoutError]:
    while error is not None:
        if isinstance(error, DBAPIError | PoolTimeoutError):
            yield error
        error = error.__cause__ or error.__context__


def _code(fault: DBAPIError | PoolTimeoutError) -> Code:
    return Code.of(fault.orig if isinstance(fault, DBAPIError) else None)


def kind_of(error: BaseException) -> Kind | None:
    """Return how to treat the database's error in or behind an error; None if there is none."""
    fault = of_database(error)
    if any(isinstance(one, DBAPIError) and _passes(one) for one in _all_of_database(error)):
        return Kind.PASSING
    if fault is None or isinstance(fault, PoolTimeoutError):
        return None if fault is None else Kind.OUTAGE
    code, statement = _code(fault), fault.statement or ""
    kind = code.kind
    if kind is Kind.REFUSAL and _OWN_TABLE.match(statement):
        return _of_own_table(code)
    if kind is Kind.REFUSAL and code.state[:2] == "22" and _READING.match(statement):
        return Kind.DEFECT
    if kind is not None:
        return Kind.DEFECT if kind is Kind.STALE else kind
    return Kind.OUTAGE if isinstance(fault, OperationalError | InterfaceError | InternalError) else Kind.DEFECT


def _of_own_table(code: Code) -> Kind:
    """Return how to treat a refusal of the gateway's own table, which no device can avoid."""
    if code.is_unique:
        return Kind.PASSING  # another process was faster
    return Kind.OUTAGE if code.is_read_only else Kind.DEFECT


def is_passing(error: BaseException) -> bool:
    """Return whether the same transaction may succeed at once: deadlock, connection lost or not made."""
    return kind_of(error) is Kind.PASSING


def is_outage(error: BaseException) -> bool:
    """Return whether the database, not the request, is the cause; later the request can be answered (503)."""
    return kind_of(error) in (Kind.PASSING, Kind.OUTAGE)


def is_refusal(error: BaseException) -> bool:
    """Return whether the database will never accept what was sent: trigger, constraint or right (403, rule 28)."""
    return kind_of(error) in (Kind.REFUSAL, Kind.RIGHT)


def _passes(fault: DBAPIError) -> bool:
    code = _code(fault)
    if fault.connection_invalidated or code.kind is Kind.PASSING:
        return True
    is_connecting = fault.statement is None and isinstance(fault, OperationalError | InterfaceError)
    if code.sqlite >= 0:  # a failed COMMIT has no statement either; CANTOPEN is no COMMIT
        return is_connecting and code.sqlite & 0xFF == sqlite3.SQLITE_CANTOPEN
    return is_connecting and code.state[:2] in _CONNECTING


def told(error: BaseException) -> str:
    """Return the database's message in one line of at most 400 characters.

    Statement, values and PostgreSQL's DETAIL are left out: they hold personal data.
    """
    fault = of_database(error) or error
    original = getattr(fault, "orig", None) or fault
    primary = getattr(getattr(original, "diag", None), "message_primary", None)  # without PostgreSQL's DETAIL
    words = str(primary or original)
    code = Code.of(original)
    if not primary and code.number is not None:  # pyodbc
        words = str(original.args[1])
    return " ".join(words.split())[:400]
