"""ical.js itself: our rules of what it respells (``tests/rules/respelling.py``) are what it does."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests import payloads
from tests.clients import tools
from tests.conftest import Agency, Server
from tests.rules.respelling import PROGRAMS
from tests.rules.test_respelling import fill_activities, fill_addresses

_HERE = Path(__file__).parent / "tsdav"


@pytest.fixture
def texts(agency: Agency, server: Server) -> list[str]:
    """Give all that the gateway serves of records with nasty texts."""
    fill_addresses(agency)
    fill_activities(agency)
    device = server.start().device()
    return [text for name in ("addresses", "appointments", "tasks") for text in device.all(name).values()]


@pytest.mark.parametrize("program", ["ical.js 2", "ical.js 1.5"])
def test_ical_js_respells_as_our_rules_say(texts: list[str], program: str) -> None:
    node = tools.require("node", "on Debian: sudo apt install nodejs npm")
    tools.require_folder(_HERE / "node_modules" / "ical.js-1", f"npm ci --prefix {_HERE}")
    command = [node, str(_HERE / "respell.mjs")]
    done = subprocess.run(  # noqa: S603
        command, input=json.dumps(texts), capture_output=True, check=True, timeout=60, encoding="utf-8"
    )
    for text, written in zip(texts, json.loads(done.stdout)[program], strict=True):
        assert sorted(payloads.lines_of(PROGRAMS[program](text))) == sorted(payloads.lines_of(written))
