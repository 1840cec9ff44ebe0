"""Health and metrics over HTTP: what they say, to whom, and that several processes add up."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import timedelta

import pytest
import requests
from sqlalchemy import Column, MetaData, String, Table, select, update

from radicale_flowfact.database.engines import WRITES
from radicale_flowfact.server import workers
from tests import payloads
from tests.conftest import NOW, Agency, Server
from tests.dav.store.deferred.test_syncs import IPHONE, NEWER, later


def get(server: Server, page: str, headers: Mapping[str, str] | None = None) -> requests.Response:
    """Ask for a page without any login."""
    return requests.get(f"{server.base}/.flowfact/{page}", headers=headers, timeout=30)


def numbers(server: Server, headers: Mapping[str, str] | None = None) -> dict[str, float]:
    """Return every number by its name and labels."""
    answer = get(server, "metrics", headers)
    assert answer.status_code == 200, answer.text
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_health_says_ok_to_everybody_and_nothing_else(agency: Agency, server: Server) -> None:
    server.start()
    answer = get(server, "health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["Cache-Control"] == "no-store"
    proxied = get(server, "health", {"X-Forwarded-For": "203.0.113.7", "X-Script-Name": "/dav"})
    assert proxied.status_code == 200
    assert requests.head(f"{server.base}/.flowfact/health", timeout=30).status_code == 200
    assert requests.post(f"{server.base}/.flowfact/health", timeout=30).status_code == 405
    assert get(server, "other").status_code in (401, 403, 404)


def test_health_is_503_with_tables_of_another_version(agency: Agency, server: Server) -> None:
    server.start()
    head = _set_version(server, "9999")
    try:
        answer = get(server, "health")
    finally:
        _set_version(server, head)
    assert (answer.status_code, answer.json()["reason"]) == (503, "the gateway's tables are of another version")
    assert answer.headers["Retry-After"] == "10"


def test_health_is_503_while_the_database_is_away(agency: Agency, server: Server) -> None:
    server.start()
    file = server.folder / "office.sqlite"
    if not file.exists():
        pytest.skip("the database server is not ours to stop")
    server.database.engine.dispose()
    file.rename(file.with_suffix(".away"))
    file.mkdir()  # so that no empty database is made in its place
    try:
        answer, counted = get(server, "health"), numbers(server)
    finally:
        file.rmdir()
        file.with_suffix(".away").rename(file)
    assert (answer.status_code, answer.json()["reason"]) == (503, "the database does not answer")
    assert str(server.folder) not in answer.text
    assert counted["flowfact_database_up"] == 0
    time.sleep(1.1)
    assert get(server, "health").status_code == 200


def _set_version(server: Server, number: str) -> str:
    """Let the gateway's tables say that they are of a version; return what they said before."""
    version = Table("dav_alembic", MetaData(schema=server.database.schema or None), Column("version_num", String))
    with server.database.engine.connect().execution_options(**WRITES) as connection, connection.begin():
        before = str(connection.scalar(select(version.c.version_num)))
        connection.execute(update(version).values(version_num=number))
    return before


def test_metrics_count_what_happens(agency: Agency, server: Server) -> None:
    agency.office.address([agency.own])
    phone = server.start().device(agent=IPHONE)
    phone.all("addresses")
    phone.put("addresses/n.vcf", payloads.vcard("n"), new=True)
    phone.put("addresses/n.vcf", payloads.vcard("n"), new=True)
    phone.put("addresses/m.vcf", payloads.event("m"))
    phone.propfind("", "<CS:getctag/>", depth=1)
    server.gateway.flush()
    found = numbers(server)
    assert found['flowfact_requests_total{collection="addresses",method="REPORT",status="207"}'] == 2
    assert found['flowfact_requests_total{collection="addresses",method="PUT",status="201"}'] == 1
    assert found['flowfact_request_seconds_count{collection="addresses",method="PUT"}'] == 3
    assert found['flowfact_request_seconds_bucket{collection="addresses",le="30.0",method="PUT"}'] == 3
    assert found["flowfact_conflicts_total"] == 1
    assert found['flowfact_refused_writes_total{collection="addresses"}'] == 1
    assert found["flowfact_refreshes_total"] == server.gateway.stats.refreshed
    assert found["flowfact_rendered_items_total"] == server.gateway.stats.rendered > 0
    assert found["flowfact_database_up"] == 1
    assert any(name.startswith("flowfact_build_info{") for name in found)
    synced = {name: value for name, value in found.items() if name.startswith("flowfact_last_sync")}
    assert len(synced) == 3
    name = 'flowfact_last_sync_timestamp_seconds{collection="tasks",device="iOS",login="anna"}'
    assert synced[name] == NOW.timestamp()
    assert not [name for name in found if "created" in name]


def test_an_updated_phone_is_the_same_device(agency: Agency, server: Server) -> None:
    server.start().device(agent=IPHONE).sync("tasks")
    server.gateway.flush()
    later(server, hours=1)
    server.device(agent=NEWER).sync("tasks")
    server.gateway.flush()
    ((_, value),) = [found for found in numbers(server).items() if found[0].startswith("flowfact_last_sync")]
    assert value == (NOW + timedelta(hours=1)).timestamp()


def test_a_safety_stop_is_seen(agency: Agency, server: Server) -> None:
    for _ in range(25):
        agency.office.address([agency.own])
    phone = server.start().device()
    phone.sync("addresses")
    agency.office.remove(agency.office.tables.address_merkmal)
    phone.sync("addresses")
    assert numbers(server)['flowfact_safety_stop{collection="addresses",login="anna"}'] == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Proto": "https"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"X-Real-IP": "127.0.0.1"},
        {"Host": "dav.example.com"},
        {"Host": "[::1"},
    ],
)
def test_metrics_are_for_this_machine_only(agency: Agency, server: Server, headers: dict[str, str]) -> None:
    server.start()
    assert get(server, "metrics").status_code == 200
    assert get(server, "metrics", {"Host": "localhost:5232"}).status_code == 200
    answer = get(server, "metrics", headers)
    assert (answer.status_code, "flowfact_" in answer.text) == (403, False)


def test_with_a_token_metrics_are_for_who_has_it(
    agency: Agency, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWFACT_TEST_TOKEN", "s3cret-tökén")
    server.start('[metrics]\ntoken = "${FLOWFACT_TEST_TOKEN}"\n')
    far = {"X-Forwarded-For": "203.0.113.7", "Host": "dav.example.com"}
    for wrong in ({}, {"Authorization": "Bearer s3cret"}, {"Authorization": "Basic czNjcmV0"}):
        answer = get(server, "metrics", {**far, **wrong})
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    monkeypatch.setenv("FLOWFACT_TEST_TOKEN", "s3cret-token")
    server.start('[metrics]\ntoken = "${FLOWFACT_TEST_TOKEN}"\n')
    assert "flowfact_database_up" in numbers(server, {**far, "Authorization": "Bearer s3cret-token"})


_WORKER = """\
import sys
from pathlib import Path
from radicale_flowfact.http.app import FlowfactApplication
from radicale_flowfact.server.configuration import load_configuration
from tests.conftest import serve_application
with serve_application(FlowfactApplication(load_configuration(Path(sys.argv[1])))) as base:
    print(base, flush=True)
    sys.stdin.read()
"""


def test_several_processes_add_up(agency: Agency, server: Server) -> None:
    server.write_configuration()
    command = [sys.executable, "-c", _WORKER, str(server.config)]
    with workers.shared_metrics():
        processes = [
            subprocess.Popen(  # noqa: S603 - our own code
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ.copy()
            )
            for _ in range(2)
        ]
        try:
            bases = [str(worker.stdout and worker.stdout.readline()).strip() for worker in processes]
            for times, base in enumerate(bases, start=1):
                server.base = base
                for _ in range(times):
                    server.device().propfind("tasks/", "<CS:getctag/>")
            sums = []
            for server.base in bases:
                found = numbers(server)
                sums.append(found['flowfact_requests_total{collection="tasks",method="PROPFIND",status="207"}'])
                assert found['flowfact_request_seconds_count{collection="tasks",method="PROPFIND"}'] == 3
            processes[0].communicate("", timeout=30)
            after = numbers(server)['flowfact_requests_total{collection="tasks",method="PROPFIND",status="207"}']
        finally:
            for worker in processes:
                worker.kill()
                worker.communicate()
    assert (sums, after) == ([3, 3], 3)
    assert not re.search("radicale-flowfact-", os.environ.get("PROMETHEUS_MULTIPROC_DIR", ""))
