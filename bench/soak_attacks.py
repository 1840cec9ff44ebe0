"""Attacks a server on this machine for a soak, and prints at the end how often.

``python -m bench.soak_attacks <kind> <port> <login> <password> <seconds>``. Each kind runs in a process of its own,
connects to 127.0.0.1 alone, from an address of its own, and is bounded in number and time.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import itertools
import socket
import sys
import time
from collections.abc import Callable, Iterator

ADDRESSES = {"stalled": "127.0.0.10", "silent": "127.0.0.11", "guessing": "127.0.0.12", "bodies": "127.0.0.13"}
_STALLED, _SILENT = 40, 1_100  # connections
_BODY = 1_000_000  # bytes; larger ones are only more of the same
_TIMEOUT = 30.0


class Target:
    """Holds where the server is, who attacks, and until when."""

    def __init__(self, kind: str, port: int, login: str, password: str, seconds: float) -> None:
        self.source = (ADDRESSES[kind], 0)
        self.port = port
        self.login = login
        self.password = password
        self._end = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """Return whether the time is used up."""
        return time.monotonic() >= self._end

    def connect(self) -> socket.socket:
        """Connect as the attacker."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=_TIMEOUT, source_address=self.source)

    def credentials(self, password: str = "") -> str:
        """Return the Authorization header."""
        text = f"{self.login}:{password or self.password}"
        return f"Basic {base64.b64encode(text.encode()).decode()}"


def held_open(target: Target, number: int, first: bytes) -> int:
    """Keep connections open that sent no more than ``first``; return how many were made."""
    made = 0
    held: list[socket.socket] = []
    while not target.is_over:
        held = [client for client in held if not _is_closed(client)]
        for _ in range(min(number - len(held), 100)):
            with contextlib.suppress(OSError):
                client = target.connect()
                held.append(client)
                client.sendall(first)
                made += 1
        time.sleep(0.5)
    for client in held:
        client.close()
    return made


def _is_closed(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        is_closed = not client.recv(4096)
    except BlockingIOError:
        return False
    except OSError:
        is_closed = True
    if is_closed:
        client.close()
    return is_closed


def stalled(target: Target) -> int:
    """Send the first half of PUTs, with a login."""
    head = (
        f"PUT /{target.login}/addresses/half.vcf HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n"
        f"Content-Type: text/vcard\r\nAuthorization: {target.credentials()}\r\n\r\nBEGIN:VCARD\r\n"
    )
    return held_open(target, _STALLED, head.encode())


def silent(target: Target) -> int:
    """Connect and say nothing."""
    return held_open(target, _SILENT, b"")


def guessing(target: Target) -> int:
    """Guess passwords of the phones' login, ten a second."""
    made = 0
    while not target.is_over:
        with contextlib.suppress(OSError, http.client.HTTPException):
            _request(target, "PROPFIND", f"/{target.login}/", b"", target.credentials(f"guess{made}"))
        made += 1
        time.sleep(0.1)
    return made


def bodies(target: Target) -> int:
    """Send contacts and entries of the kinds that cost most, one after the other."""
    made = 0
    for number, (name, line) in enumerate(_endless_lines()):
        if target.is_over:
            break
        collection, head, foot = _FRAMES[name]
        count = _BODY // len(line)
        body = head.format(number % 5) + "".join(itertools.repeat(line, count)) + foot
        path = f"/{target.login}/{collection}/worst-{name}-{number % 5}"
        with contextlib.suppress(OSError, http.client.HTTPException):
            _request(target, "PUT", path, body.encode(), target.credentials())
        made += 1
    return made


_CARD = ("addresses", "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:worst-{}\r\nFN:Worst\r\nN:Worst;;;;\r\n", "END:VCARD\r\n")
_EVENT_HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//x//\r\nBEGIN:VEVENT\r\nUID:worst-{}\r\n"
_EVENT_HEAD += "DTSTAMP:20260101T000000Z\r\nDTSTART:20270101T100000Z\r\nDTEND:20270101T110000Z\r\nSUMMARY:Worst\r\n"
_EVENT = ("appointments", _EVENT_HEAD, "END:VEVENT\r\nEND:VCALENDAR\r\n")
_FRAMES = {"emails": _CARD, "phones": _CARD, "notes": _CARD, "folds": _CARD, "alarms": _EVENT, "dates": _EVENT}
_LINES = {
    "emails": "EMAIL;TYPE=WORK:a@example.com\r\n",
    "phones": "TEL;TYPE=CELL:+49221123456\r\n",
    "notes": "NOTE:a\\;b\\,c\\n\r\n",
    "folds": " a\r\n",
    "alarms": "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:a\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n",
    "dates": "EXDATE:20270101T100000Z,20270102T100000Z\r\n",
}


def _endless_lines() -> Iterator[tuple[str, str]]:
    return itertools.cycle(_LINES.items())


def _request(target: Target, method: str, path: str, body: bytes, credentials: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=_TIMEOUT, source_address=target.source)
    try:
        kind = "text/vcard" if "addresses" in path else "text/calendar"
        headers = {"Authorization": credentials, "Content-Type": kind, "User-Agent": "Attacker/1.0"}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


KINDS: dict[str, Callable[[Target], int]] = {
    "stalled": stalled,
    "silent": silent,
    "guessing": guessing,
    "bodies": bodies,
}


def main(arguments: list[str]) -> None:
    """Run one kind of attack with the arguments of the command line."""
    kind, port, login, password, seconds = arguments
    print(KINDS[kind](Target(kind, int(port), login, password, float(seconds))))


if __name__ == "__main__":
    main(sys.argv[1:])
