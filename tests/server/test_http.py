"""HTTP/1.1 as the server speaks it (RFC 9110, RFC 9112), over both ways to wait for sockets and over TLS."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from radicale_flowfact.server.connection import Connection
from radicale_flowfact.server.polling import HandingPoller, Poller, poller
from radicale_flowfact.server.worker import tls_context
from tests.server.raw import SHORT, Running, answer, rest, running

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(params=["own", "handing", "tls"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    """Serve, each way."""
    polling: Poller[Connection | socket.socket] = HandingPoller() if request.param == "handing" else poller()
    tls = _tls(tmp_path) if request.param == "tls" else None
    patient = replace(SHORT, stall_seconds=20.0, grace_seconds=30.0)  # a busy machine is no slow client
    with running(patient, largest_body=100_000, polling=polling, tls=tls) as made:
        yield made


def _tls(folder: Path) -> ssl.SSLContext:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - openssl of the system
    return tls_context(str(folder / "cert.pem"), str(folder / "key.pem"))


def test_a_connection_is_kept_and_requests_may_come_in_parts_or_together(server: Running) -> None:
    with server.client() as client:
        for byte in GET:
            client.sendall(bytes([byte]))
        assert answer(client).endswith(b"GET /a")
        put = b"PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
        client.sendall(put + GET + put[:-2])
        data = b""
        while data.count(b"HTTP/1.1 200 OK") < 2:
            data += client.recv(65536)
        client.sendall(b"bc")
        while data.count(b"HTTP/1.1 200 OK") < 3:
            data += client.recv(65536)
        assert [asked["body"] for asked in server.application.asked[1:]] == [b"abc", b"", b"abc"]


def test_bodies_and_answers_of_megabytes_arrive_whole(server: Running) -> None:
    server.application.size = 5_000_000
    body = bytes(range(256)) * 390
    with server.client() as client:
        client.sendall(b"PUT /large HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert len(answer(client)) > 5_000_000
        assert server.application.asked[0]["body"] == body
        client.sendall(GET)
        assert answer(client).endswith(b"GET /a")


def test_a_connection_ends_as_the_client_wants(server: Running) -> None:
    for text in (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"):
        with server.client() as client:
            client.sendall(text)
            found = rest(client)
            assert b"Connection: close" in found
            assert found.endswith(b"GET /")


def test_a_silent_tls_handshake_ends(server: Running) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        assert rest(client) == b""


def test_100_continue_is_sent_before_the_body(server: Running) -> None:
    with server.client() as client:
        client.sendall(b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert answer(client) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        assert answer(client).endswith(b"PUT /a")


def test_a_body_that_is_too_long_is_answered_unread(server: Running) -> None:
    with server.client() as client:
        client.sendall(b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n")
        found = rest(client)
        assert found.endswith(b"PUT /a")
        assert b"Connection: close" in found
    assert server.application.asked[-1]["body"] == b""


CHUNKED = b"PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_body_in_chunks_is_read_whole(server: Running) -> None:
    with server.client() as client:
        for chunks in (b"3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\nA: b\r\n\r\n", b"0\r\n\r\n"):
            client.sendall(CHUNKED)
            for sent in (chunks[:4], chunks[4:]):
                client.sendall(sent)
            assert answer(client).endswith(b"PUT /a")
        client.sendall(GET)
        assert answer(client).endswith(b"GET /a")
    whole, empty, _ = server.application.asked[-3:]
    assert (whole["body"], whole["CONTENT_LENGTH"], empty["body"]) == (b"abcdefgh", "8", b"")
    assert "HTTP_TRANSFER_ENCODING" not in whole


def test_a_body_in_chunks_has_the_same_bound(server: Running) -> None:
    chunk = b"2710\r\n" + b"a" * 10_000 + b"\r\n"
    with server.client() as client:
        client.sendall(CHUNKED + chunk * 11)
        assert rest(client).startswith(b"HTTP/1.1 413")


def test_a_body_in_another_coding_is_none(server: Running) -> None:
    with server.client() as client:
        client.sendall(CHUNKED.replace(b"chunked", b"gzip, chunked") + b"0\r\n\r\n")
        assert rest(client).startswith(b"HTTP/1.1 501")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", b"400"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 300 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 70_000, b"431"),
        (b"GET /raise HTTP/1.1\r\nHost: x\r\n\r\n", b"500"),
        (b"GET /split HTTP/1.1\r\nHost: x\r\n\r\n", b"500"),
    ],
)
def test_what_cannot_be_read_or_answered_has_its_status(server: Running, text: bytes, status: bytes) -> None:
    with server.client() as client:
        client.sendall(text)
        found = answer(client)
        assert found.startswith(b"HTTP/1.1 " + status), found
        assert b"X-B" not in found
    with server.client() as client:
        client.sendall(GET)
        assert answer(client).endswith(b"GET /a")


def test_what_came_before_nonsense_is_answered(server: Running) -> None:
    with server.client() as client:
        client.sendall(GET + b"nonsense\r\n\r\n")
        found = rest(client)
        assert found.count(b"HTTP/1.1") == 1
        assert found.endswith(b"GET /a")


def test_an_upgrade_that_is_not_taken_up_is_a_request_as_any_other(server: Running) -> None:
    with server.client() as client:
        client.sendall(b"GET /u HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + GET)
        data = b""
        while data.count(b"HTTP/1.1 200 OK") < 2 or not data.endswith(b"GET /a"):
            data += client.recv(65536)
        assert b"GET /u" in data


def test_the_environment_is_that_of_pep_3333(server: Running) -> None:
    text = b"PROPFIND http://x/a%C3%A4/b%2Fc?d=%41 HTTP/1.1\r\nHost: x\r\nDepth: 1\r\nX_Depth: 0\r\n"
    text += b"X-Two: a\r\nX-Two: b\r\nContent-Type: text/xml\r\nContent-Length: 1\r\n\r\n-"
    with server.client() as client:
        client.sendall(text)
        answer(client)
    asked = server.application.asked[0]
    wanted = {
        "REQUEST_METHOD": "PROPFIND",
        "PATH_INFO": "/a\xc3\xa4/b/c",
        "QUERY_STRING": "d=%41",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_PORT": str(server.port),
        "CONTENT_TYPE": "text/xml",
        "CONTENT_LENGTH": "1",
        "HTTP_DEPTH": "1",
        "HTTP_X_TWO": "a,b",
        "wsgi.url_scheme": "https" if server.tls else "http",
    }
    assert {key: asked.get(key) for key in wanted} == wanted
    assert "HTTP_X_DEPTH" not in asked


def test_head_and_204_have_no_body(server: Running) -> None:
    with server.client() as client:
        client.sendall(b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\nGET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" + GET)
        data = b""
        while not data.endswith(b"GET /a"):
            data += client.recv(65536)
        assert data.count(b"HTTP/1.1 2") == 3
        assert b"HEAD /a" not in data
        assert b"/nothing" not in data


def test_requests_that_do_not_wait_for_answers_are_bounded() -> None:
    with running(replace(SHORT, pipelined=4)) as made, made.client() as client:
        client.sendall(GET * 50)
        assert 1 <= rest(client).count(b"HTTP/1.1 200") <= 5


def test_what_is_being_answered_when_the_server_ends_is_answered() -> None:
    with running() as made:
        client = made.client()
        client.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        while not made.application.asked:
            pass
    assert answer(client).endswith(b"GET /wait")
    client.close()
