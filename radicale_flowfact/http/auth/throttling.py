"""Slows down who guesses passwords, by account and by address, without locking anybody out of his own devices.

After some failures the next login is only looked at when a delay is over, which doubles up to a minute; before that
the answer is 429 with Retry-After, at once: no thread sleeps. A password that was right before is not delayed at all
(``logins.py`` remembers it), and neither are strangers' failures told against an address from which the account got
in before: that address has a count of its own. Each process counts for itself.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Protocol

from radicale import types
from radicale.auth import AuthContext
from radicale.log import logger

_FREE, _FREE_OF_ADDRESS = 3, 10  # failures without a delay; behind one address there may be an office
_LONGEST = 60.0  # seconds
_FORGOTTEN = 15 * 60.0  # seconds after the last failure
_FAMILIAR = 30 * 24 * 3600.0  # seconds after the last login from an address
_MOST = 10_000
Known = tuple[str, str, set[str]]
Key = tuple[str, ...]


class TooManyError(Exception):
    """A login is not looked at before ``seconds`` have passed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"too many failed logins; try again in {ceil(seconds)} seconds")
        self.seconds = ceil(seconds)


class Logins(Protocol):
    """What stands behind: Radicale's authentication, with a memory."""

    def known(self, login: str, password: str) -> Known | None:
        """Return the user of a login and password that were right before."""

    def login(self, login: str, password: str, context: AuthContext) -> Known:
        """Return the user of a login and password, or an empty one."""


@dataclass(slots=True)
class _Count:
    failures: int = 0
    last: float = 0.0
    next: float = 0.0


class Throttle:
    """Counts failures by key, and says how long to wait. Thread-safe, of bounded size."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: OrderedDict[Key, _Count] = OrderedDict()

    def admit(self, keys: Sequence[Key]) -> float:
        """Return 0 to let an attempt through, else the seconds to wait.

        Beyond the free ones only one attempt is let through in each delay, also when many come at once.
        """
        now = self._clock()
        with self._lock:
            counts = [(key, self._counts[key]) for key in keys if key in self._counts]
            counts = [(key, count) for key, count in counts if now - count.last < _FORGOTTEN]
            waits = [count.next - now for _, count in counts if count.next > now]
            if waits:
                return max(waits)
            for key, count in counts:
                count.next = now + _delay(key, count.failures)
        return 0.0

    def failed(self, keys: Sequence[Key]) -> float:
        """Count a failure; return the delay that follows."""
        now = self._clock()
        longest = 0.0
        with self._lock:
            for key in keys:
                count = self._counts.setdefault(key, _Count())
                count.failures = 1 if now - count.last >= _FORGOTTEN else count.failures + 1
                count.last, delay = now, _delay(key, count.failures)
                count.next = now + delay
                longest = max(longest, delay)
                self._counts.move_to_end(key)
            while len(self._counts) > _MOST:
                self._counts.popitem(last=False)
        return longest

    def passed(self, keys: Sequence[Key]) -> None:
        """Give back what ``admit`` took for an attempt that was no failure."""
        with self._lock:
            for key in keys:
                if key in self._counts:
                    self._counts[key].next = 0.0

    def forget(self, key: Key) -> None:
        """Forget the failures of a key."""
        with self._lock:
            self._counts.pop(key, None)

    def __len__(self) -> int:
        return len(self._counts)


def _delay(key: Key, failures: int) -> float:
    beyond = failures - (_FREE_OF_ADDRESS if key[0] == "address" else _FREE)
    return 0.0 if beyond < 0 else min(2.0 ** min(beyond, 10), _LONGEST)


class ThrottledLogins:
    """Stands before the remembered logins and has their face. ``proxies``: whose X-Forwarded-For is believed."""

    def __init__(
        self, logins: Logins, proxies: Collection[str] = (), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._logins = logins
        self._proxies = [ipaddress.ip_network(proxy, strict=False) for proxy in proxies]
        self._clock = clock
        self._throttle = Throttle(clock)
        self._familiar: OrderedDict[Key, float] = OrderedDict()
        self._lock = threading.Lock()
        self._request = threading.local()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else Radicale asks its authentication
        return getattr(self._logins, name)

    def get_external_login(self, environ: types.WSGIEnviron) -> tuple[()]:
        """Note where the request comes from: Radicale asks this before each login, in the same thread."""
        self._request.address = client_address(environ, self._proxies)
        return ()

    def login(self, login: str, password: str, context: AuthContext) -> Known:
        """Return the user of this login and password, or an empty one. Raises TooManyError."""
        address: str = getattr(self._request, "address", "")
        pair = ("pair", login.strip().casefold(), address)
        if self._logins.known(login, password) is not None:
            return self._logins.login(login, password, context)
        keys = self._keys(pair)
        wait = self._throttle.admit(keys)
        if wait > 0:
            raise TooManyError(wait)
        found = self._logins.login(login, password, context)
        if found[0]:
            self._throttle.passed(keys)
            self._throttle.forget(pair)
            self._make_familiar(pair)
        elif (delay := self._throttle.failed(keys)) > 0:
            logger.warning("Failed logins of %r are throttled: the next in %d seconds", login, delay)
        return found

    def _keys(self, pair: Key) -> list[Key]:
        _, account, address = pair
        with self._lock:
            if self._clock() < self._familiar.get(pair, 0.0):
                return [pair]
        return [("account", account), *([("address", address)] if address else [])]

    def _make_familiar(self, pair: Key) -> None:
        with self._lock:
            self._familiar[pair] = self._clock() + _FAMILIAR
            self._familiar.move_to_end(pair)
            while len(self._familiar) > _MOST:
                self._familiar.popitem(last=False)


Networks = Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]


def client_address(environ: types.WSGIEnviron, proxies: Networks) -> str:
    """Return who asks: the peer, or, if that is a proxy of ours, the last hop that it tells of; "" if it tells none.

    Earlier hops are what the client says of itself. A peer without an address is a socket on this machine.
    """
    peer = _address(environ.get("REMOTE_ADDR", ""))
    if peer is not None and not any(peer in network for network in proxies):
        return _grouped(peer)
    hop = _address(environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2])
    return "" if hop is None else _grouped(hop)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an address as proxies write it: perhaps with a port, in brackets, or IPv4 inside of IPv6."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _grouped(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """Return an address as it is counted: of IPv6 the network, in which one customer has 2**64 addresses."""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def answer(error: TooManyError) -> tuple[str, list[tuple[str, str]], list[bytes]]:
    """Return the answer to a login that is not looked at yet, as Radicale's own triple (RFC 6585 §4)."""
    body = f"{error}\n".encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    return "429 Too Many Requests", [*headers, ("Retry-After", str(error.seconds))], [body]
