"""Which tests ``--quick`` runs: those without a database, a server or a process of their own.

Nothing is listed. A test is left out by the fixtures it asks for, or since its file can start processes; one that
slips through fails as soon as it starts a process or listens, and says what to do.
"""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Generator

import pytest

from radicale_flowfact.server.sockets import bound

EXAMPLES = 20
"""How many examples of a strategy a quick run draws; a whole run draws hypothesis' hundred."""

# What `server`, `office` and `agency` are made from; and what runs as long as the command line says.
_LONG_FIXTURES = frozenset({"worker_database", "fuzz", "unused_tcp_port_factory"})
_REFUSED = frozenset({"subprocess.Popen", "os.fork", "os.posix_spawn", "os.system", "socket.bind"})


def is_quick(item: pytest.Item) -> bool:
    """Return whether a test needs no database, and its file imports nothing that starts processes.

    Nor a function of a file that does so.
    """
    names = frozenset(getattr(item, "fixturenames", ()))
    known = vars(item.module).values() if hasattr(item, "module") else ()
    return not names & _LONG_FIXTURES and not any(one is subprocess or _starts(one) for one in known)


def _starts(one: object) -> bool:
    """Return whether it is a function of a file that can start processes, or listens as the gateway does."""
    known = getattr(inspect.unwrap(one), "__globals__", {}) if callable(one) else {}
    return known.get("subprocess") is subprocess or known.get("bound") is bound


class Guard:
    """Fails a test as soon as it starts a process or listens; a plugin of pytest, for the processes that run tests."""

    def __init__(self) -> None:
        self._in_test = False
        sys.addaudithook(self.refuse)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None]:
        """Watch while a test's own code runs; what pytest and libraries start around it is theirs."""
        self._in_test = True
        try:
            return (yield)
        finally:
            self._in_test = False

    def refuse(self, event: str, _arguments: tuple[object, ...]) -> None:
        """Fail the running test if an audit event is the start of a process or a listening socket."""
        if self._in_test and event in _REFUSED:
            pytest.fail(
                f"{event} in a quick run: let the test use a fixture that tests/quick.py knows, or its file import"
                " subprocess by name"
            )
