"""The entry for other WSGI servers: it waits for a database, and for a name map that fits."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import Agency, Server, not_on_mssql
from tests.dav.admin.test_schema_watch import gone

_SCRIPT = """\
import io, json, sys, threading
from base64 import b64encode
from wsgiref.util import setup_testing_defaults
from radicale_flowfact import wsgi
def ask(method, path):
    told = []
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "REMOTE_ADDR": "127.0.0.1"}
    environ["HTTP_AUTHORIZATION"] = "Basic " + b64encode(b"anna:pw").decode()
    setup_testing_defaults(environ)
    body = b"".join(wsgi.application(environ, lambda status, headers: told.append((status, dict(headers)))))
    return [told[0][0], told[0][1].get("Retry-After"), body.decode()]
for line in sys.stdin:
    threads = [thread.name for thread in threading.enumerate()]
    print(json.dumps([ask(*line.split()), "schema watch" in threads]), flush=True)
"""


class Asked:
    """A process of another WSGI server."""

    def __init__(self, server: Server) -> None:
        environment = {**os.environ, "RADICALE_CONFIG": str(server.config)}
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-c", _SCRIPT], env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, method: str, path: str) -> tuple[str, str | None, str, bool]:
        """Return status, Retry-After, body, and whether the schema was watched before."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{method} {path}\n")
        self._process.stdin.flush()
        (status, later, body), watched = json.loads(self._process.stdout.readline())
        return status, later, body, watched

    def __enter__(self) -> Asked:
        """Give it."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._process.communicate(timeout=60)


@pytest.fixture
def configured(agency: Agency, server: Server) -> Server:
    agency.office.address([agency.own])
    server.write_configuration()
    return server


def test_it_waits_for_the_database_and_then_watches(configured: Server) -> None:
    file = configured.folder / "flowfact.toml"
    right = file.read_text(encoding="utf-8")
    file.write_text('database_url = "postgresql+psycopg://x@127.0.0.1:1/x"\n', encoding="utf-8")
    with Asked(configured) as asked:
        status, later, body, _ = asked.ask("PROPFIND", "/anna/addresses/")
        assert (status, later, "ask again later" in body) == ("503 Service Unavailable", "30", True)
        assert asked.ask("HEAD", "/.flowfact/health")[2] == ""
        file.write_text(right, encoding="utf-8")
        assert asked.ask("GET", "/.flowfact/health")[0] == "200 OK"
        assert asked.ask("GET", "/.flowfact/health")[3], "a thread watches the schema"


@not_on_mssql("it renames columns in the words of SQLite and PostgreSQL")
def test_it_serves_health_with_a_map_that_does_not_fit(configured: Server) -> None:
    """Another server cannot be kept from starting: health tells what is missing, devices wait."""
    with Asked(configured) as asked:
        with gone(configured, "AD", "FIRMA"):
            status, _, body, _ = asked.ask("GET", "/.flowfact/health")
            assert status == "503 Service Unavailable"
            assert json.loads(body)["reason"] == "FlowFact's database lacks: AD.FIRMA"
            assert asked.ask("PROPFIND", "/anna/addresses/")[:2] == ("503 Service Unavailable", "30")
        assert asked.ask("PROPFIND", "/anna/addresses/")[0] == "207 Multi-Status"
