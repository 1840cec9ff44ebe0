"""Logs to standard error, as text or JSON: one line for each request, and the messages of Radicale and the gateway.

At level ``warning`` and above the only personal data are login and device: item names are removed from paths, errors
are named by class and line. ``[logging] level = info`` or lower logs everything.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
import traceback
from typing import cast

from radicale import log as radicale_log
from radicale.config import Configuration
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from radicale_flowfact.content.contentlines import PayloadError
from radicale_flowfact.database.engines import DatabaseError
from radicale_flowfact.database.secrets import masked
from radicale_flowfact.dav.store.request import RefusedError
from radicale_flowfact.http.observe import request_facts
from radicale_flowfact.http.observe.request_facts import RequestFacts, without_quotes
from radicale_flowfact.settings import LogSettings, SettingsError

RADICALE = logging.getLogger("radicale")
REQUESTS = logging.getLogger("radicale_flowfact.requests")
_ITEM_PATH = re.compile(r"(/[^/\s'\"]+/(?:addresses|appointments|tasks)/)[^'\"\s?]+")
_QUOTED_PATH = re.compile(r"(['\"])(/[^/'\"]+/(?:addresses|appointments|tasks)/)(?:\\.|(?!\1).)+\1")
# systemd reads the level of a line from its start (sd-daemon(3)).
_JOURNAL = {logging.DEBUG: "<7>", logging.INFO: "<6>", logging.WARNING: "<4>", logging.ERROR: "<3>"}


def set_up(configuration: Configuration, settings: LogSettings) -> None:
    """Send everything that is logged in this process to standard error, in the format of the settings."""
    level = logging.getLevelNamesMapping()[cast(str, configuration.get("logging", "level")).upper()]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter((JsonFormatter if settings.format == "json" else TextFormatter)(level))
    root = logging.getLogger()
    for before in root.handlers[:]:
        root.removeHandler(before)
    root.addHandler(handler)
    logging.logThreads = logging.logMultiprocessing = False  # neither format has them
    RADICALE.disabled = True  # Radicale logs the change of its level
    radicale_log.set_level(level, configuration.get("logging", "backtrace_on_debug"), "")
    RADICALE.disabled = False
    REQUESTS.setLevel(logging.INFO if settings.requests else logging.WARNING)


def request_line(facts: RequestFacts) -> None:
    """Log an answered request: a refusal as a warning, a status of 500 or above as an error."""
    if facts.status >= 500:
        level = logging.ERROR
    elif facts.reason and facts.status != 404:
        level = logging.WARNING
    else:
        level = logging.INFO
    if REQUESTS.isEnabledFor(level):
        record = REQUESTS.makeRecord(REQUESTS.name, level, "", 0, facts, (), None)
        REQUESTS.handle(record)


def message_of(record: logging.LogRecord, *, everything: bool) -> str:
    """Return a record's message; unless ``everything`` is set, without names of items and quoted data."""
    if everything or isinstance(record.msg, RequestFacts):
        return masked(record.getMessage())
    if isinstance(record.args, tuple):
        args = tuple(fault_of(arg) if isinstance(arg, BaseException) else arg for arg in record.args)
        message = str(record.msg) % args if args else str(record.msg)
    else:
        message = record.getMessage()
    return _ITEM_PATH.sub(r"\1…", _QUOTED_PATH.sub(r"\1\2…\1", masked(message)))


def fault_of(error: BaseException) -> str:
    """Return an error without the data that it may quote: its class and line, or the message of the driver."""
    if isinstance(error, OperationalError | InterfaceError):
        return f"{type(error.orig).__name__}: {str(error.orig).partition(chr(10))[0]}"
    if isinstance(error, DatabaseError | SettingsError):
        return str(error)
    if isinstance(error, RefusedError | PayloadError):
        return without_quotes(str(error))
    kind = type(error.orig if isinstance(error, DBAPIError) and error.orig else error)
    told = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = [frame for frame in frames if str(frame.f_globals.get("__name__", "")).startswith("radicale_flowfact")]
    lines = [f"{frame.f_globals.get('__name__')}:{frame.f_lineno}" for frame in (*ours[-1:], *frames[-1:])]
    return " in ".join([told, *reversed(dict.fromkeys(lines))])


class TextFormatter(logging.Formatter):
    """Formats a record as one line of text. ``level``: [logging] level."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self._everything = level < logging.WARNING
        self._is_journal = _is_journal()

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        facts = record.msg if isinstance(record.msg, RequestFacts) else request_facts.current()
        head = _JOURNAL.get(record.levelno, "<5>") if self._is_journal else f"{_time(record.created)} "
        number = f" [{facts.id}]" if facts else ""
        line = f"{head}{record.process} {record.levelname}{number} {message_of(record, everything=self._everything)}"
        return line + (f"\n{masked(self.formatException(record.exc_info))}" if record.exc_info else "")


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object on a line. ``level``: [logging] level."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self._everything = level < logging.WARNING

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        facts = record.msg if isinstance(record.msg, RequestFacts) else request_facts.current()
        told: dict[str, object] = {
            "time": _time(record.created),
            "level": record.levelname.lower(),
            "process": record.process,
            "request_id": facts.id if facts else None,
        }
        if isinstance(record.msg, RequestFacts):
            told |= record.msg.fields()
        else:
            told["message"] = message_of(record, everything=self._everything)
        if record.exc_info:
            told["traceback"] = masked(self.formatException(record.exc_info))
        return json.dumps({key: value for key, value in told.items() if value is not None}, ensure_ascii=False)


def _time(created: float) -> str:
    """Return a time in UTC with milliseconds (RFC 3339)."""
    whole, rest = divmod(created, 1)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{int(rest * 1000):03}Z"


def _is_journal() -> bool:
    """Return whether standard error goes to systemd's journal, which adds the time itself (systemd.exec(5))."""
    try:
        found = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"
