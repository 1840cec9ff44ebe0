"""Debian's litmus (generic WebDAV) against the gateway, as far as it applies; docs/compatibility.md says more.

litmus works in a collection ``litmus`` that it makes anew. Here it gets the home of a login of that name, and is told
that it could make it; everything else it asks the gateway itself.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable

import pytest
from radicale.types import WSGIEnviron, WSGIStartResponse

from radicale_flowfact.http.app import FlowfactApplication
from radicale_flowfact.server.configuration import load_configuration
from tests.clients import tools
from tests.conftest import Agency, Server, serve_application

FRAME = {"init", "begin", "finish"}
PASSED = re.compile(r"^ *\d+\. (\w+)\.* (?:WARNING[^\n]*\n *\.* )?pass", re.MULTILINE)
APPLIES = {
    "http": {"expect100"},
    "basic": {"options", "put_no_parent", "delete_null", "mkcol_no_parent"},
    "props": {"propfind_invalid", "propfind_invalid2", "propfind_d0", "propextended", "propwformed", "propcleanup"},
    "copymove": {"copy_cleanup", "move_cleanup"},
    "locks": {"options", "precond", "init_locks", "fail_cond_put_unlocked"},
}


class LentHome(FlowfactApplication):
    """Says that the home could be made and deleted, and leaves it as it is."""

    def __call__(self, environ: WSGIEnviron, start_response: WSGIStartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if environ["PATH_INFO"].strip("/") == "litmus" and environ["REQUEST_METHOD"] in ("MKCOL", "DELETE"):
            start_response("201 Created", [])
            return [b""]
        return super().__call__(environ, start_response)


@pytest.mark.parametrize("suite", APPLIES)
def test_litmus(agency: Agency, server: Server, suite: str) -> None:
    litmus = tools.require("litmus", "on Debian: sudo apt install litmus")
    agency.office.user("litmus")
    server.logins = ("litmus",)
    server.write_configuration()
    before = agency.office.everything()
    with serve_application(LentHome(load_configuration(server.config))) as base:
        command = [litmus, "--keep-going", f"{base}/", "litmus", "pw"]
        done = subprocess.run(  # noqa: S603
            command, env={"TESTS": suite}, cwd=server.folder, capture_output=True, timeout=60, check=False
        )
    text = done.stdout.decode("utf-8", "replace")
    passed = set(PASSED.findall(text.replace("\r", "\n")))
    assert passed == FRAME | APPLIES[suite], text
    assert agency.office.everything() == before
