"""Checks health: the database answers, the gateway's tables are of this version, FlowFact's are as mapped."""

from __future__ import annotations

import threading
import time

from sqlalchemy.exc import SQLAlchemyError

from radicale_flowfact.dav.admin.schema_watch import SchemaWatch, missing_names
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.store import schema

_SECONDS = 1.0  # the endpoint needs no login, so the database is asked once in this time


class Health:
    """Holds the last result of the health check of one gateway."""

    def __init__(self, gateway: Gateway, watch: SchemaWatch) -> None:
        self._gateway = gateway
        self._watch = watch
        self._lock = threading.Lock()
        self._until = 0.0
        self._fault = ""

    def fault(self) -> str:
        """Return why the gateway cannot serve, without details of the server; empty: it can."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._fault = self._check()
                self._until = time.monotonic() + _SECONDS
            return self._fault

    def _check(self) -> str:
        try:
            with self._gateway.session() as session:
                is_current = schema.is_current(session.connection, self._gateway.settings.state_schema)
        except SQLAlchemyError:
            return "the database does not answer"
        if not is_current:
            return "the gateway's tables are of another version"
        missing = missing_names(self._watch.faults())
        return f"FlowFact's database lacks: {missing}" if missing else ""
