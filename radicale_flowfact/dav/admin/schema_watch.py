"""Watches, while the gateway runs, whether FlowFact's database still has what the name map says.

An upgrade of FlowFact or a view made anew takes a column away under a running gateway. Devices are then answered 503,
so that nothing is removed from them; this tells the admin which name is meant, and notices when it is back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import NoReturn

from sqlalchemy.exc import SQLAlchemyError

from radicale_flowfact.crm.names import NameMap
from radicale_flowfact.crm.site import check as crm_check
from radicale_flowfact.crm.site import presence, real
from radicale_flowfact.crm.site.check import Fault
from radicale_flowfact.database.engines import DatabaseError, engine_for
from radicale_flowfact.database.faults import told
from radicale_flowfact.dav.admin.readonly import read_only
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.settings import Settings

SECONDS = 20.0
"""How long a look counts: what disappears is known half a minute later, however many processes serve."""
_logger = logging.getLogger("radicale")


class SchemaWatch:
    """Holds what the last look at the schema found, for one process; thread-safe."""

    def __init__(self, gateway: Gateway, clock: Callable[[], float] = time.monotonic) -> None:
        self._gateway = gateway
        self._clock = clock
        self._lock = threading.Lock()
        self._looked: float | None = None
        self._faults: tuple[Fault, ...] = ()

    def faults(self) -> tuple[Fault, ...]:
        """Return what is missing now; looks only if the last look is older than ``SECONDS``.

        While another thread looks, which may wait for a lock of the database, what the last look found is returned;
        only the first look is waited for.
        """
        if self._is_due() and self._lock.acquire(blocking=self._looked is None):
            try:
                if self._is_due():
                    began = self._clock()
                    self._look()
                    self._looked = began
            finally:
                self._lock.release()
        return self._faults

    def start(self) -> None:
        """Look again and again in a thread, which ends with the process."""
        threading.Thread(target=self._run, name="schema watch", daemon=True).start()

    def _run(self) -> NoReturn:
        while True:
            try:
                self.faults()
            except Exception:  # or nothing would look any more
                _logger.exception("The schema could not be looked at")
            time.sleep(SECONDS / 2)

    def _is_due(self) -> bool:
        return self._looked is None or self._clock() - self._looked >= SECONDS

    def _look(self) -> None:
        """Look once; what a database that does not answer had before still counts."""
        try:
            found = missing_now(self._gateway)
            if not found and self._gateway.reread_schema():
                _logger.warning("FlowFact's columns changed; they are read anew")
        except (SQLAlchemyError, DatabaseError) as error:
            _logger.info("The schema could not be looked at: %s", told(error))
            return
        for fault in found:
            if fault not in self._faults:
                _logger.error("FlowFact's database lacks what is needed; devices are answered 503: %s", fault)
        if self._faults and not found:
            _logger.warning("FlowFact's database has again all that is needed")
        self._faults = found


def missing_now(gateway: Gateway) -> tuple[Fault, ...]:
    """Return what FlowFact's database lacks of the name map now. Raises DBAPIError if it does not answer."""
    names = NameMap.from_overrides(gateway.settings.names)
    with gateway.engine.connect() as connection:
        return tuple(presence.missing(connection, gateway.tables, names))


def missing_names(faults: tuple[Fault, ...]) -> str:
    """Return the names of the reference schema that faults are about, for people who may know no more."""
    return ", ".join(dict.fromkeys(fault.name for fault in faults))


def require_fitting_map(settings: Settings) -> None:
    """Raise DatabaseError naming every fault, a line each, if FlowFact's database has not what the name map says."""
    site = real.Site(settings.names, settings.values, settings.timezone)
    names = site.names
    engine = engine_for(settings.database_url, settings.state_schema, settings.database_timeouts)
    with read_only(engine) as connection:
        faults = crm_check.check(connection, names)
        faults = faults or presence.missing(connection, site.read(connection), names)
    if faults:
        lines = "\n".join(f"  {fault}" for fault in faults)
        raise DatabaseError(
            f"FlowFact's database has not what the name map says, so nothing is served:\n{lines}\n"
            "Next: radicale-flowfact check"
        )
