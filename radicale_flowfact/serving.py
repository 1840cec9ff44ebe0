"""Runs the gateway's application in Radicale's own server."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import cast

from radicale import log, server
from radicale.config import Configuration

from radicale_flowfact.app import FlowfactApplication

_STOP_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGBREAK") if hasattr(signal, name))


def serve(configuration: Configuration, on_ready: Callable[[], None] | None = None) -> None:
    """Serve until a stop signal arrives. Raises RuntimeError when no address can be bound.

    ``on_ready`` is called before the first address is bound, once the application could be made.
    """
    log.setup()
    log.set_level(cast(str, configuration.get("logging", "level")), False, "")
    # Radicale makes the application itself, from the name in its own module.
    setattr(server, "Application", _ready_made(configuration, on_ready))  # noqa: B010
    stop, stopped = socket.socketpair()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(OSError):
            stop.close()

    for number in _STOP_SIGNALS:
        signal.signal(number, on_signal)
    server.serve(configuration, stopped)


def _ready_made(
    configuration: Configuration, on_ready: Callable[[], None] | None
) -> Callable[[Configuration], FlowfactApplication]:
    """Make the application before the server asks for it, so that a fault shows before anything is announced."""
    FlowfactApplication(configuration)
    if on_ready is not None:
        on_ready()
    return FlowfactApplication
