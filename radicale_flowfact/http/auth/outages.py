"""Tells an authentication that cannot be asked from a wrong password: the answer is 503 (RFC 9110 §15.6.4), not 401.

A directory that is away, a certificate that does not hold, a password file that cannot be read: a device that is told
401 asks its user for another password, one that is told 503 comes again.
"""

from __future__ import annotations

from typing import Any, Protocol

from radicale.auth import AuthContext, BaseAuth
from radicale.config import Configuration
from radicale.log import logger

_RETRY_AFTER = "30"  # seconds; most devices ignore it
_LONGEST_REASON = 200  # characters
_CONNECT, _ANSWER = 5, 10  # seconds, whole ones for ldap3; Radicale asks a directory without any limit
LoginResult = tuple[str, str, set[str]]


class UnavailableError(Exception):
    """Raised for a login that cannot be checked; the log says why."""


class Logins(Protocol):
    """The authentication whose faults are reported: ``RememberedLogins``."""

    configuration: Configuration

    def known(self, login: str, password: str) -> LoginResult | None:
        """Return the user of a login and password that were right before."""

    def login(self, login: str, password: str, context: AuthContext) -> LoginResult:
        """Return the user of a login and password, or an empty one."""


class ReportedLogins:
    """Wraps an authentication, with the same interface; a fault of it is an UnavailableError and in the log."""

    def __init__(self, logins: Logins) -> None:
        self._logins = logins

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else Radicale asks its authentication
        return getattr(self._logins, name)

    def known(self, login: str, password: str) -> LoginResult | None:
        """Return the user of a login and password that were right before."""
        return self._logins.known(login, password)

    def login(self, login: str, password: str, context: AuthContext) -> LoginResult:
        """Return the user of this login and password, or an empty one. Raises UnavailableError."""
        try:
            return self._logins.login(login, password, context)
        except Exception as error:
            reason = " ".join(str(error).split())
            if password:
                reason = reason.replace(password, "***")
            logger.error(
                "Logins cannot be checked by [auth] type = %s: %s: %s; see radicale-flowfact check",
                self._logins.configuration.get("auth", "type"),
                type(error).__name__,
                reason[:_LONGEST_REASON],
            )
            raise UnavailableError("logins cannot be checked now") from error


class _BoundedLdap3:
    """The library ldap3, whose connections wait for a directory only so long."""

    def __init__(self, ldap3: Any) -> None:  # noqa: ANN401 - a library without types
        self._ldap3 = ldap3

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else Radicale needs of it
        return getattr(self._ldap3, name)

    def Server(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401, N802 - ldap3's name
        return self._ldap3.Server(*args, connect_timeout=_CONNECT, **options)

    def Connection(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401, N802 - ldap3's name
        return self._ldap3.Connection(*args, receive_timeout=_ANSWER, **options)


def bound_waits(auth: BaseAuth) -> None:
    """Let each question of Radicale's ``ldap`` to its directory end; each wait holds a thread."""
    if (ldap3 := getattr(auth, "ldap3", None)) is not None:
        vars(auth)["ldap3"] = _BoundedLdap3(ldap3)


def answer(error: UnavailableError) -> tuple[str, list[tuple[str, str]], list[bytes]]:
    """Return 503 as the triple of Radicale's ``_handle_request``."""
    body = f"{error}; try again later\n".encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    return "503 Service Unavailable", [*headers, ("Retry-After", _RETRY_AFTER)], [body]
