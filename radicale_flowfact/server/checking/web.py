"""Checks the addresses to listen on, TLS, and which proxies are believed."""

from __future__ import annotations

import errno
import http.client
import ipaddress
import json
import os
import socket
import ssl
from pathlib import Path

from radicale.config import Configuration

from radicale_flowfact.dav.admin.checking.findings import Group, Report
from radicale_flowfact.server.checking.certificate import check_certificate
from radicale_flowfact.settings import Settings

_SECONDS = 5.0
_HEALTH = "/.flowfact/health"
_WIDEST = {4: 8, 6: 16}
"""The least bits of a network that one office may have: 10.0.0.0/8, fc00::/7 is split by then."""


def check_web(configuration: Configuration, settings: Settings, report: Report) -> None:
    """Report addresses, certificate and proxies."""
    is_tls = bool(configuration.get("server", "ssl"))
    hosts = [(str(host), int(port)) for host, port in configuration.get("server", "hosts")]
    for host, port in hosts:
        _check_place(host, port, report, is_tls=is_tls)
    if is_tls:
        certificate, key = (Path(configuration.get("server", name)) for name in ("certificate", "key"))
        check_certificate(certificate, key, report)
    elif open_to := [host for host, _ in hosts if not _is_loopback(host)]:
        report.note(
            Group.WEB,
            f"other machines reach the gateway on {', '.join(open_to)} without TLS: passwords are readable on the way",
            "[server] ssl = True with certificate and key, or hosts = 127.0.0.1:5232 behind a proxy on this machine",
        )
    _check_proxies(hosts, settings, report, is_tls=is_tls)
    if not hosts:
        report.fault(Group.WEB, "[server] hosts names no address", "[server] hosts = 127.0.0.1:5232")


def _check_place(host: str, port: int, report: Report, *, is_tls: bool) -> None:
    """Report whether a host name and port can be listened on, are already by this gateway, or are taken."""
    place = f"{host}:{port}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        text = f"[server] hosts: {place} is no address of this machine: {error.strerror or error}"
        report.fault(Group.WEB, text, "[server] hosts = 127.0.0.1:5232, or 0.0.0.0:5232 for all")
        return
    faults = [
        fault for family, kind, protocol, _, address in found if (fault := _bound(family, kind, protocol, address))
    ]
    if len(faults) < len(found):  # a name may resolve to a family that this machine lacks
        report.tell(Group.WEB, f"address {place}", "free: serve can listen there")
        return
    number = faults[0].errno
    if number in (errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", errno.EADDRINUSE)):
        if _is_gateway(host, port, is_tls=is_tls):
            report.tell(Group.WEB, f"address {place}", "this gateway answers there")
            return
        text = f"{place} is taken by another program"
        step = "stop that program, or take another port in [server] hosts"
    elif number == errno.EACCES:
        text = f"{place} cannot be listened on: a port below 1024 is for the administrator"
        step = "take a port from 1024 on in [server] hosts, such as 5232, behind a proxy"
    else:
        text = f"[server] hosts: {place} cannot be listened on: {faults[0].strerror or faults[0]}"
        step = "name an address of this machine in [server] hosts, or 0.0.0.0 for all"
    report.fault(Group.WEB, text, step)


def _bound(family: int, kind: int, protocol: int, address: tuple[object, ...]) -> OSError | None:
    """Return why an address cannot be listened on, or None."""
    try:
        with socket.socket(family, kind, protocol) as probe:
            if os.name != "nt":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        return error
    return None


def _is_gateway(host: str, port: int, *, is_tls: bool) -> bool:
    """Return whether a gateway answers there: its health says so, well or not. The certificate does not matter here."""
    target = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - what is configured
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    made = (
        http.client.HTTPSConnection(target, port, timeout=_SECONDS, context=context)
        if is_tls
        else http.client.HTTPConnection(target, port, timeout=_SECONDS)
    )
    try:
        made.request("GET", _HEALTH)
        answer = made.getresponse()
        state = json.loads(answer.read(10_000))
        return answer.getheader("X-Request-ID") is not None and state.get("status") in ("ok", "unavailable")
    except (OSError, http.client.HTTPException, ValueError, AttributeError):
        return False
    finally:
        made.close()


def _is_loopback(host: str) -> bool:
    if host in ("localhost", "localhost6"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_proxies(hosts: list[tuple[str, int]], settings: Settings, report: Report, *, is_tls: bool) -> None:
    """Report proxies that are believed too easily, or not though one is probably there."""
    report.tell(Group.WEB, "proxies", ", ".join(settings.trusted_proxies) or "none is believed")
    networks = [ipaddress.ip_network(proxy, strict=False) for proxy in settings.trusted_proxies]
    for network in networks:
        if network.prefixlen < _WIDEST[network.version]:
            report.fault(
                Group.WEB,
                f"trusted_proxies has {network}: anybody may say that he comes from another address, "
                "so guessing passwords is not slowed down",
                'trusted_proxies = ["…"] in flowfact.toml: the address of the proxy alone',
            )
    others = [host for host, _ in hosts if not _is_loopback(host)]
    if others and not is_tls and networks and all(network.is_loopback for network in networks):
        report.note(
            Group.WEB,
            "only a proxy on this machine is believed (trusted_proxies), but other machines reach the gateway: "
            "behind a proxy elsewhere, all phones count as one address",
            'trusted_proxies = ["127.0.0.0/8", "::1", "<address of the proxy>"] in flowfact.toml',
        )
    if not networks:
        report.note(
            Group.WEB,
            "trusted_proxies is empty: behind a proxy all phones count as one address, and one that guesses slows all",
            'trusted_proxies = ["127.0.0.1"] in flowfact.toml, if a proxy stands before the gateway',
        )
