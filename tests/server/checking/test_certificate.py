"""What phones would refuse of a certificate, and what keeps the server from starting: real ones, made here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from radicale_flowfact.dav.admin.checking.findings import Report
from radicale_flowfact.server.checking.certificate import check_certificate
from radicale_flowfact.server.worker import tls_context
from tests.server.checking.configured import only

NOW = datetime(2026, 6, 15, 10, 0, tzinfo=UTC)
_TOO_FEW_BITS = 1024
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass
class Authority:
    """Makes certificates. ``key`` is its own."""

    folder: Path
    key: Key

    def make(
        self,
        *,
        names: tuple[str, ...] = ("dav.example.com",),
        begins: datetime = NOW - timedelta(days=10),
        days: int = 100,
        key: Key | None = None,
        usage: x509.ObjectIdentifier | None = None,
        chain: bool = True,
    ) -> Key:
        """Write ``cert.pem`` and ``key.pem``; return the key. ``chain``: with the authority's own behind it."""
        own = key or ec.generate_private_key(ec.SECP256R1())
        built = self._builder("dav.example.com", "Authority", own, begins, days)
        if names:
            general: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
            built = built.add_extension(
                x509.SubjectAlternativeName([*general, x509.IPAddress(IPv4Address("192.0.2.1"))]), critical=False
            )
        if usage is not None:
            built = built.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        leaf = built.sign(self.key, hashes.SHA256())
        root = self._builder("Authority", "Authority", self.key, begins, 800).sign(self.key, hashes.SHA256())
        pem = leaf.public_bytes(Encoding.PEM) + (root.public_bytes(Encoding.PEM) if chain else b"")
        (self.folder / "cert.pem").write_bytes(pem)
        self.write_key(own)
        return own

    def write_key(self, key: Key, password: bytes = b"") -> None:
        """Write ``key.pem``."""
        lock = BestAvailableEncryption(password) if password else NoEncryption()
        file = self.folder / "key.pem"
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
        file.chmod(0o640)

    def _builder(self, name: str, issuer: str, key: Key, begins: datetime, days: int) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + timedelta(days=days))
        )

    def report(self) -> Report:
        """Return what is said of the two files."""
        found = Report()
        check_certificate(self.folder / "cert.pem", self.folder / "key.pem", found, NOW)
        return found


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, ec.generate_private_key(ec.SECP256R1()))


def test_what_phones_take_has_no_finding_and_names_are_told(authority: Authority) -> None:
    authority.make(names=("dav.example.com", "*.example.org"), usage=ExtendedKeyUsageOID.SERVER_AUTH)
    report = authority.report()
    assert (report.faults, report.notes) == ([], [])
    told = dict(report.facts)["certificate"]
    assert told == "dav.example.com, *.example.org, 192.0.2.1, until 13.09.2026"
    tls_context(str(authority.folder / "cert.pem"), str(authority.folder / "key.pem"))  # the server takes it, too


@pytest.mark.parametrize(
    ("begins", "days", "words", "fault"),
    [
        (NOW - timedelta(days=40), 30, "the certificate expired on 05.06.2026", True),
        (NOW + timedelta(days=1), 30, "the certificate is not valid before 16.06.2026 10:00 UTC", True),
        (NOW - timedelta(days=40), 50, "the certificate expires on 25.06.2026, in 10 days", False),
        (NOW - timedelta(days=40), 900, "valid for 900 days", False),
    ],
)
def test_dates(authority: Authority, begins: datetime, days: int, words: str, *, fault: bool) -> None:
    authority.make(begins=begins, days=days)
    only(authority.report(), words, fault=fault)


def test_a_key_of_another_pair_is_a_fault(authority: Authority) -> None:
    authority.make()
    authority.write_key(ec.generate_private_key(ec.SECP256R1()))
    only(authority.report(), "does not belong to the certificate", fault=True)
    authority.write_key(rsa.generate_private_key(65537, 2048))
    only(authority.report(), "does not belong to the certificate", fault=True)


def test_a_locked_key_is_a_fault_and_its_password_is_not_asked_for(authority: Authority) -> None:
    authority.write_key(authority.make(), b"Geh31m")
    only(authority.report(), "is locked with a password", fault=True)


def test_files_that_are_none_are_faults(authority: Authority) -> None:
    report = authority.report()
    only(report, "[server] certificate: there is no file", fault=True)
    only(report, "[server] key: there is no file", fault=True)
    for name in ("cert.pem", "key.pem"):
        (authority.folder / name).write_bytes(b"-----BEGIN NOTHING-----\n")
    report = authority.report()
    only(report, "holds no certificate in PEM form", fault=True)
    only(report, "holds no private key in PEM form", fault=True)
    authority.make()
    (authority.folder / "key.pem").write_bytes((authority.folder / "cert.pem").read_bytes())
    only(authority.report(), "holds no private key in PEM form", fault=True)


def test_what_it_is_made_for(authority: Authority) -> None:
    authority.make(names=(), usage=ExtendedKeyUsageOID.CLIENT_AUTH, chain=False)
    report = authority.report()
    only(report, "names no host", fault=True)
    only(report, "is not made for servers", fault=True)
    only(report, "holds the certificate alone", fault=False)
    authority.make(key=rsa.generate_private_key(65537, _TOO_FEW_BITS))
    only(authority.report(), "has 1024 bits", fault=True)


def test_a_self_signed_one_and_a_readable_key_are_notes(authority: Authority) -> None:
    signed = authority._builder("Authority", "Authority", authority.key, NOW, 100)
    named = signed.add_extension(x509.SubjectAlternativeName([x509.DNSName("dav.example.com")]), critical=False)
    certificate = named.sign(authority.key, hashes.SHA256())
    (authority.folder / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    authority.write_key(authority.key)
    (authority.folder / "key.pem").chmod(0o644)
    report = authority.report()
    assert report.faults == []
    only(report, "self-signed", fault=False)
    assert "chmod 640" in only(report, "everybody on this machine may read the key", fault=False).step


def test_parts_that_cannot_be_read_are_a_fault(authority: Authority) -> None:
    """Names that are none: what any text may hold must not end the check."""
    own = authority.make()
    broken = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"no names")
    built = authority._builder("dav.example.com", "Authority", own, NOW, 90).add_extension(broken, critical=False)
    leaf = built.sign(authority.key, hashes.SHA256())
    (authority.folder / "cert.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
    only(authority.report(), "has parts that are broken", fault=True)
