"""Guessing passwords gets slow, for each account and address, and nobody is locked out of his own devices."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest
from radicale.auth import AuthContext
from radicale.config import load

from radicale_flowfact.dav.store.deferred.familiar import FamiliarAddresses
from radicale_flowfact.http.auth import throttling
from radicale_flowfact.http.auth.throttling import ThrottledLogins, TooManyError, accounts_of, client_address
from tests.conftest import Agency, Server

HOME, OFFICE, EVIL = "203.0.113.5", "198.51.100.7", "192.0.2.66"


@dataclass
class Passwords:
    """Right passwords, and what was remembered of them."""

    right: dict[str, str]
    remembers: bool = False
    asked: int = 0
    remembered: set[tuple[str, str]] = field(default_factory=set)

    def known(self, login: str, password: str) -> tuple[str, str, set[str]] | None:
        return (login, "", set()) if (login, password) in self.remembered else None

    def login(self, login: str, password: str, context: AuthContext) -> tuple[str, str, set[str]]:
        self.asked += 1
        if self.right.get(login) != password:
            return "", "", set()
        if self.remembers:
            self.remembered.add((login, password))
        return login, "", set()


@dataclass
class Door:
    """Throttled logins with a clock that the test moves."""

    familiar: FamiliarAddresses
    passwords: Passwords = field(default_factory=lambda: Passwords({"anna": "right", "ben": "well"}))
    now: float = 1000.0

    def __post_init__(self) -> None:
        self.logins = ThrottledLogins(
            self.passwords, self.familiar, accounts_of(load()), ["127.0.0.1"], lambda: self.now
        )

    def knock(self, login: str, password: str, address: str) -> str:
        """Log in; return "in", "wrong" or the seconds to wait."""
        self.logins.get_external_login({"REMOTE_ADDR": address})
        try:
            context = AuthContext()  # type: ignore[no-untyped-call]
            return "in" if self.logins.login(login, password, context)[0] else "wrong"
        except TooManyError as error:
            return str(error.seconds)

    def guess(self, times: int, login: str = "anna", address: str = EVIL) -> None:
        """Guess as often as is let through, waiting in between."""
        for _ in range(times):
            while (told := self.knock(login, "guess", address)) != "wrong":
                self.now += float(told)


@pytest.fixture
def door(server: Server) -> Door:
    return Door(server.start().gateway.familiar)


def test_the_delay_grows_from_failure_to_failure_up_to_a_minute(door: Door) -> None:
    for _ in range(3):
        assert door.knock("anna", "guess", EVIL) == "wrong"
    waits = []
    for _ in range(9):
        waits.append(door.knock("anna", "guess", EVIL))
        door.now += float(waits[-1])
        assert door.knock("anna", "guess", EVIL) == "wrong"
    assert waits == ["1", "2", "4", "8", "16", "32", "60", "60", "60"]


def test_a_throttled_password_is_not_even_looked_at(door: Door) -> None:
    door.guess(4)
    asked = door.passwords.asked
    assert door.knock("anna", "right", EVIL) == "2"
    assert door.passwords.asked == asked


def test_another_spelling_is_the_same_account(door: Door) -> None:
    door.guess(4)
    assert door.knock(" ANNA", "guess", EVIL) == "2"


@pytest.mark.parametrize(
    ("setting", "spelling"),
    [("strip_domain", "anna@elsewhere"), ("urldecode_username", "%61nna"), ("lc_username", "Anna")],
)
def test_what_radicale_makes_of_a_login_is_its_account(setting: str, spelling: str) -> None:
    configuration = load()
    configuration.update({"auth": {setting: "True"}}, "test")
    assert accounts_of(configuration)(spelling) == "anna"


def test_unknown_accounts_are_throttled_like_known_ones(door: Door) -> None:
    door.guess(5, login="nobody")
    assert door.knock("nobody", "guess", EVIL) == "4"


def test_failures_are_forgotten_after_a_while(door: Door) -> None:
    door.guess(8)
    door.now += 15 * 60
    for _ in range(3):
        assert door.knock("anna", "guess", EVIL) == "wrong"
    assert door.knock("anna", "guess", EVIL) == "1"


def test_one_address_that_tries_many_accounts_is_throttled(door: Door) -> None:
    told = [door.knock(f"user{number}", "guess", EVIL) for number in range(12)]
    assert told == ["wrong"] * 10 + ["1", "1"]
    assert door.knock("ben", "well", HOME) == "in"


def test_many_addresses_that_try_one_account_are_throttled(door: Door) -> None:
    told = [door.knock("anna", "guess", f"192.0.2.{number}") for number in range(32)]
    assert told == ["wrong"] * 30 + ["60", "60"]
    again = [door.knock("anna", "guess", f"192.0.2.{number}") for number in range(32)]
    assert again == ["wrong"] * 30 + ["60", "60"], "addresses that failed share as many"
    door.now += 60
    assert door.knock("anna", "right", HOME) == "in"


def test_one_guess_a_second_keeps_the_owner_out_nowhere(door: Door) -> None:
    door.guess(10)
    for number in range(16):
        door.now += 1
        door.knock("anna", "guess", EVIL)
        assert door.knock("anna", "right", f"203.0.113.{number}") == "in"


def test_what_is_familiar_is_so_for_other_workers_and_after_a_restart(door: Door, server: Server) -> None:
    server.moment = datetime.now(UTC)  # a start drops what is too old, by the machine's own clock
    assert door.knock("anna", "right", HOME) == "in"
    door.familiar.flush()
    other = Door(server.start().gateway.familiar)
    for number in range(70):
        other.knock("anna", "guess", f"192.0.2.{number}")
        other.knock("anna", "guess", f"192.0.2.{number}")
    assert other.knock("anna", "right", "203.0.113.99") == "60"
    assert other.knock("anna", "right", HOME) == "in"


def test_an_attacker_cannot_lock_somebody_out_of_the_address_he_uses(door: Door) -> None:
    assert door.knock("anna", "right", HOME) == "in"
    door.guess(20)
    assert door.knock("anna", "right", EVIL) == "60"
    assert door.knock("anna", "right", "203.0.113.99") == "in", "an address that never failed is looked at"
    assert door.knock("anna", "right", HOME) == "in"


def test_what_is_remembered_passes_from_everywhere(door: Door) -> None:
    door.passwords.remembers = True
    assert door.knock("anna", "right", HOME) == "in"
    door.guess(20)
    assert door.knock("anna", "right", "203.0.113.99") == "in"
    assert door.knock("anna", "right", EVIL) == "in"


def test_a_phone_with_an_old_password_does_not_throttle_its_office(door: Door) -> None:
    assert door.knock("anna", "right", OFFICE) == "in"
    assert door.knock("ben", "well", OFFICE) == "in"
    door.guess(20, login="ben", address=OFFICE)
    assert door.knock("anna", "right", OFFICE) == "in"
    assert door.knock("ben", "well", OFFICE) == "60"
    assert door.knock("carl", "guess", OFFICE) == "wrong"


def test_guessing_from_a_familiar_address_is_throttled_too(door: Door) -> None:
    assert door.knock("anna", "right", OFFICE) == "in"
    told = [door.knock("anna", "guess", OFFICE) for _ in range(4)]
    assert told == ["wrong"] * 3 + ["1"]


def test_a_right_password_ends_the_delay_of_its_address_and_of_no_other(door: Door) -> None:
    door.guess(6)
    door.now += 8
    assert door.knock("anna", "right", HOME) == "in"
    assert door.knock("anna", "guess", HOME) == "wrong"
    door.guess(1)
    assert door.knock("anna", "guess", EVIL) == "16", "the attacker goes on where he was"


def test_many_at_once_get_one_attempt_in_each_delay(door: Door) -> None:
    door.guess(5)
    door.now += 60
    barrier = threading.Barrier(8)
    told: list[str] = []

    def knock() -> None:
        barrier.wait()
        told.append(door.knock("anna", "guess", EVIL))

    threads = [threading.Thread(target=knock) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told.count("wrong") == 1


def test_memory_is_bounded(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttling, "_MAX_ENTRIES", 50)
    door.passwords.right |= {f"user{number}": "x" for number in range(200)}
    for number in range(200):
        door.knock(f"ghost{number}", "guess", f"192.0.2.{number}")
        door.knock(f"user{number}", "x", f"203.0.113.{number}")
    assert len(door.logins._throttle) == 50


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        (EVIL, "", EVIL),
        (EVIL, "1.1.1.1", EVIL),  # what a client says of itself counts for nothing
        ("127.0.0.1", "1.1.1.1, 203.0.113.5", HOME),
        ("127.0.0.1", "203.0.113.5:49152", HOME),  # IIS
        ("127.0.0.1", "", ""),
        ("127.0.0.1", "unknown", ""),
        ("", "203.0.113.5", HOME),  # a Unix socket
        ("::ffff:127.0.0.1", "203.0.113.5", HOME),
        ("2001:db8:1:2:3::4", "", "2001:db8:1:2::/64"),
        ("127.0.0.1", "[2001:db8:1:2:3::4]:443", "2001:db8:1:2::/64"),
    ],
)
def test_the_address_is_the_peer_or_the_last_hop_of_a_trusted_proxy(peer: str, forwarded: str, counted: str) -> None:
    proxies = [ip_network("127.0.0.0/8"), ip_network("::1")]
    environ = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}
    assert client_address(environ, proxies) == counted


@pytest.fixture
def served(agency: Agency, server: Server) -> Server:
    agency.office.address([agency.own])
    return server.start()


def test_over_http_the_answer_is_429_with_retry_after(served: Server) -> None:
    wrong = served.device()
    wrong.password = "wrong"  # noqa: S105 - it is
    evil, home = {"X-Forwarded-For": EVIL}, {"X-Forwarded-For": HOME}
    for _ in range(3):
        assert wrong.request("PROPFIND", "addresses/", headers=evil).status == 401
    told = wrong.request("PROPFIND", "addresses/", headers=evil)
    assert (told.status, told.headers["Retry-After"]) == (429, "1")
    assert "1 seconds" in told.text
    assert "WWW-Authenticate" not in told.headers
    right = served.device()
    assert right.request("PROPFIND", "addresses/", headers=evil).status == 429
    assert right.request("PROPFIND", "addresses/", headers=home).status == 207, "an address that never failed"
    assert served.device("ben").request("PROPFIND", "addresses/", headers=home).status == 207


def test_over_http_a_known_device_goes_on_while_its_account_is_attacked(served: Server) -> None:
    phone, attacker = served.device(), served.device()
    attacker.password = "wrong"  # noqa: S105 - it is
    token = phone.sync("addresses").token
    for _ in range(6):
        attacker.request("GET", "addresses/", headers={"X-Forwarded-For": EVIL})
    assert attacker.request("GET", "addresses/", headers={"X-Forwarded-For": EVIL}).status == 429
    assert phone.sync("addresses", token).token == token
    assert phone.request("PUT", "addresses/x.vcf", "nonsense", {"X-Forwarded-For": HOME}).status == 409


def test_no_thread_sleeps_for_a_throttled_login(served: Server) -> None:
    wrong = served.device()
    wrong.password = "wrong"  # noqa: S105 - it is
    for _ in range(3):
        wrong.request("GET", "addresses/")
    ended = [threading.Thread(target=wrong.request, args=("GET", "addresses/")) for _ in range(8)]
    for thread in ended:
        thread.start()
    for thread in ended:
        thread.join(timeout=5)
    assert not any(thread.is_alive() for thread in ended)
