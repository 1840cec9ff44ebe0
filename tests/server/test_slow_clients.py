"""Connections that are silent, slow or many cost nobody else anything, and each wait has an end."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace

import pytest

from radicale_flowfact.server.worker import THREADS
from tests.server.raw import SHORT, answer, rest, running, until

HALF = b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nBEGIN:"


def test_bodies_that_stall_take_no_thread_and_end() -> None:
    with running() as server, ExitStack() as stack:
        clients = [stack.enter_context(server.client()) for _ in range(THREADS * 2 + 8)]
        for client in clients:
            client.sendall(HALF)
        started = time.monotonic()
        assert server.ask().endswith(b"GET /")
        assert time.monotonic() - started < 0.9
        assert all(b"408 Request Timeout" in rest(client) for client in clients)
        assert until(lambda: server.worker.bodies.total == 0)


def test_a_body_below_the_least_rate_ends_though_it_never_stalls() -> None:
    with running() as server, server.client() as client:
        client.sendall(HALF)
        started = time.monotonic()
        while until(lambda: False, 0.1) or server.connected():
            try:
                client.sendall(b"x")
            except ConnectionError:
                break
            assert time.monotonic() - started < 8
        assert time.monotonic() - started > 1.5


def test_a_slow_phone_is_waited_for() -> None:
    text = b"PUT /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 6000\r\n\r\n"
    with running() as server, server.client() as client:
        client.sendall(text)
        for _ in range(6):
            time.sleep(0.5)
            client.sendall(b"x" * 1000)
        assert answer(client).endswith(b"PUT /slow")


def test_a_head_that_comes_in_drops_ends() -> None:
    with running() as server, server.client() as client:
        started = time.monotonic()
        with pytest.raises(ConnectionError):  # noqa: PT012 - which byte is the last is not known
            while time.monotonic() - started < 10:
                client.sendall(b"G" if time.monotonic() == started else b"E")
                time.sleep(0.1)
        assert time.monotonic() - started < 5


def test_a_silent_connection_and_an_idle_one_end() -> None:
    with running() as server, server.client() as silent, server.client() as idle:
        idle.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer(idle).endswith(b"GET /")
        assert rest(silent) == b""
        assert rest(idle) == b""
        assert until(lambda: server.connected() == 0)


def test_an_address_with_too_many_connections_loses_its_oldest_and_nobody_elses() -> None:
    limits = replace(SHORT, connections_of_address=10, head_seconds=30)
    with running(limits) as server, ExitStack() as stack:
        other = stack.enter_context(server.client("127.0.0.2"))
        attackers = [stack.enter_context(server.client()) for _ in range(60)]
        assert until(lambda: server.connected() <= 12)
        other.sendall(b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer(other).endswith(b"GET /other")
        assert server.ask().endswith(b"GET /")  # the same address, too: its neighbour is silent, not it
        assert rest(attackers[0]) == b""


def test_many_addresses_with_many_connections_leave_room_for_others() -> None:
    limits = replace(SHORT, connections=40, connections_of_address=10, head_seconds=30)
    with running(limits) as server, ExitStack() as stack:
        for number in range(10, 20):
            for _ in range(9):
                stack.enter_context(server.client(f"127.0.0.{number}"))
        assert until(lambda: server.connected() <= 41)
        assert server.ask(source="127.0.0.2").endswith(b"GET /")


def test_behind_a_trusted_proxy_no_address_is_bounded_but_all_together_are() -> None:
    limits = replace(SHORT, connections=40, connections_of_address=10, head_seconds=30)
    with running(limits, ["127.0.0.0/8"]) as server, ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(server.client())
        assert until(lambda: server.connected() == 30)
        for _ in range(30):
            stack.enter_context(server.client())
        assert server.ask().endswith(b"GET /")
        assert server.connected() <= 41


def test_one_address_leaves_threads_for_others() -> None:
    with running() as server, ExitStack() as stack:
        for _ in range(THREADS * 2):
            stack.enter_context(server.client()).sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        assert until(lambda: len(server.application.asked) >= 12)
        assert server.ask(source="127.0.0.2").endswith(b"GET /")
        server.application.gate.set()
        assert until(lambda: len(server.application.asked) == THREADS * 2 + 1)


def test_an_answer_that_nobody_takes_ends_and_its_memory_is_free() -> None:
    with running() as server, ExitStack() as stack:
        server.application.size = 20_000_000
        client = stack.enter_context(server.client())
        client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert until(lambda: any(connection.unsent for connection in server.worker._connections))
        assert until(lambda: server.connected() == 0)
        assert len(rest(client)) < 20_000_000


def test_answers_that_nobody_takes_are_bounded_together() -> None:
    limits = replace(SHORT, stall_seconds=30, grace_seconds=30, answers=60_000_000)
    with running(limits) as server, ExitStack() as stack:
        server.application.size = 10_000_000
        for _ in range(12):
            stack.enter_context(server.client()).sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert until(lambda: len(server.application.asked) == 12)
        assert until(lambda: sum(c.unsent for c in list(server.worker._connections)) <= 15_000_000)


def test_a_large_answer_that_is_taken_slowly_arrives_whole() -> None:
    with running() as server, server.client() as client:
        server.application.size = 6_000_000
        client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.5)
        assert len(answer(client)) > 6_000_000
        client.sendall(b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer(client).endswith(b"GET /next")


def test_large_bodies_are_on_disk_and_all_together_bounded() -> None:
    limits = replace(SHORT, body_in_memory=10_000, bodies_in_memory=30_000, bodies=400_000)
    with running(limits) as server, ExitStack() as stack:
        body = bytes(range(256)) * 360
        with server.client() as client:
            client.sendall(b"PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            assert answer(client).endswith(b"PUT /b")
        assert server.application.asked[-1]["body"] == body
        head = b"PUT /c HTTP/1.1\r\nHost: x\r\nContent-Length: 99000\r\n\r\n"
        clients = [stack.enter_context(server.client()) for _ in range(3)]
        for client in clients:
            client.sendall(head + b"x" * 40_000)
        assert until(lambda: b"503 Service Unavailable" in b"".join(map(_peeked, clients)))
        assert server.worker.bodies.in_memory <= 30_000
        small = b"PUT /d HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n" + b"x" * 9000
        with server.client("127.0.0.2") as other:
            other.sendall(small)
            assert answer(other).endswith(b"PUT /d")
    assert (server.worker.bodies.total, server.worker.bodies.in_memory) == (0, 0)


def _peeked(client: object) -> bytes:
    import socket

    assert isinstance(client, socket.socket)
    client.setblocking(False)
    try:
        return client.recv(1000, socket.MSG_PEEK)
    except OSError:
        return b""
