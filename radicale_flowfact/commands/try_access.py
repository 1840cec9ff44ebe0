"""The command ``try``: the way that a phone goes to the gateway, from outside, step by step."""

from __future__ import annotations

import getpass
import http.client
import ipaddress
import ssl
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.markup import escape

from radicale_flowfact.commands import try_client, try_dav
from radicale_flowfact.commands.shared import console, errors
from radicale_flowfact.commands.sheet import root_of
from radicale_flowfact.commands.try_client import Answer, Client, Place
from radicale_flowfact.commands.try_dav import StepError
from radicale_flowfact.database.secrets import masked, remember
from radicale_flowfact.language.texts import _
from radicale_flowfact.settings import SettingsError

_MOST_REDIRECTS = 5
_SOON = 14  # days
_EXPIRED, _NOT_YET, _OTHER_NAME = {10}, {9}, {62, 64}
_SELF_SIGNED, _CHAIN = {18, 19}, {2, 20, 21}
"""Numbers of OpenSSL's verification (X509_V_ERR_…)."""


def try_access(
    address: Annotated[str, typer.Argument(help="How phones reach the gateway: https://dav.example.com/")],
    login: Annotated[str, typer.Argument(help="The login to try.")],
    authority: Annotated[
        Path | None, typer.Option("--ca-file", help="Trust this certificate authority too, as phones with it do.")
    ] = None,
) -> None:
    """Go the way that a phone goes, from outside: name, certificate, redirects, login, collections, items, profile.

    Best run where phones are: outside of the office. Asks for the password, or reads it from standard input. Each step
    is a line, with what to do if it failed. It changes nothing. Exit status 1 if a step failed.
    """
    try:
        root = root_of(address)
        context = ssl.create_default_context(cafile=None if authority is None else str(authority))
        if authority is not None:
            context.load_default_certs()
    except SettingsError as error:
        errors.print(escape(str(error).removeprefix("--address ")), style="red")
        raise typer.Exit(2) from error
    except OSError as error:
        errors.print(escape(_("{file} is no certificate that can be read").format(file=authority)), style="red")
        raise typer.Exit(2) from error
    password = _password()
    remember(password)
    attempt = Attempt(root, Client(context, (login, password)))
    attempt.run()
    if attempt.failed:
        raise typer.Exit(1)


def _password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass(_("Password: "))
    return sys.stdin.readline().rstrip("\r\n")


class Attempt:
    """One way to the gateway. ``failed`` counts the steps that failed."""

    def __init__(self, root: str, client: Client) -> None:
        self._root = root
        self._client = client
        self._is_near = False
        self.failed = 0

    def run(self) -> None:
        """Take every step that the ones before allow, and print each."""
        place = Place.of(self._root)
        if not (self._step(_("name"), lambda: self._name(place)) and self._step(_("port"), lambda: self._port(place))):
            return
        if place.scheme == "http":
            self._fail("TLS", StepError(_("http:// is not encrypted: iPhone and Mac refuse to log in, and anybody on "
                                          "the way can read the password"),
                                        _("take a certificate, and https:// (by the gateway or a proxy)")))  # fmt: skip
            if not self._is_near:
                self._skip(_("the password is sent only where the certificate is good"))
                return
        elif not self._step("TLS", lambda: self._tls(place)):
            self._skip(_("the password is sent only where the certificate is good"))
            return
        for service in ("caldav", "carddav"):
            self._step(f".well-known/{service}", partial(self._well_known, service))
        if not self._step(_("redirects"), self._follow) or not self._step(_("log in"), self._login):
            return
        try:
            for name, error in try_dav.walk(self._client, self._root, self._tell):
                self._fail(name, error)
        except (StepError, OSError, http.client.HTTPException) as error:
            self._fail(_("discovery"), _as_step(error))

    def _tell(self, name: str, found: str) -> None:
        console.print(escape(masked(f"ok      {name}: {found}")))

    def _fail(self, name: str, error: StepError) -> None:
        self.failed += 1
        line = f"{_('FAILED')}  {name}: {error.cause}. {_('Next')}: {error.step}"
        console.print(escape(masked(line)), style="red")

    def _skip(self, why: str) -> None:
        console.print(escape(f"--      {_('the steps behind it are left out')}: {why}"))

    def _step(self, name: str, step: Callable[[], str]) -> bool:
        try:
            self._tell(name, step())
        except (StepError, OSError, http.client.HTTPException) as error:
            self._fail(name, _as_step(error))
            return False
        return True

    def _name(self, place: Place) -> str:
        try:
            found = try_client.addresses(place.host, place.port, self._client.connect_seconds)
        except OSError as error:
            raise StepError(
                _("{host} is no name that can be found ({error})").format(
                    host=place.host, error=error.strerror or error
                ),
                _("make the DNS record of this name (A or AAAA, or DynDNS), or correct the address"),
            ) from error
        told = ", ".join(found)
        self._is_near = all(_is_inner(one) for one in found)
        if self._is_near:
            return _("{host} has the address {told}: only within this network or by VPN").format(
                host=place.host, told=told
            )
        return _("{host} has the address {told}").format(host=place.host, told=told)

    def _port(self, place: Place) -> str:
        found = try_client.addresses(place.host, place.port, self._client.connect_seconds)
        faults = {one: try_client.reaches(one, place.port, self._client.connect_seconds) for one in found[:4]}
        told = ", ".join(f"{one} ({fault})" for one, fault in faults.items() if fault)
        if all(faults.values()):
            raise StepError(
                _("nobody answers at port {port}: {told}").format(port=place.port, told=told),
                _(
                    "see whether the proxy or gateway listens there, whether the firewall lets the port in, and "
                    "whether the router passes it on to that machine"
                ),
            )
        if told:
            return _(
                "{port} is open, but not at {told}: take that address out of the DNS, or phones wait for it"
            ).format(port=place.port, told=told)
        return _("{port} is open").format(port=place.port)

    def _tls(self, place: Place) -> str:
        try:
            found, version = try_client.certificate(place, self._client.context, self._client.connect_seconds)
        except ssl.SSLCertVerificationError as error:
            raise _certificate_fault(error, place) from error
        except (ssl.SSLError, ConnectionError, TimeoutError) as error:
            raise StepError(
                _("there is no TLS at this port ({error})").format(error=getattr(error, "reason", None) or error),
                _("see [server] ssl in radicale.ini, or listen … ssl in the proxy's configuration; TLS 1.2 or newer"),
            ) from error
        ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(found["notAfter"])), UTC)
        days = (ends - datetime.now(UTC)).days
        told = _("{version}, the certificate fits the name and lasts {days} more days").format(
            version=version, days=days
        )
        return told + (": " + _("renew it now") if days < _SOON else "")

    def _well_known(self, service: str) -> str:
        url = f"{Place.of(self._root)}/.well-known/{service}"
        answer = self._client.send("PROPFIND", url, try_dav.PRINCIPAL, {"Depth": "0"}, with_login=False)
        if answer.status in (207, 401):
            return _("is answered itself")
        if not answer.location:
            raise StepError(
                _("/.well-known/{service} is answered {status}").format(service=service, status=answer.status),
                _("let the proxy pass /.well-known/ on, or redirect it to {root}: Apple devices ask there").format(
                    root=self._root
                ),
            )
        self._require_here(answer)
        if _as_folder(answer.location) != self._root:
            raise StepError(
                _("/.well-known/{service} leads to {url}, not to {root}").format(
                    service=service, url=answer.location, root=self._root
                ),
                _("redirect it to {root}").format(root=self._root),
            )
        return _("leads to {place}").format(place=answer.location)

    def _follow(self) -> str:
        """Follow redirects of the root, as phones do; what is tried from then on is where they end."""
        led: list[str] = []
        for _number in range(_MOST_REDIRECTS + 1):
            answer = self._client.send("PROPFIND", self._root, try_dav.PRINCIPAL, {"Depth": "0"}, with_login=False)
            if not answer.location:
                if answer.status not in (401, 207):
                    raise try_dav.unexpected(answer, urlsplit(self._root).path)
                return _("leads to {place}").format(place=led[-1]) if led else _("none")
            self._require_here(answer)
            self._root = _as_folder(answer.location)
            led.append(self._root)
        raise StepError(
            _("the redirects do not end: {urls}").format(urls=" → ".join(led[:3])), _("see the proxy's configuration")
        )

    def _require_here(self, answer: Answer) -> None:
        """Raise StepError for a redirect that leaves the place that was asked; to https from http is right."""
        here, there = Place.of(self._root), Place.of(answer.location)
        if there == here or (here.scheme, there.scheme, here.host) == ("http", "https", there.host):
            return
        raise StepError(_("a redirect leads to {url}").format(url=answer.location), try_dav.proxy_step())

    def _login(self) -> str:
        login, password = self._client.credentials
        if not password:
            raise StepError(_("there is no password"), _("type it, or send it to standard input"))
        answer = self._client.send("PROPFIND", self._root, try_dav.PRINCIPAL, {"Depth": "0"})
        if answer.status == 207:
            return _("{login} gets in").format(login=login)
        if answer.status != 401:
            raise try_dav.unexpected(answer, _("the login"))
        if "flowfact-authorization" not in answer.headers:
            raise StepError(
                _("the password does not reach the gateway: the proxy drops Authorization, or asks for a login itself"),
                _("let the proxy pass Authorization on, and take its own login (auth_basic and the like) off"),
            )
        raise StepError(
            _("login or password is wrong"),
            _("radicale-flowfact users password {login}; a login is one of [users] in flowfact.toml").format(
                login=login
            ),
        )


def _certificate_fault(error: ssl.SSLCertVerificationError, place: Place) -> StepError:
    number = error.verify_code
    renew = _("renew it, and restart what speaks TLS")
    if number in _EXPIRED:
        return StepError(_("the certificate has expired"), renew)
    if number in _NOT_YET:
        return StepError(_("the certificate does not count yet"), _("see the clocks of server and of this machine"))
    if number in _OTHER_NAME:
        step = _("take a certificate for {host}, or type the address that the certificate names").format(
            host=place.host
        )
        return StepError(_("the certificate is for another name than {host}").format(host=place.host), step)
    if number in _SELF_SIGNED:
        step = _("take one of a public authority such as Let's Encrypt, or install the office's own on each phone")
        return StepError(_("the certificate is signed by nobody that phones know"), step)
    if number in _CHAIN:
        step = _("let the certificate file hold the whole chain (fullchain.pem), the server's own first")
        return StepError(_("the chain of the certificate is not complete, or its authority is unknown"), step)
    return StepError(_("the certificate is not good: {error}").format(error=error.verify_message), renew)


def _as_step(error: Exception) -> StepError:
    """Return any failure as one with a next step."""
    if isinstance(error, StepError):
        return error
    if isinstance(error, TimeoutError | try_client.TooSlowError):
        return StepError(
            _("there is no answer in time"), _("see whether the gateway runs and has its database; its log says more")
        )
    if isinstance(error, http.client.HTTPException | ssl.SSLError):
        return StepError(
            _("what answers does not speak HTTP here ({error})").format(error=type(error).__name__),
            _("see whether address and port are right, and https:// where TLS is spoken"),
        )
    return StepError(
        _("the connection broke ({error})").format(error=getattr(error, "strerror", None) or error),
        _("see the logs of proxy and gateway"),
    )


def _is_inner(address: str) -> bool:
    return not ipaddress.ip_address(address.partition("%")[0]).is_global


def _as_folder(url: str) -> str:
    return url if url.endswith("/") else f"{url}/"
