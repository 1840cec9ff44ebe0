"""Addresses that are free, taken by this gateway or by another program; proxies; and the certificate with them."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Agency, Server
from tests.server.checking.configured import SETTINGS, Configured, only


@pytest.fixture
def configured(tmp_path: Path, unused_tcp_port: int) -> Configured:
    """Give a configuration without a fault."""
    return Configured(tmp_path, server=[f"hosts = 127.0.0.1:{unused_tcp_port}"])


def test_a_free_address_is_told(configured: Configured, unused_tcp_port: int) -> None:
    report = configured.report()
    assert dict(report.facts)[f"address 127.0.0.1:{unused_tcp_port}"] == "free: serve can listen there"
    assert report.faults == []


def test_an_address_taken_by_another_program_is_a_fault(configured: Configured, unused_tcp_port: int) -> None:
    with socket.create_server(("127.0.0.1", unused_tcp_port)) as other:
        other.settimeout(0.1)
        only(configured.report(), f"127.0.0.1:{unused_tcp_port} is taken by another program", fault=True)


def test_an_address_where_this_gateway_answers_is_none(
    agency: Agency, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = server.start().base.removeprefix("http://")
    report = Configured(tmp_path_factory.mktemp("c"), server=[f"hosts = {place}"]).report()
    assert dict(report.facts)[f"address {place}"] == "this gateway answers there"
    assert report.faults == []


def test_an_address_of_another_machine_is_a_fault(configured: Configured) -> None:
    configured.server = ["hosts = 192.0.2.7:5232"]
    only(configured.report(), "192.0.2.7:5232 cannot be listened on", fault=True)


def test_each_of_several_addresses_is_told(configured: Configured, unused_tcp_port_factory: Callable[[], int]) -> None:
    ports = [unused_tcp_port_factory(), unused_tcp_port_factory()]
    configured.server = [f"hosts = 127.0.0.1:{ports[0]}, localhost:{ports[1]}"]
    told = dict(configured.report().facts)
    assert {f"address 127.0.0.1:{ports[0]}", f"address localhost:{ports[1]}"} <= told.keys()


def test_passwords_in_plain_text_are_noted(configured: Configured, unused_tcp_port: int) -> None:
    configured.server = [f"hosts = 0.0.0.0:{unused_tcp_port}"]
    report = configured.report()
    assert "ssl = True" in only(report, "without TLS", fault=False).step
    only(report, "only a proxy on this machine is believed", fault=False)
    assert report.faults == []


def test_a_certificate_is_looked_at_only_with_ssl(configured: Configured) -> None:
    configured.server += ["ssl = True", "certificate = none.pem", "key = none.pem"]
    report = configured.report()
    only(report, "[server] certificate: there is no file", fault=True)
    configured.server[1] = "ssl = False"
    assert configured.report().faults == []


@pytest.mark.parametrize(("network", "is_fault"), [("0.0.0.0/0", True), ("::/0", True), ("10.0.0.0/8", False)])
def test_proxies_that_anybody_may_be_are_a_fault(configured: Configured, network: str, *, is_fault: bool) -> None:
    report = configured.report(SETTINGS.model_copy(update={"trusted_proxies": (network,)}))
    assert bool(report.faults) is is_fault
    assert dict(report.facts)["proxies"] == network
    if is_fault:
        assert "trusted_proxies = " in only(report, network, fault=True).step


def test_no_proxy_is_a_note(configured: Configured) -> None:
    only(configured.report(SETTINGS.model_copy(update={"trusted_proxies": ()})), "is empty", fault=False)
