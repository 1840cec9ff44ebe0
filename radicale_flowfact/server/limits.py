"""Holds the bounds of time and number that a worker sets to what arrives from the network."""

from __future__ import annotations

import sys
from dataclasses import dataclass

_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Holds the bounds of one worker process; ``docs/decisions.md`` has the reasons and what was measured."""

    head_seconds: float = 10.0
    """For the head of a request, from its first byte or from the begin of the connection; also for a TLS handshake."""
    idle_seconds: float = 60.0
    """Between two requests of a connection."""
    stall_seconds: float = 20.0
    """Without progress: no byte of a body arrives, or the client takes none of an answer."""
    grace_seconds: float = 30.0
    """For a body or answer of any size, before its rate counts."""
    bytes_per_second: int = 1_000
    """The least rate of a body or answer after ``grace_seconds``; the slowest mobile network is far faster."""
    head_bytes: int = 64_000
    headers: int = 200
    pipelined: int = 16
    """Requests that a client sends before it has the answer to the first."""
    connections: int = 400 if sys.platform == "win32" else 1_024
    """Of all addresses; Windows' select waits for 512 sockets."""
    connections_of_address: int = 128
    """An office behind one address has dozens. One too many ends the one that was idle for longest."""
    body_in_memory: int = _MEGABYTE
    """Bytes of one body; a larger one is in a temporary file."""
    bodies_in_memory: int = 32 * _MEGABYTE
    bodies: int = 1_000 * _MEGABYTE
    """Bytes of all bodies at once, in memory or files; one address may have a quarter of it."""
    answers: int = 64 * _MEGABYTE
    """Bytes of all answers that clients have not taken yet; beyond it the largest one is dropped."""
    sweep_seconds: float = 1.0
    """Between two checks of the deadlines."""
