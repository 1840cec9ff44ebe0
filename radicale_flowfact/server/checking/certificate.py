"""Checks the certificate and key of ``[server] ssl = True``: readable, a pair, valid now, and with names in it."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from radicale_flowfact.dav.admin.checking.findings import Group, Report

_SOON = timedelta(days=21)
_LONGEST = timedelta(days=825)
"""Apple's devices refuse a certificate that is valid for longer (support.apple.com/HT210176)."""
_LEAST_BITS = 2048
_RENEW = "renew it, then restart the gateway; phones say nothing but that they cannot connect"


def check_certificate(certificate: Path, key: Path, report: Report, now: datetime | None = None) -> None:
    """Report what phones would refuse, and what keeps the server from starting. ``now``: the present moment."""
    chain = _chain(certificate, report)
    private = _key(key, report)
    if not chain:
        return
    try:
        _check_leaf(certificate, key, chain, private, now or datetime.now(UTC), report)
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension):
        text = f"the certificate {certificate} has parts that are broken or of no use to phones"
        report.fault(Group.WEB, text, "make a new key and certificate")


def _check_leaf(
    certificate: Path,
    key: Path,
    chain: Sequence[x509.Certificate],
    private: PrivateKeyTypes | None,
    now: datetime,
    report: Report,
) -> None:
    """Report what is wrong with the server's own certificate. Raises ValueError or the library's own errors."""
    leaf = chain[0]
    report.tell(Group.WEB, "certificate", f"{', '.join(_names(leaf)) or 'no names'}, until {_day(leaf)}")
    _check_dates(leaf, now, report)
    _check_names(leaf, report)
    _check_kind(leaf, report)
    if len(chain) == 1 and leaf.issuer != leaf.subject:
        report.note(
            Group.WEB,
            f"{certificate} holds the certificate alone: phones do not know who issued it",
            "use the file with the whole chain, such as fullchain.pem",
        )
    if leaf.issuer == leaf.subject:
        report.note(
            Group.WEB,
            "the certificate is self-signed: each phone must be told to trust it, and many programs never do",
            "take one of an authority that phones know, such as Let's Encrypt, or your own authority's",
        )
    if private is not None and _public(private) != leaf.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    ):
        report.fault(
            Group.WEB,
            f"the key {key} does not belong to the certificate {certificate}",
            "name the pair that was made together: [server] certificate and key",
        )


def _chain(path: Path, report: Report) -> list[x509.Certificate]:
    data = _read(path, "certificate", report)
    if data is None:
        return []
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError:
        report.fault(
            Group.WEB,
            f"{path} holds no certificate in PEM form",
            "it begins with -----BEGIN CERTIFICATE-----; convert another form with openssl x509",
        )
        return []


def _key(path: Path, report: Report) -> PrivateKeyTypes | None:
    data = _read(path, "key", report)
    if data is None:
        return None
    if os.name != "nt" and (mode := stat.S_IMODE(path.stat().st_mode)) & stat.S_IROTH:
        text = f"everybody on this machine may read the key {path} (mode {mode:03o})"
        report.note(Group.WEB, text, f"chmod 640 {path}")
    try:
        return serialization.load_pem_private_key(data, password=None)
    except TypeError:  # it has a password
        report.fault(
            Group.WEB,
            f"the key {path} is locked with a password, which nobody can type when the server starts",
            f"openssl pkey -in {path} -out new.key.pem takes it off; protect the file by its rights",
        )
    except (ValueError, UnsupportedAlgorithm):
        report.fault(Group.WEB, f"{path} holds no private key in PEM form", "[server] key names the file with the key")
    return None


def _read(path: Path, option: str, report: Report) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        text = f"[server] {option}: there is no file {path}"
    except OSError as error:
        text = f"[server] {option}: {path} cannot be read: {error.strerror}"
    report.fault(Group.WEB, text, f"[server] {option} = … names it; the user that the gateway runs as must read it")
    return None


def _public(private: PrivateKeyTypes) -> bytes:
    return private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _day(leaf: x509.Certificate) -> str:
    return f"{leaf.not_valid_after_utc:%d.%m.%Y}"


def _check_dates(leaf: x509.Certificate, now: datetime, report: Report) -> None:
    begins, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if ends < now:
        report.fault(Group.WEB, f"the certificate expired on {_day(leaf)}", _RENEW)
    elif begins > now:
        text = f"the certificate is not valid before {begins:%d.%m.%Y %H:%M} UTC"
        report.fault(Group.WEB, text, "correct the clock of this machine, or wait")
    elif ends - now < _SOON:
        report.note(Group.WEB, f"the certificate expires on {_day(leaf)}, in {(ends - now).days} days", _RENEW)
    if ends - begins > _LONGEST:
        report.note(
            Group.WEB,
            f"the certificate is valid for {(ends - begins).days} days: iPhones, iPads and Macs refuse more than 825",
            "make one that is valid for a shorter time",
        )


def _names(leaf: x509.Certificate) -> list[str]:
    """Return the host names and addresses that it is for; a common name alone counts for no phone (RFC 9525 §6)."""
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    hosts = found.get_values_for_type(x509.DNSName)
    return [*hosts, *(str(address) for address in found.get_values_for_type(x509.IPAddress))]


def _check_names(leaf: x509.Certificate, report: Report) -> None:
    if not _names(leaf):
        report.fault(
            Group.WEB,
            "the certificate names no host (subject alternative name): every phone refuses it",
            "make one with the name that phones use, such as dav.example.com",
        )


def _check_kind(leaf: x509.Certificate, report: Report) -> None:
    public = leaf.public_key()
    if isinstance(public, RSAPublicKey) and public.key_size < _LEAST_BITS:
        text = f"the certificate's key has {public.key_size} bits: phones refuse less than {_LEAST_BITS}"
        report.fault(Group.WEB, text, "make a new key and certificate")
    try:
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & set(usage):
        report.fault(
            Group.WEB, "the certificate is not made for servers (extended key usage)", "make one for a web server"
        )
