"""The WSGI entry ``radicale_flowfact.wsgi:application`` for servers such as gunicorn or waitress.

The Radicale configuration is the one that RADICALE_CONFIG names, or where Radicale looks. It is read at the
first request, so that each worker process of a forking server opens its own database connections.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterable

from radicale import types
from radicale.log import logger
from sqlalchemy.exc import SQLAlchemyError

from radicale_flowfact.database.engines import DatabaseError
from radicale_flowfact.dav.admin.schema_watch import SECONDS
from radicale_flowfact.http.app import FlowfactApplication
from radicale_flowfact.http.observe import logs
from radicale_flowfact.http.retry import RETRY_AFTER
from radicale_flowfact.server.configuration import load_configuration, settings_of

_GC_THRESHOLD = 10_000
"""Allocations after which the garbage collector runs; a listing has as many rows."""
_LATER = b"The gateway cannot reach its database; ask again later.\n"
_lock = threading.Lock()
_applications: list[FlowfactApplication] = []


def application(environ: types.WSGIEnviron, start_response: types.WSGIStartResponse) -> Iterable[bytes]:
    """Answer one request; 503 while the database cannot be used at all (RFC 9110 §15.6.4)."""
    try:
        made = _made()
    except (DatabaseError, SQLAlchemyError) as error:
        logger.error("The gateway cannot serve yet: %s", error)
        headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(_LATER))), ("Retry-After", RETRY_AFTER)]
        start_response("503 Service Unavailable", headers)
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [_LATER]
    return made(environ, start_response)


def prepare() -> None:
    """Make the application before the first request, so that FlowFact's schema is watched while no device asks.

    Returns once that succeeded; meanwhile each request tries, too, and tells why it fails.
    """
    while True:
        try:
            _made()
        except Exception as error:
            logger.info("The gateway cannot serve yet: %s", error)
            time.sleep(SECONDS)
        else:
            return


def _made() -> FlowfactApplication:
    with _lock:
        if not _applications:
            configuration = load_configuration(None)
            logs.set_up(configuration, settings_of(configuration).log)
            application = FlowfactApplication(configuration)
            application.watch()
            _applications.append(application)
            _exempt_loaded_modules_from_gc()
    return _applications[0]


def _exempt_loaded_modules_from_gc() -> None:
    """Exempt the loaded modules from garbage collection, which a listing triggers many times (``gc.freeze``).

    Without this, one answer in twenty to a listing of 10,000 items took three times as long as the others.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
