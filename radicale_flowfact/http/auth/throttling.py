"""Throttles failed logins, without locking anybody out of his own account because somebody else guesses.

Each address has a count of its own for each account, and one for all accounts. After some failures the next login is
checked only when a delay is over, which doubles up to a minute; before that the answer is 429 with Retry-After, at
once: no thread sleeps. Many addresses that guess at one account share a number of checks a minute, and addresses that
never failed have such a number of their own, so that a right password from one of them is checked. Never delayed are
a password that was checked before (``remembered_logins.py``) and, by failures of others, an address from which the
account logged in before (``FamiliarAddresses``, which all workers share). Each worker counts failures for itself.
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
from urllib.parse import unquote

from radicale import types
from radicale.auth import AuthContext
from radicale.config import Configuration
from radicale.log import logger

_FREE_FAILURES, _FREE_FAILURES_OF_ADDRESS = 3, 10  # failures without a delay; behind one address there may be an office
_MAX_DELAY = 60.0  # seconds
_CHECKS_A_MINUTE = 30  # of one account from addresses that failed, and as many from addresses that never did
_FORGET_AFTER = 15 * 60.0  # seconds after the last failure
_LONGEST_ACCOUNT = 255  # characters; what is longer is no login, and counts must be bounded in bytes
_MAX_ENTRIES = 10_000
LoginResult = tuple[str, str, set[str]]
Key = tuple[str, ...]


class TooManyError(Exception):
    """Raised for a login that is not checked before ``seconds`` have passed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"too many failed logins; try again in {ceil(seconds)} seconds")
        self.seconds = ceil(seconds)


class Logins(Protocol):
    """The authentication that is throttled: ``RememberedLogins``."""

    def known(self, login: str, password: str) -> LoginResult | None:
        """Return the user of a login and password that were right before."""

    def login(self, login: str, password: str, context: AuthContext) -> LoginResult:
        """Return the user of a login and password, or an empty one."""


class Familiar(Protocol):
    """The pairs of account and address with a login lately: ``FamiliarAddresses``."""

    def is_familiar(self, pair: tuple[str, str]) -> bool:
        """Return whether the account logged in from this address lately."""

    def add(self, pair: tuple[str, str]) -> None:
        """Remember that it logged in now."""


@dataclass(slots=True)
class _FailureCount:
    failures: int = 0
    last: float = 0.0
    next: float = 0.0


class Throttle:
    """Counts failures by key and returns how long to wait. Thread-safe, of bounded size."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: OrderedDict[Key, _FailureCount] = OrderedDict()

    def admit(self, keys: Sequence[Key]) -> float:
        """Return 0 to let an attempt through, else the seconds to wait.

        After the free failures one attempt is let through in each delay, also when many arrive at once.
        """
        now = self._clock()
        with self._lock:
            counts = [(key, self._counts[key]) for key in keys if key in self._counts]
            counts = [(key, count) for key, count in counts if now - count.last < _FORGET_AFTER]
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
                count = self._counts.setdefault(key, _FailureCount())
                count.failures = 1 if now - count.last >= _FORGET_AFTER else count.failures + 1
                count.last, delay = now, _delay(key, count.failures)
                count.next = now + delay
                longest = max(longest, delay)
                self._drop_oldest(key)
        return longest

    def passed(self, keys: Sequence[Key]) -> None:
        """Undo the delay that ``admit`` set for an attempt that did not fail."""
        with self._lock:
            for key in keys:
                if key in self._counts:
                    self._counts[key].next = 0.0

    def has_failed(self, keys: Sequence[Key]) -> bool:
        """Return whether one of the keys failed lately."""
        now = self._clock()
        with self._lock:
            counts = (self._counts.get(key) for key in keys)
            return any(count is not None and now - count.last < _FORGET_AFTER for count in counts)

    def take(self, key: Key) -> float:
        """Take one of the checks that a key has in each minute; return 0, or the seconds until the next minute."""
        now = self._clock()
        with self._lock:
            count = self._counts.setdefault(key, _FailureCount())
            if now - count.last >= 60.0:
                count.last, count.failures = now, 0
            count.failures += 1
            self._drop_oldest(key)
            return 0.0 if count.failures <= _CHECKS_A_MINUTE else count.last + 60.0 - now

    def _drop_oldest(self, key: Key) -> None:
        self._counts.move_to_end(key)
        while len(self._counts) > _MAX_ENTRIES:
            self._counts.popitem(last=False)

    def forget(self, key: Key) -> None:
        """Forget the failures of a key."""
        with self._lock:
            self._counts.pop(key, None)

    def __len__(self) -> int:
        return len(self._counts)


def _delay(key: Key, failures: int) -> float:
    beyond = failures - (_FREE_FAILURES_OF_ADDRESS if key[0] == "address" else _FREE_FAILURES)
    return 0.0 if beyond < 0 else min(2.0 ** min(beyond, 10), _MAX_DELAY)


class ThrottledLogins:
    """Wraps the remembered logins, with the same interface.

    ``account_of`` gives the account that a login is counted for, however it is spelled (``accounts_of``).
    ``proxies``: networks whose X-Forwarded-For is trusted. ``version_of`` gives a value that changes with the password
    of a login: what failed before the change does not delay the login after it.
    """

    def __init__(
        self,
        logins: Logins,
        familiar: Familiar,
        account_of: Callable[[str], str],
        proxies: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
        version_of: Callable[[str], object] = lambda login: None,
    ) -> None:
        self._version_of = version_of
        self._failed_with: OrderedDict[tuple[str, str], object] = OrderedDict()
        self._logins = logins
        self._familiar = familiar
        self._account_of = account_of
        self._proxies = [ipaddress.ip_network(proxy, strict=False) for proxy in proxies]
        self._throttle = Throttle(clock)
        self._failed_lock = threading.Lock()
        self._request = threading.local()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else Radicale asks its authentication
        return getattr(self._logins, name)

    def get_external_login(self, environ: types.WSGIEnviron) -> tuple[()]:
        """Keep the client's address: Radicale calls this before each login, in the same thread."""
        self._request.address = client_address(environ, self._proxies)
        return ()

    def login(self, login: str, password: str, context: AuthContext) -> LoginResult:
        """Return the user of this login and password, or an empty one. Raises TooManyError."""
        address: str = getattr(self._request, "address", "")
        account = self._account_of(login)[:_LONGEST_ACCOUNT]
        if self._logins.known(login, password) is not None:
            return self._logins.login(login, password, context)
        self._forgive(login, account, address)
        keys = self._admitted(account, address)
        version = self._version_of(login)
        found = self._logins.login(login, password, context)
        if found[0]:
            self._throttle.passed(keys)
            self._throttle.forget(("pair", account, address))
            self._familiar.add((account, address))
            return found
        self._note_failure((account, address), version)
        if (delay := self._throttle.failed(keys)) > 0:
            logger.warning("Failed logins of %r are throttled: the next in %d seconds", account, delay)
        return found

    def _note_failure(self, pair: tuple[str, str], version: object) -> None:
        with self._failed_lock:
            self._failed_with[pair] = version
            self._failed_with.move_to_end(pair)
            while len(self._failed_with) > _MAX_ENTRIES:
                self._failed_with.popitem(last=False)

    def _forgive(self, login: str, account: str, address: str) -> None:
        """Forget the failures of an account from an address if the account has another password since."""
        with self._failed_lock:
            failed_with = self._failed_with.get((account, address), self)
            if failed_with is self or failed_with == self._version_of(login):
                return
            del self._failed_with[account, address]
        for key in (("pair", account, address), ("address", address)):
            self._throttle.forget(key)

    def _admitted(self, account: str, address: str) -> list[Key]:
        """Return the keys that a failure will count for. Raises TooManyError if the login is not to be checked yet."""
        pair: Key = ("pair", account, address)
        if self._familiar.is_familiar((account, address)):
            keys, share = [pair], None
        else:
            keys = [pair, *([("address", address)] if address else [])]
            share = ("returning" if self._throttle.has_failed(keys) else "new", account)
        wait = self._throttle.admit(keys)
        if wait == 0.0 and share is not None:
            wait = self._throttle.take(share)
        if wait > 0:
            raise TooManyError(wait)
        return keys


def accounts_of(configuration: Configuration) -> Callable[[str], str]:
    """Return what names the account of a login: as Radicale's ``BaseAuth.login`` reads it, in one spelling."""
    decodes = configuration.get("auth", "urldecode_username")
    strips = configuration.get("auth", "strip_domain")

    def account_of(login: str) -> str:
        decoded = unquote(login) if decodes else login
        return (decoded.partition("@")[0] if strips else decoded).strip().casefold()

    return account_of


Networks = Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]


def client_address(environ: types.WSGIEnviron, proxies: Networks) -> str:
    """Return the client's address: the peer, or, of a trusted proxy, the last hop of X-Forwarded-For; "" for none.

    Earlier hops can be forged by the client. A peer without an address is a Unix socket.
    """
    peer = _address(environ.get("REMOTE_ADDR", ""))
    if peer is not None and not any(peer in network for network in proxies):
        return _grouped(peer)
    hop = _address(environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2])
    return "" if hop is None else _grouped(hop)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Parse an address as proxies write it: with a port, in brackets, or as IPv4-mapped IPv6; None if it is none."""
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
    """Return the key under which an address is counted: of IPv6 the /64 network, which is one customer's."""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def answer(error: TooManyError) -> tuple[str, list[tuple[str, str]], list[bytes]]:
    """Return 429 (RFC 6585 §4) as the triple of Radicale's ``_handle_request``."""
    body = f"{error}\n".encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    return "429 Too Many Requests", [*headers, ("Retry-After", str(error.seconds))], [body]


def with_receipt(answer: Any, environ: types.WSGIEnviron) -> Any:  # noqa: ANN401 - Radicale's own triple
    """Return an answer of Radicale's; a 401 says by a header whether credentials reached the gateway.

    So ``radicale-flowfact try`` tells a wrong password from a proxy that drops Authorization.
    """
    status, headers, *rest = answer
    if str(status).startswith("401") and environ.get("HTTP_AUTHORIZATION"):
        return status, [*headers, ("Flowfact-Authorization", "received")], *rest
    return answer
