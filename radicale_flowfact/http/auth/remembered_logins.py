"""Remembers checked passwords: a poll is several requests, and each would hash the password anew.

Keeps a keyed digest, in memory only. With an htpasswd file it is valid until the file changes, so a changed password
counts from the next request on; with any other authentication, for some seconds. What Radicale itself remembers of
right and wrong passwords is dropped when the file changes, so a new password counts also where it was tried before.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from radicale.auth import AuthContext, BaseAuth
from radicale.config import Configuration

from radicale_flowfact.http.auth.spelling import LoginNamed
from radicale_flowfact.settings import login_key

_SECONDS = 10.0
_SECONDS_WITH_FILE = 3600.0
_MAX_ENTRIES = 10_000
LoginResult = tuple[str, str, set[str]]
"""The result of Radicale's ``BaseAuth.login``: the user or empty, the method of authentication, the groups."""


class RememberedLogins:
    """Wraps Radicale's authentication, with the same interface.

    ``login_named`` gives the mapped login that the authentication's own spelling means.
    """

    def __init__(
        self,
        auth: BaseAuth,
        configuration: Configuration,
        clock: Callable[[], float] = time.monotonic,
        login_named: LoginNamed = lambda login: None,
    ) -> None:
        self._auth = auth
        self._clock = clock
        self._login_named = login_named
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, tuple[float, object, LoginResult | None]] = {}
        self._type: str = configuration.get("auth", "type")
        self._needs_password = self._type != "none"
        is_file = self._type == "htpasswd"
        self._file = _PasswordFile(configuration) if is_file else None
        self._version: object = None
        self._version_lock = threading.Lock()

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
        self._forget_if_changed(mark)
        as_kept = login if self._file is None else self._file.spelling(login)
        user, method, groups = self._auth.login(as_kept, password, context)
        found: LoginResult = (self._login_named(user) or user if user else "", method, groups)
        if found[0]:
            if len(self._known) >= _MAX_ENTRIES:
                self._known.clear()
            until = self._clock() + (_SECONDS if self._file is None else _SECONDS_WITH_FILE)
            self._known[self._digest(login, password)] = (until, mark, found)
        return found

    def password_version(self, login: str) -> object:
        """Return a value that changes with the password of a login in the file; None without a file."""
        return None if self._file is None else self._file.password_version(login)

    def _forget_if_changed(self, version: object) -> None:
        """Drop what Radicale remembers of right and wrong passwords if the file is not what it was."""
        with self._version_lock:
            if version == self._version:
                return
            self._version = version
        for cache in ("_cache_successful", "_cache_failed"):
            if cache in vars(self._auth):
                with self._auth._lock:
                    getattr(self._auth, cache).clear()

    def _digest(self, login: str, password: str) -> bytes:
        both = f"{len(login)}:{login}{password}"
        return hashlib.blake2b(both.encode("utf-8", "surrogatepass"), key=self._key).digest()

    def _file_version(self) -> object:
        """Return a value that changes with the password file."""
        return None if self._file is None else self._file.version()


class _PasswordFile:
    """Reads the htpasswd file: which logins it has, and when one has another password."""

    def __init__(self, configuration: Configuration) -> None:
        self._path = Path(configuration.get("auth", "htpasswd_filename"))
        self._encoding = configuration.get("encoding", "stock")
        self._read: tuple[object, Mapping[str, str], Mapping[str, str]] = (None, {}, {})

    def version(self) -> object:
        """Return a value that changes with the file; unlike any other if there is none."""
        try:
            status = self._path.stat()
        except OSError:
            return object()
        return status.st_mtime_ns, status.st_size, status.st_ino

    def spelling(self, login: str) -> str:
        """Return a login as the file spells it: exactly so, else but for case and blanks; itself if it has none."""
        lines, spellings = self._lines()
        return login if login in lines else spellings.get(login_key(login), login)

    def password_version(self, login: str) -> object:
        """Return a value that changes with the line of a login."""
        return self._lines()[0].get(self.spelling(login))

    def _lines(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Return the hashed passwords by login, and the logins by ``login_key``."""
        version = self.version()
        if self._read[0] != version:
            try:
                text = self._path.read_text(encoding=self._encoding)
            except (OSError, UnicodeDecodeError):
                text = ""
            pairs = (line.partition(":") for line in text.splitlines() if not line.lstrip().startswith("#"))
            lines = {login: password for login, colon, password in pairs if colon}
            self._read = version, lines, {login_key(login): login for login in reversed(lines)}
        return self._read[1:]
