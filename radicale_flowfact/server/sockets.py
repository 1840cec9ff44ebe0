"""Opens listening sockets, and raises the limit of open files. Imports nothing large: the supervisor uses it, too."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence

_BACKLOG = 1_024
_FILES = 8_192


def listeners(places: Sequence[str]) -> list[socket.socket]:
    """Return the listening sockets of places: ``fd:<number>``, an inherited one, or ``<address> <port>``."""
    found = []
    for place in places:
        if place.startswith("fd:"):
            listener = socket.socket(fileno=int(place[3:]))
        else:
            address, _, port = place.rpartition(" ")
            listener = bound(address, int(port))
        listener.setblocking(False)
        found.append(listener)
    return found


def bound(address: str, port: int) -> socket.socket:
    """Return a new socket that listens at an address."""
    family, kind, protocol, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    if os.name != "nt":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind(place)
    listener.listen(_BACKLOG)
    return listener


def allow_many_files() -> None:
    """Let the process have as many files as the system allows; the usual 1,024 are fewer than its connections."""
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
