"""``try`` goes the way of a phone: through a real nginx with TLS, and each deliberate fault is named with its cure."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clients.tools import missing
from tests.commands.test_commands import run
from tests.conftest import Agency, Server
from tests.security.test_proxy import NGINX

OPENSSL = shutil.which("openssl") or ""
HOST = "localhost"


def openssl(folder: Path, *arguments: str) -> None:
    """Run openssl in a folder."""
    subprocess.run([OPENSSL, *arguments], check=True, capture_output=True, cwd=folder)  # noqa: S603


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate authority and certificates of each sort; return their folder."""
    if not NGINX or not OPENSSL:
        missing("nginx or openssl is not installed: apt-get install nginx openssl")
    folder = tmp_path_factory.mktemp("keys")
    new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes")
    openssl(folder, *new, "-days", "30", "-subj", "/CN=office", "-keyout", "ca.key", "-out", "ca.pem")
    openssl(folder, *new, "-days", "30", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}",
            "-keyout", "self.key", "-out", "self.pem")  # fmt: skip
    for name, host, days in (("good", HOST, "30"), ("other", "dav.example.com", "30"), ("old", HOST, "-1")):
        (folder / "san").write_text(f"subjectAltName=DNS:{host}\n", encoding="utf-8")
        openssl(folder, "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={host}",
                "-keyout", f"{name}.key", "-out", "request")  # fmt: skip
        openssl(folder, "x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", days, "-extfile", "san", "-out", f"{name}.pem")  # fmt: skip
    return folder


_PASSED_ON = """\
proxy_set_header Host $http_host;
proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Forwarded-Proto $scheme;
"""


@contextmanager
def proxied(folder: Path, keys: Path, base: str, port: int, *, key: str = "good", passed: str = _PASSED_ON,
            more: str = "") -> Iterator[str]:  # fmt: skip
    """Run nginx in front of the gateway; give its address."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"user root; daemon off; pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\n"
        f"http {{ access_log off; {temporary} server {{\nlisten 127.0.0.1:{port} ssl;\n"
        f"ssl_certificate {keys}/{key}.pem; ssl_certificate_key {keys}/{key}.key;\n"
        f"{more}\nlocation / {{ proxy_pass {base};\n{passed} }} }} }}\n",
        encoding="utf-8",
    )
    with subprocess.Popen([NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")]) as process:  # noqa: S603
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        try:
            yield f"https://{HOST}:{port}/"
        finally:
            process.terminate()


@pytest.fixture
def gateway(agency: Agency, server: Server) -> Server:
    """Serve an agency with one record of each sort."""
    agency.office.address([agency.own], NAME="Muster")
    agency.appointment()
    agency.task()
    return server.start()


def attempt(address: str, keys: Path, login: str = "anna", password: str = "pw") -> tuple[int, str]:  # noqa: S107
    """Run ``try``; return exit status and what it says, and fail if that has the password in it."""
    done = run("try", address, login, "--ca-file", str(keys / "ca.pem"), given=f"{password}\n")
    told = done.stdout + done.stderr
    assert "Traceback" not in told
    assert password in ("", "pw") or password not in told  # what is so short is in any text
    return done.returncode, told


def test_a_good_way_is_ok_step_by_step(gateway: Server, keys: Path, tmp_path: Path, unused_tcp_port: int) -> None:
    with proxied(tmp_path, keys, gateway.base, unused_tcp_port) as address:
        status, told = attempt(address, keys, "Anna ")
        assert status == 0, told
        lines = told.splitlines()
        assert all(line.startswith("ok ") for line in lines), told
        steps = [line.removeprefix("ok").strip().partition(":")[0] for line in lines]
        collections = ["FLOWFACT", "FLOWFACT Termine", "FLOWFACT Aufgaben"]
        assert steps == [
            *("name", "port", "TLS", ".well-known/caldav", ".well-known/carddav", "redirects", "log in"),
            *("principal", "homes", "address books and calendars", *collections, "profile"),
        ]
        assert told.count("one item was read") == 3
        assert "lasts 29 more days" in told
        assert f"leads to https://{HOST}:{unused_tcp_port}" in told


def test_it_changes_nothing(agency: Agency, gateway: Server, keys: Path) -> None:
    before = agency.office.everything()
    assert attempt(f"{gateway.base}/", keys)[0] == 1
    assert agency.office.everything() == before


_FAULTS = {
    "certificate for another name": ({"key": "other"}, "FAILED  TLS", "for another name than localhost"),
    "certificate expired": ({"key": "old"}, "FAILED  TLS", "has expired. Next: renew it"),
    "self-signed": ({"key": "self"}, "FAILED  TLS", "signed by nobody that phones know"),
    "no well-known": (
        {"more": "location /.well-known/ { return 404; }"},
        "FAILED  .well-known/caldav",
        "/.well-known/caldav is answered 404. Next: let the proxy pass /.well-known/ on",
    ),
    "Authorization dropped": (
        {"passed": _PASSED_ON + 'proxy_set_header Authorization "";'},
        "FAILED  log in",
        "the password does not reach the gateway",
    ),
    "no X-Forwarded-Proto": (
        {"passed": "proxy_set_header Host $http_host;"},
        "FAILED  profile",
        "the profile leads to http://localhost",
    ),
    "no Host": (
        {"passed": "proxy_set_header X-Forwarded-Proto $scheme;"},
        "FAILED  profile",
        "let the proxy pass on Host",
    ),
    "a redirect to http": (
        {"more": "location = / { return 301 http://localhost/; }"},
        "FAILED  redirects",
        "a redirect leads to http://localhost",
    ),
    "redirects that do not end": (
        {"more": "location = / { return 301 /x/; } location /x/ { return 301 /; }"},
        "FAILED  redirects",
        "the redirects do not end",
    ),
    "REPORT is not passed on": (
        {"more": "if ($request_method = REPORT) { return 405; }"},
        "FAILED  FLOWFACT",
        "let the proxy pass on every path and method",
    ),
}


@pytest.mark.parametrize("fault", _FAULTS)
def test_each_fault_of_the_proxy_is_named(
    gateway: Server, keys: Path, tmp_path: Path, unused_tcp_port: int, fault: str
) -> None:
    changed, step, words = _FAULTS[fault]
    with proxied(tmp_path, keys, gateway.base, unused_tcp_port, **changed) as address:
        status, told = attempt(address, keys)
    assert status == 1
    failed = [line for line in told.splitlines() if line.startswith("FAILED")]
    assert any(line.startswith(step) and words in line and "Next: " in line for line in failed), told


def test_no_password_goes_where_the_certificate_is_bad(
    gateway: Server, keys: Path, tmp_path: Path, unused_tcp_port: int
) -> None:
    with proxied(tmp_path, keys, gateway.base, unused_tcp_port, key="self") as address:
        told = attempt(address, keys, password="a-Geheimnis")[1]  # noqa: S106 - the tests' own
    assert "the password is sent only where the certificate is good" in told
    assert "log in" not in told


def test_a_wrong_password_a_login_without_access_and_no_gateway(
    gateway: Server, keys: Path, tmp_path: Path, unused_tcp_port: int
) -> None:
    with proxied(tmp_path, keys, gateway.base, unused_tcp_port) as address:
        status, told = attempt(address, keys, password="w-r-o-n-g")  # noqa: S106 - the tests' own
        assert (status, "login or password is wrong. Next: radicale-flowfact users password anna" in told) == (1, True)
        assert "there is no password" in attempt(address, keys, password="")[1]
        users = gateway.folder / "users"
        users.write_text(users.read_text(encoding="utf-8") + "carl:pw\n", encoding="utf-8")
        status, told = attempt(address, keys, "carl")
        assert (status, "the login 'carl' is not mapped" in told) == (1, True)
        gateway.stop()
        status, told = attempt(address, keys)
        assert (status, "is answered 502" in told, "see whether the gateway runs" in told) == (1, True, True)
        gateway.start()


def test_plain_http_is_a_fault_but_the_rest_is_tried_near_by(gateway: Server, keys: Path) -> None:
    status, told = attempt(f"{gateway.base}/", keys)
    assert status == 1
    failed = [line for line in told.splitlines() if line.startswith("FAILED")]
    assert len(failed) == 1
    assert "http:// is not encrypted" in failed[0]
    assert told.count("one item was read") == 3


def test_nobody_there(keys: Path, unused_tcp_port: int) -> None:
    status, told = attempt("https://no-such-name.invalid/", keys)
    assert (status, "is no name that can be found" in told) == (1, True)
    status, told = attempt(f"https://{HOST}:{unused_tcp_port}/", keys)
    assert (status, f"nobody answers at port {unused_tcp_port}" in told) == (1, True)
    assert run("try", "ftp://x/", "anna", given="x\n").returncode == 2
    assert run("try", "https://x/", "anna", "--ca-file", str(keys / "none"), given="x\n").returncode == 2


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH_9.2\r\n", b""])
def test_another_program_at_the_port(keys: Path, said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held = []

        def answer() -> None:
            for _ in range(20):
                try:
                    connection, _peer = listener.accept()
                except OSError:
                    return
                connection.sendall(said)
                if said:
                    connection.close()
                held.append(connection)

        threading.Thread(target=answer, daemon=True).start()
        began = time.monotonic()
        status, told = attempt(f"https://127.0.0.1:{listener.getsockname()[1]}/", keys)
        listener.shutdown(socket.SHUT_RDWR)
        for connection in held:
            connection.close()
    assert (status, "there is no TLS at this port" in told) == (1, True), told
    assert time.monotonic() - began < 40
