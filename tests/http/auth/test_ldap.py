"""Logins through a directory: the examples of the guide, as they stand there, with Debian's slapd."""

from __future__ import annotations

import gc
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from radicale_flowfact.http.app import FlowfactApplication
from radicale_flowfact.http.auth import outages
from radicale_flowfact.server.configuration import load_configuration
from tests.clients.tools import missing
from tests.conftest import Agency, Server, serve_application
from tests.device import Device
from tests.server.serving import serving

ROOT = Path(__file__).parents[3]
SLAPD, SLAPADD = (shutil.which(name, path="/usr/sbin:/usr/bin") or "" for name in ("slapd", "slapadd"))
MODULES = Path("/usr/lib/ldap")
SCHEMA = Path("/etc/ldap/schema")
OPENSSL = shutil.which("openssl") or ""

_CONFIGURATION = """\
include {schema}/core.schema
include {schema}/cosine.schema
include {schema}/inetorgperson.schema
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
objectclass ( 1.2.840.113556.1.5.6 NAME 'securityPrincipal' SUP top AUXILIARY MAY sAMAccountName )
modulepath {modules}
moduleload back_mdb.la
moduleload memberof.la
pidfile {folder}/slapd.pid
allow bind_anon_cred
TLSCertificateFile {folder}/cert.pem
TLSCertificateKeyFile {folder}/key.pem
database mdb
suffix "dc=example,dc=com"
rootdn "cn=manager,dc=example,dc=com"
directory {folder}/data
overlay memberof
"""
_TLS_ONLY = "security simple_bind=128\n"  # no password in plain text

_ENTRIES = """\
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ou=Personen,dc=example,dc=com
objectClass: organizationalUnit
ou: Personen

dn: ou=Gruppen,dc=example,dc=com
objectClass: organizationalUnit
ou: Gruppen

dn: cn=gateway,dc=example,dc=com
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: gateway
userPassword: reader's own

"""
_PERSON = """\
dn: cn={login},ou=Personen,dc=example,dc=com
objectClass: inetOrgPerson
objectClass: securityPrincipal
cn: {login}
sn: {login}
uid: {login}
sAMAccountName: {login}
userPassword: {login}'s own
"""
_MEMBER = "memberOf: cn=FLOWFACT mobil,ou=Gruppen,dc=example,dc=com\n"  # the overlay does it, but not for slapadd
_GROUP = """
dn: cn=FLOWFACT mobil,ou=Gruppen,dc=example,dc=com
objectClass: groupOfNames
cn: FLOWFACT mobil
member: cn=anna,ou=Personen,dc=example,dc=com

"""


def examples(language: str) -> list[str]:
    """Return the sections ``[auth]`` of the guide: for Microsoft's directory, and for one with ``uid``."""
    guide = (ROOT / f"docs/{language}/ldap.md").read_text(encoding="utf-8")
    return [block for block in re.findall(r"```ini\n(.*?)```", guide, re.DOTALL) if block.startswith("[auth]\n")]


@dataclass(frozen=True)
class Directory:
    """A running slapd: its port, and the folder with its data, certificate and log."""

    port: int
    folder: Path

    @property
    def refused(self) -> int:
        """How many passwords the directory has refused."""
        return (self.folder / "slapd.log").read_text(encoding="utf-8").count(" err=49 ")

    def section(self, example: str) -> str:
        """Return an example of the guide, with this directory's address and files."""
        example = re.sub(r"(?m)^ldap_uri = .*$", f"ldap_uri = ldap://localhost:{self.port}", example)
        example = re.sub(r"(?m)^ldap_ssl_ca_file = .*$", f"ldap_ssl_ca_file = {self.folder}/cert.pem", example)
        return re.sub(r"(?m)^ldap_secret_file = .*$", f"ldap_secret_file = {self.folder}/secret", example)


@pytest.fixture
def directory(tmp_path: Path, unused_tcp_port_factory: Callable[[], int]) -> Iterator[Directory]:
    """Run slapd with Anna, who is in the group, and Ben, who is not; it takes passwords over TLS only."""
    if find_spec("ldap3") is None:  # importing it warns of its age
        missing("ldap3 is not installed: pip install -e '.[ldap]'")
    if not (SLAPD and SLAPADD and OPENSSL and MODULES.is_dir() and SCHEMA.is_dir()):
        missing("slapd or openssl is not installed: apt-get install slapd openssl")
    made = Directory(unused_tcp_port_factory(), tmp_path / "ldap")
    (made.folder / "data").mkdir(parents=True)
    (made.folder / "secret").write_text("reader's own\n", encoding="utf-8")
    certify(made.folder)
    file = made.folder / "slapd.conf"
    text = _CONFIGURATION.format(schema=SCHEMA, modules=MODULES, folder=made.folder)
    file.write_text(text, encoding="utf-8")
    anna, ben = (_PERSON.format(login=login) for login in ("anna", "ben"))
    entries = f"{_ENTRIES}{anna}{_MEMBER}\n{ben}{_GROUP}"
    subprocess.run([SLAPADD, "-f", str(file)], input=entries, text=True, check=True, capture_output=True)  # noqa: S603
    file.write_text(text + _TLS_ONLY, encoding="utf-8")
    with (made.folder / "slapd.log").open("wb") as log:
        command = [SLAPD, "-f", str(file), "-h", f"ldap://127.0.0.1:{made.port}", "-d", "stats"]
        with subprocess.Popen(command, stdout=log, stderr=log) as process:  # noqa: S603
            wait_until_it_listens(made)
            yield made
            process.terminate()


def certify(folder: Path) -> None:
    """Make a certificate for ``localhost`` that vouches for itself."""
    command = [OPENSSL, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(folder / "key.pem")]
    subprocess.run([*command, "-out", str(folder / "cert.pem")], check=True, capture_output=True)  # noqa: S603


def wait_until_it_listens(directory: Directory) -> None:
    """Wait for slapd."""
    for _ in range(100):
        if "slapd starting" in (directory.folder / "slapd.log").read_text(encoding="utf-8"):
            return
        time.sleep(0.05)
    pytest.fail("slapd does not start")


@dataclass(frozen=True)
class Asked:
    """A gateway that asks the directory."""

    port: int
    directory: Directory

    def status(self, login: str, password: str, home: str = "") -> int:
        """Return what the gateway answers to a PROPFIND of the address book."""
        device = Device(f"http://127.0.0.1:{self.port}", home or login)
        return (
            replace(device, login=login, password=password)
            .propfind(f"/{home or login}/addresses/", "<getetag/>")
            .status
        )


@pytest.fixture(params=[0, 1], ids=["sAMAccountName", "uid"])
def asked(
    agency: Agency, server: Server, directory: Directory, unused_tcp_port: int, request: pytest.FixtureRequest
) -> Iterator[Asked]:
    """Serve with an example of the guide."""
    server.write_configuration()
    use(server, directory.section(examples("en")[request.param]))
    with serving(server, [unused_tcp_port]):
        yield Asked(unused_tcp_port, directory)


def use(server: Server, section: str) -> None:
    """Put a section ``[auth]`` in place of the server's own."""
    text = re.sub(r"(?s)\[auth\].*?(?=\[rights\])", lambda _: section, server.config.read_text(encoding="utf-8"))
    server.config.write_text(text, encoding="utf-8")


def test_both_languages_have_the_same_examples() -> None:
    assert len(examples("en")) == 2
    assert examples("de") == examples("en")


def test_who_is_in_the_group_gets_in_with_his_password(asked: Asked) -> None:
    """A login without a password is refused, though this directory takes it as nobody's (RFC 4513 §5.1.2).

    A phone that goes on with an old password does not lock the account: each worker asks the directory once.
    """
    assert asked.status("anna", "anna's own") == 207
    assert asked.status("Anna", "anna's own", home="anna") == 207
    assert asked.status("anna", "") == 401
    assert asked.status("ben", "ben's own") == 401
    assert asked.status("*", "anna's own") == 401
    refused = asked.directory.refused
    for _ in range(12):
        assert asked.status("anna", "anna's former") in (401, 429)
    assert 1 <= asked.directory.refused - refused <= 2


@pytest.mark.parametrize("what", ["authority", "name"])
def test_a_directory_whose_certificate_does_not_hold_is_not_asked(
    agency: Agency, server: Server, directory: Directory, unused_tcp_port: int, what: str
) -> None:
    server.write_configuration()
    section = directory.section(examples("en")[0])
    other = directory.folder / "other"
    other.mkdir()
    certify(other)
    wrong = {"authority": ("/cert.pem", "/other/cert.pem"), "name": ("localhost", "127.0.0.1")}
    use(server, section.replace(*wrong[what]))
    with serving(server, [unused_tcp_port]):
        assert Asked(unused_tcp_port, directory).status("anna", "anna's own") == 503
    assert "BIND dn=" not in (directory.folder / "slapd.log").read_text(encoding="utf-8")


def test_a_directory_that_is_away_is_no_wrong_password(
    agency: Agency, server: Server, directory: Directory, unused_tcp_port_factory: Callable[[], int]
) -> None:
    """A phone that is told 401 asks its user for another password."""
    server.write_configuration()
    use(server, replace(directory, port=unused_tcp_port_factory()).section(examples("en")[0]))
    port = unused_tcp_port_factory()
    with serving(server, [port]):
        assert Asked(port, directory).status("anna", "anna's own") == 503


@pytest.fixture
def silent_directory() -> Iterator[int]:
    """Give the port of a directory that takes connections and answers nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        yield listening.getsockname()[1]


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")  # ldap3 uses old names of pyasn1,
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # and leaves the socket of a failed question to the collector
def test_a_directory_that_does_not_answer_is_waited_for_only_so_long(
    agency: Agency, server: Server, silent_directory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if find_spec("ldap3") is None:
        missing("ldap3 is not installed: pip install -e '.[ldap]'")
    if not OPENSSL:
        missing("openssl is not installed: apt-get install openssl")
    certify(server.folder)
    monkeypatch.setattr(outages, "_ANSWER", 1)
    server.write_configuration()
    (server.folder / "secret").write_text("reader's own\n", encoding="utf-8")
    use(server, Directory(silent_directory, server.folder).section(examples("en")[0]))
    begun = time.monotonic()
    with serve_application(FlowfactApplication(load_configuration(server.config))) as base:
        device = Device(base, "anna", password="anna's own")  # noqa: S106 - the tests' own
        assert device.propfind("/anna/addresses/", "<getetag/>").status == 503
    assert 0.9 < time.monotonic() - begun < 20
    gc.collect()
