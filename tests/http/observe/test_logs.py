"""The log: a line for each request, whichever way it was answered, and nothing personal in it."""

from __future__ import annotations

import logging
import re
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy.exc import DataError, OperationalError

from radicale_flowfact.http.observe.logs import JsonFormatter, TextFormatter, fault_of, message_of
from radicale_flowfact.settings import SettingsError, load_settings
from tests import payloads
from tests.conftest import Agency, Server, not_on_mssql
from tests.http.observe.served import served

IPHONE = "iOS/17.5 (21F79) dataaccessd/1.0"
PERSONAL = ("Muster", "Meier", "geheim", "n.vcf", "secret", "Basic ")


def test_each_request_has_a_line_in_json(agency: Agency, server: Server, unused_tcp_port: int) -> None:
    agency.office.address([agency.own])
    with served(server, unused_tcp_port, '[log]\nformat = "json"\n') as there:
        device = there.device(agent=IPHONE)
        device.all("addresses")  # answered from the tables
        token = device.sync("addresses").token
        device.request("PROPFIND", "", headers={"Depth": "1"})  # answered by Radicale's handlers
        device.put("addresses/n.vcf", payloads.vcard("n"), new=True)
        asked = {"X-Request-ID": "check-2026.1", "If-None-Match": "*"}
        refused = device.request("PUT", "addresses/n.vcf", payloads.vcard("n"), asked)
        device.put("addresses/secret-name.vcf", "BEGIN:VCARD\r\ngeheim ohne Doppelpunkt\r\nEND:VCARD\r\n")
        device.sync("addresses", token)
        stranger = there.device()
        stranger.password = "geheim"  # noqa: S105
        stranger.propfind("addresses/", "<getetag/>")
        lines = [line for line in there.lines() if "method" in line]
        log = there.log
    told = [(line["method"], line.get("collection"), line["status"]) for line in lines]
    for one in (("REPORT", "addresses", 207), ("PROPFIND", None, 207), ("PUT", "addresses", 201)):
        assert one in told
    (conflict,) = [line for line in lines if line["status"] == 412]
    assert conflict["request_id"] == refused.headers["X-Request-ID"] == "check-2026.1"
    assert (conflict["login"], conflict["device"], conflict["level"]) == ("anna", "iOS/17.5", "warning")
    assert conflict["reason"] == "there is such an item already"
    assert conflict["ms"] > 0
    (bad,) = [line for line in lines if line["status"] == 409]
    assert bad["reason"] == "the contact cannot be read: a line has no colon after its name: '…'"
    assert len({line["request_id"] for line in lines}) == len(lines)
    assert {line["item"] for line in lines if line["method"] == "PUT"} == {conflict["item"], bad["item"]}
    (unknown,) = [line for line in lines if line["status"] == 401]
    assert "login" not in unknown
    assert not [word for word in PERSONAL if word in log]


def test_lines_as_text_can_be_switched_off(agency: Agency, server: Server, unused_tcp_port: int) -> None:
    agency.office.address([agency.own])
    with served(server, unused_tcp_port, "[log]\nrequests = false\n") as there:
        device = there.device(agent=IPHONE)
        href = next(iter(device.sync("addresses").changed))
        answer = device.request("PUT", f"addresses/{href}", "x", {"X-Request-ID": "two\tparts of it"})
        (line,) = there.log.splitlines()
    number = answer.headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{16}", number)
    assert re.fullmatch(
        rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z \d+ WARNING \[{number}\] PUT addresses/[0-9a-f]{{12}} "
        r"answered 409 in \d+\.\d ms login=anna device=iOS/17\.5: the contact cannot be read: .*",
        line,
    )


@not_on_mssql("ALTER TABLE renames no table there")
def test_a_fault_of_ours_is_told_without_its_data(
    agency: Agency, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.start()
    device = server.device()
    device.sync("addresses")
    with server.database.engine.connect() as connection, connection.begin():
        connection.exec_driver_sql(f"ALTER TABLE {_item(server)} RENAME TO dav_item_away")
    try:
        with caplog.at_level("WARNING"):
            answer = device.put("addresses/n.vcf", payloads.vcard("n"), new=True)
    finally:
        with server.database.engine.connect() as connection, connection.begin():
            connection.exec_driver_sql(f"ALTER TABLE {_item(server)}_away RENAME TO dav_item")
    assert answer.status >= 500
    lines = [TextFormatter(30).format(record) for record in caplog.records]
    assert any("PUT addresses/" in line and f"answered {answer.status}" in line for line in lines)
    assert not [word for word in PERSONAL if any(word in line for line in lines)]


def _item(server: Server) -> str:
    return f"{server.database.schema}.dav_item" if server.database.schema else "dav_item"


def test_errors_are_told_by_kind_and_place() -> None:
    data = DataError("UPDATE x", {"name": "Meier"}, ValueError("invalid input: 'Meier'"))
    assert fault_of(data) == "ValueError"
    lost = OperationalError("SELECT 1", {"name": "Meier"}, OSError("connection refused\nDETAIL: Meier"))
    assert fault_of(lost) == "OSError: connection refused"
    with pytest.raises(ValueError, match="Meier") as raised:
        datetime.fromisoformat("Meier")
    assert re.fullmatch(r"ValueError in tests\.http\.observe\.test_logs:\d+", fault_of(raised.value))


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("'/anna/addresses/Meier x.vcf' it", "'/anna/addresses/…' it"),
        ('"/anna/tasks/o\'Meier.ics" it', '"/anna/tasks/…" it'),
        ("at /anna/tasks/Meier.ics, it", "at /anna/tasks/… it"),
        ("'/anna/' and '/anna/tasks/'", "'/anna/' and '/anna/tasks/'"),
    ],
)
def test_paths_lose_the_names_of_their_items(path: str, told: str) -> None:
    record = logging.LogRecord("radicale", logging.WARNING, "", 0, "Bad %s", (path,), None)
    assert message_of(record, everything=False) == f"Bad {told}"
    assert JsonFormatter(20).format(record).count("Meier") == path.count("Meier")


def test_a_wrong_format_is_named(tmp_path: Path) -> None:
    file = tmp_path / "flowfact.toml"
    file.write_text('database_url = "sqlite://"\n[log]\nformat = "xml"\n[metrics]\ntokn = ""\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=r"log\.format must be (.|\n)*did you mean token"):
        load_settings(file)
    file.write_text('database_url = "sqlite://"\n[metrics]\ntoken = "${NO_SUCH_VARIABLE}"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=r"metrics\.token: the environment variable NO_SUCH_VARIABLE is not set"):
        load_settings(file)
