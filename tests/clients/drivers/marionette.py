"""Marionette, the protocol by which Mozilla's programs are driven: a message is its length, a colon and JSON."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass, field
from typing import Any

_SCRIPT = """\
const done = arguments[arguments.length - 1];
(async (...given) => {{ {body} }})(...arguments).then(
  result => done({{result}}), error => done({{error: `${{error}} ${{error.stack}}`}}));
"""


@dataclass
class Marionette:
    """A session in the program's own context, in which scripts may do what the program may."""

    port: int
    seconds: float
    _socket: socket.socket = field(init=False)
    _number: int = 0

    def __post_init__(self) -> None:
        """Connect as soon as the program listens."""
        end = time.monotonic() + self.seconds
        while True:
            try:
                self._socket = socket.create_connection(("127.0.0.1", self.port), self.seconds)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)
        self._receive()  # it introduces itself
        self.call("WebDriver:NewSession", capabilities={})
        self.call("Marionette:SetContext", value="chrome")
        self.call("WebDriver:SetTimeouts", script=int(self.seconds * 1000))

    def run(self, body: str, *given: object) -> Any:  # noqa: ANN401 - JSON
        """Run the body of an asynchronous function, whose arguments are ``given``, and return its result."""
        script = _SCRIPT.format(body=body)
        answer = self.call("WebDriver:ExecuteAsyncScript", script=script, args=list(given), sandbox="system")["value"]
        assert "error" not in answer, answer["error"]
        return answer.get("result")

    def call(self, command: str, **given: object) -> dict[str, Any]:
        """Send a command and return its result."""
        self._number += 1
        sent = json.dumps([0, self._number, command, given]).encode()
        self._socket.sendall(b"%d:%b" % (len(sent), sent))
        _, _, error, result = self._receive()
        assert error is None, error
        found: dict[str, Any] = result or {}
        return found

    def close(self) -> None:
        """End the program and the connection."""
        try:
            self.call("Marionette:Quit", flags=["eForceQuit"])
        finally:
            self._socket.close()

    def _receive(self) -> Any:  # noqa: ANN401
        head = b""
        while not head.endswith(b":"):
            head += self._some(1)
        body = b""
        while len(body) < int(head[:-1]):
            body += self._some(int(head[:-1]) - len(body))
        return json.loads(body)

    def _some(self, most: int) -> bytes:
        found = self._socket.recv(most)
        if not found:
            raise ConnectionError("the program ended")
        return found
