"""Spares a checked password its hash: a phone's poll is several requests, each with the password.

What is remembered is a keyed digest, in memory only. With a password file it counts as long as the file stays as
it is, so a changed password counts from the next request on; with anything else, for some seconds.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from radicale.auth import AuthContext, BaseAuth
from radicale.config import Configuration

_SECONDS = 10.0
_SECONDS_WITH_FILE = 3600.0
_MOST = 10_000
Known = tuple[str, str, set[str]]
"""What Radicale's authentication answers: the user or empty, how it was checked, his groups."""


class RememberedLogins:
    """Stands before Radicale's authentication and has its face."""

    def __init__(
        self, auth: BaseAuth, configuration: Configuration, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._auth = auth
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, tuple[float, object, Known | None]] = {}
        is_file = configuration.get("auth", "type") == "htpasswd"
        self._file = Path(configuration.get("auth", "htpasswd_filename")) if is_file else None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else Radicale asks its authentication
        return getattr(self._auth, name)

    def known(self, login: str, password: str) -> Known | None:
        """Return the user of a login and password that were right before, and still count; None asks for a check."""
        until, marked, found = self._known.get(self._digest(login, password), (0.0, None, None))
        return found if self._clock() < until and marked == self._mark() else None

    def login(self, login: str, password: str, context: AuthContext) -> Known:
        """Return the user of this login and password, or an empty one; only a right password is remembered."""
        known = self.known(login, password)
        if known is not None:
            return known
        mark = self._mark()
        found = self._auth.login(login, password, context)
        if found[0]:
            if len(self._known) >= _MOST:
                self._known.clear()
            until = self._clock() + (_SECONDS if self._file is None else _SECONDS_WITH_FILE)
            self._known[self._digest(login, password)] = (until, mark, found)
        return found

    def _digest(self, login: str, password: str) -> bytes:
        both = f"{len(login)}:{login}{password}"
        return hashlib.blake2b(both.encode("utf-8", "surrogatepass"), key=self._key).digest()

    def _mark(self) -> object:
        """Return what changes with the password file."""
        if self._file is None:
            return None
        try:
            status = self._file.stat()
        except OSError:
            return object()  # unlike any other: nothing is remembered
        return status.st_mtime_ns, status.st_size, status.st_ino
