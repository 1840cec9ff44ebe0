"""An authentication that cannot be asked is no wrong password: the device comes again, and the log says why."""

from __future__ import annotations

import logging

import pytest
from radicale.auth import AuthContext, BaseAuth
from radicale.config import load

from radicale_flowfact.http.auth.outages import ReportedLogins, UnavailableError
from radicale_flowfact.http.auth.remembered_logins import RememberedLogins
from tests.conftest import Agency, Server


class AwayAuth(BaseAuth):
    """A directory that is away, and whose library puts into its message what it was given."""

    def _login(self, login: str, password: str) -> str:
        raise RuntimeError(f"no route to host\nfor {login} with {password}")


def test_a_password_file_that_cannot_be_read_is_an_outage(
    agency: Agency, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    device = server.start().device()
    (server.folder / "users").unlink()
    answer = device.propfind("addresses/", "<getetag/>")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
    assert "Logins cannot be checked by [auth] type = htpasswd: FileNotFoundError:" in caplog.text


def test_a_fault_is_told_in_a_line_without_the_password(caplog: pytest.LogCaptureFixture) -> None:
    configuration = load()
    logins = ReportedLogins(RememberedLogins(AwayAuth(configuration), configuration))
    with caplog.at_level(logging.ERROR), pytest.raises(UnavailableError, match="cannot be checked now"):
        logins.login("anna", "very own", AuthContext())  # type: ignore[no-untyped-call]
    (record,) = caplog.records
    assert "RuntimeError: no route to host for anna with ***" in record.getMessage()
