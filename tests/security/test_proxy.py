"""The nginx configuration of the packaging works as it stands there: real nginx, TLS, a real sync."""

from __future__ import annotations

import base64
import http.client
import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests import payloads
from tests.clients.tools import missing
from tests.conftest import Agency, Server

ROOT = Path(__file__).parents[2]
NGINX = (
    os.environ.get("FLOWFACT_NGINX") or shutil.which("nginx", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin") or ""
)
OPENSSL = shutil.which("openssl") or ""


def configuration(folder: Path, base: str, port: int) -> str:
    """Return nginx's configuration: the file of the packaging with this test's port, certificate and gateway."""
    made = (ROOT / "packaging/nginx.conf").read_text(encoding="utf-8")
    made = made.replace("    listen [::]:443 ssl;\n", "").replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    made = made.replace("http://127.0.0.1:5232", base)
    made = re.sub(r"/etc/letsencrypt/live/dav.example.com/(\w+)\.pem", rf"{folder}/\1.pem", made)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    user = "user root; " if os.name != "nt" and os.geteuid() == 0 else ""  # else its workers cannot write there
    head = f"{user}daemon off; pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\n"
    return f"{head}http {{\naccess_log off;\n{temporary}{made}}}\n"


@pytest.fixture
def proxy(agency: Agency, server: Server, tmp_path: Path, unused_tcp_port: int) -> Iterator[int]:
    if not NGINX or not OPENSSL:
        missing("nginx or openssl is not installed: apt-get install nginx openssl")
    agency.office.address([agency.own], NAME="Muster")
    server.start()
    command = [OPENSSL, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=dav.example.com"]
    command += ["-keyout", str(tmp_path / "privkey.pem"), "-out", str(tmp_path / "fullchain.pem")]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    file = tmp_path / "nginx.conf"
    file.write_text(configuration(tmp_path, server.base, unused_tcp_port), encoding="utf-8")
    with subprocess.Popen([NGINX, "-p", str(tmp_path), "-c", str(file)], stderr=subprocess.DEVNULL) as process:  # noqa: S603
        wait_until_it_listens(unused_tcp_port)
        yield unused_tcp_port
        process.terminate()


def wait_until_it_listens(port: int) -> None:
    """Wait for nginx."""
    for _ in range(100):
        try:
            ask(port, "OPTIONS", "/")
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("nginx does not listen")


def ask(
    port: int, method: str, path: str, body: bytes = b"", login: str = "anna:pw", **headers: str
) -> tuple[int, str, dict[str, str]]:
    """Send a request through the proxy; return status, body and headers."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=60)
    credentials = base64.b64encode(login.encode()).decode()
    sent = {"Authorization": f"Basic {credentials}", "Depth": "1", "Host": "dav.example.com"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, {**sent, **named})
    answer = connection.getresponse()
    found = answer.status, answer.read().decode("utf-8", "replace"), dict(answer.headers)
    connection.close()
    return found


def test_a_device_syncs_through_nginx(proxy: int) -> None:
    card = payloads.vcard("x/ä %2F")
    path = f"/anna/addresses/{quote('a b ä %41.vcf')}"
    assert ask(proxy, "PUT", path, card.encode(), Content_Type="text/vcard; charset=utf-8")[0] == 201
    status, told, _ = ask(proxy, "PROPFIND", "/anna/addresses/")
    assert status == 207
    assert path in told
    assert ask(proxy, "GET", path)[1] == card
    assert ask(proxy, "DELETE", path)[0] == 200


def test_nginx_tells_who_asks_and_believes_no_client(proxy: int) -> None:
    """Failed logins count for the address that nginx saw, whatever the client says."""
    told = [ask(proxy, "GET", "/", login="anna:no", X_Forwarded_For=f"192.0.2.{number}") for number in range(4)]
    assert [status for status, *_ in told] == [401, 401, 401, 429]
    assert told[-1][2]["Retry-After"] == "1"


def test_a_client_cannot_say_where_the_gateway_lies(proxy: int) -> None:
    told = ask(proxy, "PROPFIND", "/anna/addresses/", X_Script_Name="/evil")
    assert told[0] == 207
    assert "/evil" not in told[1]


def test_the_metrics_are_not_passed_on_and_the_health_is(proxy: int) -> None:
    assert ask(proxy, "GET", "/.flowfact/metrics")[0] == 404
    assert ask(proxy, "GET", "/.flowfact/health")[0] == 200


def test_bodies_are_bounded(proxy: int) -> None:
    assert ask(proxy, "PUT", "/anna/addresses/x.vcf", b"x" * 5_000_000)[0] == 409
    try:
        status = ask(proxy, "PUT", "/anna/addresses/x.vcf", b"x" * 21_000_000)[0]
    except OSError:  # it answered and closed before all was sent
        status = 413
    assert status == 413


def test_apple_devices_are_led_to_the_start_by_https(proxy: int) -> None:
    status, _, headers = ask(proxy, "PROPFIND", "/.well-known/caldav")
    assert (status, headers["Location"]) in ((301, "/"), (301, "https://dav.example.com/"))
    status, profile, _ = ask(proxy, "GET", "/.mobileconfig")
    assert status == 200
    assert "dav.example.com" in profile
    assert "<key>CalDAVUseSSL</key>\n\t\t\t<true/>" in profile
