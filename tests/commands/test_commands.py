"""The commands as an admin runs them: what they say, and their exit status."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Agency, Server
from tests.device import Device

ROOT = Path(__file__).parents[2]


def run(*arguments: str, given: str = "", folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command of radicale-flowfact."""
    command = [sys.executable, "-m", "radicale_flowfact", *arguments]
    environment = {**os.environ, "COLUMNS": "200", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(  # noqa: S603 - our own module
        command, capture_output=True, text=True, encoding="utf-8", input=given, timeout=120, check=False,
        cwd=folder or ROOT, env=environment,
    )  # fmt: skip


@pytest.fixture
def configured(agency: Agency, server: Server) -> Server:
    """Write a configuration for the agency, without serving it."""
    agency.office.address([agency.own])
    agency.appointment()
    server.write_configuration()
    return server


@pytest.mark.parametrize("command", ["demo", "serve", "check", "users"])
def test_help(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert len(done.stdout) > 100


def test_check_finds_no_fault(configured: Server) -> None:
    done = run("check", "--config", str(configured.config))
    assert (done.returncode, "No faults" in done.stdout) == (0, True), done.stderr


def test_a_relative_path_counts_from_where_the_command_runs(configured: Server) -> None:
    done = run("check", "--config", f"{configured.folder.name}/radicale.ini", folder=configured.folder.parent)
    assert (done.returncode, "No faults" in done.stdout) == (0, True), done.stderr


def test_check_names_every_fault(agency: Agency, configured: Server) -> None:
    agency.office.change(agency.office.tables.user, {"DSN": agency.ben}, AKTIV=False)
    configured.logins = ("anna", "ben", "carl")
    configured.write_configuration()
    done = run("check", "--config", str(configured.config))
    assert done.returncode == 1
    assert "users.ben: FlowFact user 'ben' is inactive" in done.stderr
    assert "users.carl: FlowFact has no user with the login 'carl'" in done.stderr


def test_check_tells_wrong_names_and_settings(configured: Server) -> None:
    file = configured.folder / "flowfact.toml"
    file.write_text(file.read_text(encoding="utf-8") + '"AD.FIRMA" = "Firma1"\n', encoding="utf-8")
    done = run("check", "--config", str(configured.config))
    assert (done.returncode, "'Firma1'" in done.stderr) == (1, True)
    file.write_text("wrong = 1\n", encoding="utf-8")
    done = run("check", "--config", str(configured.config))
    assert (done.returncode, "unknown key wrong" in done.stderr) == (1, True)


def test_an_unreachable_database_gives_a_clear_error(configured: Server) -> None:
    file = configured.folder / "flowfact.toml"
    file.write_text('database_url = "postgresql+psycopg://x@127.0.0.1:1/x"\n', encoding="utf-8")
    done = run("check", "--config", str(configured.config))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "database_url" in done.stderr


def test_users_shows_mapped_and_offers_the_others(agency: Agency, configured: Server) -> None:
    agency.office.user("Zoë Q")
    done = run("users", "--config", str(configured.config))
    assert done.returncode == 0, done.stderr
    assert re.search(r"anna.*Merkmal anna.*\b1\b.*\d+.*\b0\b", done.stdout)
    assert '[users."zoë q"]\nflowfact = "Zoë Q"' in done.stdout


def test_users_password_writes_the_htpasswd_file(configured: Server) -> None:
    before = (configured.folder / "users").read_text(encoding="utf-8")
    done = run("users", "password", "anna", "--config", str(configured.config), given="new one\n")
    assert done.returncode == 0, done.stderr
    after = (configured.folder / "users").read_text(encoding="utf-8")
    assert "anna:$6$" in after
    assert set(before.splitlines()) - set(after.splitlines()) == {"anna:pw"}
    assert run("users", "password", "an:na", "--config", str(configured.config), given="x\n").returncode == 1
    assert run("users", "password", "anna", "--config", str(configured.config), given="\n").returncode == 1


def test_no_configuration_is_told(tmp_path: Path) -> None:
    done = run("check", "--config", str(tmp_path / "none.ini"))
    assert (done.returncode, "there is no such file" in done.stderr) == (1, True)


def wait_for(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """Read a process's output until a line matches."""
    assert process.stdout is not None
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (line := process.stdout.readline()):
        if found := re.search(pattern, line):
            return found
    pytest.fail(f"no {pattern} in the output")


def until_it_answers(device: Device) -> None:
    """Wait until a server that has just been started answers."""
    for _ in range(100):
        try:
            device.propfind("addresses/", "<sync-token/>")
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the server does not answer")


def test_demo_makes_a_database_and_serves_it(tmp_path: Path, unused_tcp_port: int) -> None:
    command = [sys.executable, "-m", "radicale_flowfact", "demo", "--directory", str(tmp_path), "--users", "2"]
    command += ["--addresses", "40", "--activities", "40", "--port", str(unused_tcp_port)]
    environment = {**os.environ, "COLUMNS": "200", "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=environment) as process:  # noqa: S603
        wait_for(process, r"Demo FlowFact on")
        device = Device(f"http://127.0.0.1:{unused_tcp_port}", "anna", password="demo-anna")  # noqa: S106
        until_it_answers(device)
        assert len(device.sync("addresses").changed) > 5
        assert device.sync("appointments").changed
        assert device.sync("tasks").changed
        device.session.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    made = (tmp_path / "demo.sqlite").stat().st_size
    assert made > 100_000


def test_the_demos_screen_is_german_where_the_environment_is(tmp_path: Path, unused_tcp_port: int) -> None:
    command = [sys.executable, "-m", "radicale_flowfact", "demo", "--directory", str(tmp_path), "--users", "25"]
    command += ["--addresses", "9", "--activities", "9", "--port", str(unused_tcp_port)]
    environment = {**os.environ, "COLUMNS": "200", "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}
    environment["LC_ALL"] = "de_DE.UTF-8"
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=environment) as process:  # noqa: S603
        assert process.stdout is not None
        shown = ""
        while "Beenden mit Strg-C" not in shown and (line := process.stdout.readline()):
            shown += line
        process.terminate()  # how it stops is the matter of the test above
    for told in (
        "Kennwort",
        "Benutzer",
        "ins Handy einzugeben: der Server",
        "weitere Logins: 5, mit",
        "Demo-FlowFact auf",
    ):
        assert told in shown, shown


def test_the_examples_in_config_work_as_they_are(tmp_path: Path) -> None:
    for file in (ROOT / "config").iterdir():
        shutil.copy(file, tmp_path)
    script = (
        "from datetime import date; from pathlib import Path; from rich.console import Console\n"
        "from radicale_flowfact.demo.setup import prepare, Size\n"
        f"prepare(Path({str(tmp_path)!r}), Size(2, 10, 10), date(2026, 6, 1), '127.0.0.1:0', Console())"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 0  # noqa: S603
    config = str(tmp_path / "radicale.ini")
    done = run("check", "--config", config)
    assert (done.returncode, "there is no password file" in done.stderr) == (1, True), done.stderr
    assert run("users", "password", "anna", "--config", config, given="pw\n").returncode == 0
    done = run("check", "--config", config)
    assert done.returncode == 0, done.stderr
    assert "write = false" in done.stdout


def test_serve_says_that_a_port_is_taken(configured: Server, unused_tcp_port: int) -> None:
    text = configured.config.read_text(encoding="utf-8")
    configured.config.write_text(text.replace("[server]", f"[server]\nhosts = 127.0.0.1:{unused_tcp_port}"), "utf-8")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", unused_tcp_port))
        taken.listen()
        done = run("serve", "--config", str(configured.config))
    assert (done.returncode, f"port {unused_tcp_port} on 127.0.0.1 is taken" in done.stderr) == (1, True), done.stderr


def test_serve_says_who_gets_nothing_and_who_has_two_logins(
    agency: Agency, configured: Server, unused_tcp_port: int
) -> None:
    agency.office.change(agency.office.tables.user, {"DSN": agency.ben}, AKTIV=False)
    file = configured.folder / "flowfact.toml"
    more = '[users.second]\nflowfact = "Anna"\n\n[names]'
    file.write_text(file.read_text(encoding="utf-8").replace("[names]", more), encoding="utf-8")
    text = configured.config.read_text(encoding="utf-8")
    configured.config.write_text(text.replace("[server]", f"[server]\nhosts = 127.0.0.1:{unused_tcp_port}"), "utf-8")
    command = [sys.executable, "-m", "radicale_flowfact", "serve", "--config", str(configured.config)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:  # noqa: S603
        wait_for(process, r"Serving 2 of 3 logins on 127\.0\.0\.1:\d+ \(.+\); not:")
        wait_for(process, "  ben: FlowFact user 'ben' is inactive")
        wait_for(process, "the logins anna, second are one FlowFact user, anna")
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def test_serve_listens_on_every_address_and_keeps_connections(
    configured: Server, unused_tcp_port_factory: Callable[[], int]
) -> None:
    ports = [unused_tcp_port_factory(), unused_tcp_port_factory()]
    hosts = ", ".join(f"127.0.0.1:{port}" for port in ports)
    text = configured.config.read_text(encoding="utf-8")
    configured.config.write_text(text.replace("[server]", f"[server]\nhosts = {hosts}"), "utf-8")
    command = [sys.executable, "-m", "radicale_flowfact", "serve", "--config", str(configured.config)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:  # noqa: S603
        wait_for(process, "Serving 2 logins")
        for port in ports:
            device = Device(f"http://127.0.0.1:{port}", "anna")
            until_it_answers(device)
            answers = [device.propfind("addresses/", "<sync-token/>") for _ in range(3)]
            assert [answer.status for answer in answers] == [207, 207, 207]
            assert all(answer.headers.get("Connection", "").lower() != "close" for answer in answers)
            device.session.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    for port in ports:
        with socket.socket() as probe, pytest.raises(OSError, match="refused"):
            probe.connect(("127.0.0.1", port))
