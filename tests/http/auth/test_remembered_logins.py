"""A password that was right is remembered only as long as it must count."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from radicale.auth import AuthContext, BaseAuth
from radicale.config import Configuration, load

from radicale_flowfact.http.auth import remembered_logins
from radicale_flowfact.http.auth.remembered_logins import LoginResult, RememberedLogins
from tests.conftest import Agency, Server
from tests.device import Device


class CountingAuth(BaseAuth):
    """Another way to check logins: an own list of passwords, with groups."""

    def __init__(self, configuration: Configuration, passwords: dict[str, str]) -> None:
        super().__init__(configuration)
        self.passwords = passwords
        self.checked: list[str] = []
        self.groups: set[str] = {"brokers"}

    def _login_ext_with_groups(self, login: str, password: str, context: AuthContext) -> tuple[str, set[str]]:
        self.checked.append(login)
        return (login.lower(), set(self.groups)) if self.passwords.get(login) == password else ("", set())


@dataclass
class Asking:
    """Remembered logins over a list, with a clock that the test moves."""

    passwords: dict[str, str] = field(default_factory=lambda: {"Anna": "pw"})
    now: float = 1000.0
    type: str = "none"

    def __post_init__(self) -> None:
        configuration = load()
        configuration.update({"auth": {"type": self.type}}, "test")
        self.auth = CountingAuth(configuration, self.passwords)
        self.logins = RememberedLogins(self.auth, configuration, lambda: self.now)

    def login(self, login: str = "Anna", password: str = "pw") -> LoginResult:  # noqa: S107 - the tests' own
        """Log in."""
        return self.logins.login(login, password, AuthContext())  # type: ignore[no-untyped-call]


def status(device: Device) -> int:
    """Return what a hot request of the device is answered with."""
    return device.propfind("addresses/", "<getetag/>").status


def write_passwords(server: Server, *lines: str) -> None:
    """Write the password file as its admin would, in one step."""
    new = server.folder / "users.new"
    new.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    new.replace(server.folder / "users")


def test_a_changed_password_counts_from_the_next_request_on(agency: Agency, server: Server) -> None:
    device = server.start().device()
    assert [status(device) for _ in range(3)] == [207, 207, 207]
    write_passwords(server, "anna:new", "ben:pw")
    assert status(device) == 401
    assert status(Device(server.base, "anna", password="new")) == 207  # noqa: S106 - the tests' own


def test_a_password_changed_in_place_to_one_of_the_same_length(agency: Agency, server: Server) -> None:
    device = server.start().device()
    assert status(device) == status(device) == 207
    file = server.folder / "users"
    file.write_text(file.read_text(encoding="utf-8").replace("anna:pw", "anna:wp"), encoding="utf-8")
    assert status(device) == 401


@pytest.mark.parametrize("lines", [("ben:pw",), ()])
def test_a_login_taken_out_of_the_file_is_out_at_the_next_request(
    agency: Agency, server: Server, lines: tuple[str, ...]
) -> None:
    device = server.start().device()
    assert status(device) == status(device) == 207
    write_passwords(server, *lines)
    assert status(device) == 401


def test_a_file_that_is_gone_lets_nobody_in_from_memory(agency: Agency, server: Server) -> None:
    device = server.start().device()
    assert status(device) == status(device) == 207
    (server.folder / "users").unlink()
    assert status(device) != 207


def test_a_user_made_inactive_in_flowfact_is_out_at_the_next_look(agency: Agency, server: Server) -> None:
    device = server.start().device()
    assert status(device) == status(device) == 207
    agency.office.change(agency.office.tables.user, {"DSN": agency.anna}, AKTIV=False)
    assert status(device) == 403


def test_of_any_other_authentication_a_login_is_remembered_for_seconds() -> None:
    asking = Asking()
    assert asking.login() == asking.login() == ("anna", "none", {"brokers"})
    assert asking.auth.checked == ["Anna"]
    asking.passwords["Anna"] = "new"
    assert asking.login()[0] == "anna"
    asking.now += 10.0
    assert asking.logins.known("Anna", "pw") is None
    assert asking.login()[0] == ""
    assert asking.login(password="new")[0] == "anna"  # noqa: S106 - the tests' own


def test_a_wrong_password_is_checked_each_time_and_counts_for_nothing() -> None:
    asking = Asking()
    for _ in range(3):
        assert asking.login(password="guess")[0] == ""  # noqa: S106 - the tests' own
        assert asking.logins.known("Anna", "guess") is None
    assert asking.auth.checked == ["Anna"] * 3
    assert asking.login()[0] == "anna"
    assert asking.login(password="guess")[0] == ""  # noqa: S106 - the tests' own


def test_a_login_without_a_password_is_not_even_checked() -> None:
    """A directory may say that a bind without a password worked (RFC 4513 §5.1.2)."""
    asking = Asking({"Anna": ""}, type="ldap")
    assert asking.login(password="") == ("", "ldap", set())
    assert asking.auth.checked == []
    assert Asking({"Anna": ""}).login(password="")[0] == "anna"


def test_login_and_password_cannot_flow_into_each_other() -> None:
    asking = Asking({"Anna": "x\0y"})
    assert asking.login("Anna", "x\0y")[0] == "anna"
    assert asking.logins.known("Anna\0x", "y") is None


def test_groups_are_those_of_the_check_and_as_old_as_it() -> None:
    asking = Asking()
    assert asking.login()[2] == {"brokers"}
    asking.auth.groups = {"guests"}
    assert asking.logins.known("Anna", "pw") == ("anna", "none", {"brokers"})
    asking.now += 10.0
    assert asking.login()[2] == {"guests"}


def test_what_is_remembered_is_bounded_and_holds_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered_logins, "_MAX_ENTRIES", 10)
    asking = Asking({f"u{number}": "secret" for number in range(40)})
    for number in range(40):
        assert asking.login(f"u{number}", "secret")[0] == f"u{number}"
    assert len(asking.logins._known) <= 10
    assert "secret" not in repr(vars(asking.logins)["_known"])


def test_a_password_file_that_changes_during_the_check_is_read_again(tmp_path: Path) -> None:
    """The mark is taken before the check, so a password that was right a moment ago is not kept for the new file."""
    file = tmp_path / "users"
    file.write_text("Anna:pw\n", encoding="utf-8")
    configuration = load()
    configuration.update({"auth": {"type": "htpasswd", "htpasswd_filename": str(file)}}, "test")

    class Slow(CountingAuth):
        def _login_ext_with_groups(self, login: str, password: str, context: AuthContext) -> tuple[str, set[str]]:
            found = super()._login_ext_with_groups(login, password, context)
            file.write_text("Anna:other\n", encoding="utf-8")
            return found

    remembered = RememberedLogins(Slow(configuration, {"Anna": "pw"}), configuration)
    context = AuthContext()  # type: ignore[no-untyped-call]
    assert remembered.login("Anna", "pw", context)[0] == "anna"
    assert remembered.known("Anna", "pw") is None
