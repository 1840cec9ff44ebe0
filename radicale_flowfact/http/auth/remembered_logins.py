"""Remembers checked passwords: a poll is several requests, and each would hash the password anew.

Keeps a keyed digest, in memory only. With an htpasswd file it is valid until the file changes, so a changed password
counts from the next request on; with any other authentication, for some seconds.
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
_MAX_ENTRIES = 10_000
LoginResult = tuple[str, str, set[str]]
"""The result of Radicale's ``BaseAuth.login``: the user or empty, the method of authentication, the groups."""


class RememberedLogins:
    """Wraps Radicale's authentication, with the same interface."""

    def __init__(
        self, auth: BaseAuth, configuration: Configuration, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._auth = auth
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, tuple[float, object, LoginResult | None]] = {}
        self._type: str = configuration.get("auth", "type")
        self._needs_password = self._type != "none"
        is_file = self._type == "htpasswd"
        self._file = Path(configuration.get("auth", "htpasswd_filename")) if is_file else None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else Radicale asks its authentication
        return getattr(self._auth, name)

    def known(self, login: str, password: str) -> LoginResult | None:
        """Return the user of a login and password that were checked before and are still valid, else None."""
        until, marked, found = self._known.get(self._digest(login, password), (0.0, None, None))
        return found if self._clock() < until and marked == self._file_version() else None

    def login(self, login: str, password: str, context: AuthContext) -> LoginResult:
        """Return the user of this login and password, or an empty one; only a right password is remembered.

        No password is none that could be right: a directory may take a bind without one for nobody's and say that it
        worked (RFC 4513 §5.1.2).
        """
        if not password and self._needs_password:
            return "", self._type, set()
        known = self.known(login, password)
        if known is not None:
            return known
        mark = self._file_version()
        found = self._auth.login(login, password, context)
        if found[0]:
            if len(self._known) >= _MAX_ENTRIES:
                self._known.clear()
            until = self._clock() + (_SECONDS if self._file is None else _SECONDS_WITH_FILE)
            self._known[self._digest(login, password)] = (until, mark, found)
        return found

    def _digest(self, login: str, password: str) -> bytes:
        both = f"{len(login)}:{login}{password}"
        return hashlib.blake2b(both.encode("utf-8", "surrogatepass"), key=self._key).digest()

    def _file_version(self) -> object:
        """Return a value that changes with the password file."""
        if self._file is None:
            return None
        try:
            status = self._file.stat()
        except OSError:
            return object()  # unlike any other: nothing is remembered
        return status.st_mtime_ns, status.st_size, status.st_ino
