"""The WSGI entry ``radicale_flowfact.wsgi:application`` for servers such as gunicorn or waitress.

The Radicale configuration is the one that RADICALE_CONFIG names, or where Radicale looks. It is read at the
first request, so that each worker process of a forking server opens its own database connections.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from radicale import types

from radicale_flowfact.app import FlowfactApplication
from radicale_flowfact.configuring import load_configuration, settings_of
from radicale_flowfact.web import logs

_lock = threading.Lock()
_made: list[FlowfactApplication] = []


def application(environ: types.WSGIEnviron, start_response: types.WSGIStartResponse) -> Iterable[bytes]:
    """Answer one request."""
    with _lock:
        if not _made:
            configuration = load_configuration(None)
            logs.set_up(configuration, settings_of(configuration).log)
            _made.append(FlowfactApplication(configuration))
    return _made[0](environ, start_response)
