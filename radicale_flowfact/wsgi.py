"""The WSGI entry ``radicale_flowfact.wsgi:application`` for servers such as gunicorn or waitress.

The Radicale configuration is the one that RADICALE_CONFIG names, or where Radicale looks. It is read at the
first request, so that each worker process of a forking server opens its own database connections.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterable

from radicale import types

from radicale_flowfact.app import FlowfactApplication
from radicale_flowfact.configuring import load_configuration, settings_of
from radicale_flowfact.web import logs

_NEW_OBJECTS = 10_000
"""So many make the collector look for garbage among them; a listing has as many rows."""
_lock = threading.Lock()
_made: list[FlowfactApplication] = []


def application(environ: types.WSGIEnviron, start_response: types.WSGIStartResponse) -> Iterable[bytes]:
    """Answer one request."""
    with _lock:
        if not _made:
            configuration = load_configuration(None)
            logs.set_up(configuration, settings_of(configuration).log)
            _made.append(FlowfactApplication(configuration))
            _leave_alone_what_stays()
    return _made[0](environ, start_response)


def _leave_alone_what_stays() -> None:
    """Spare the garbage collector the libraries: a listing makes it look for garbage many times, and they are most.

    Without this one answer in twenty to a listing of 10,000 items took three times as long as the others.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)
