"""Runs commands in processes of their own, which are forked from one that has imported everything already.

Each is a real process with its own arguments, environment, input and exit status; only the second that Python takes to
import the gateway is spent once. ``python -m tests.commands.forked`` reads a request a line and answers with a line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

_KEPT = ("PATH", "PYTHONPATH", "HOME", "TMPDIR", "SYSTEMROOT")


@dataclass(frozen=True, slots=True)
class Done:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """All that it printed."""
        return self.out + self.err


class Commands:
    """A process that runs commands in forks of itself; to be closed."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.commands.forked"]
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def run(self, folder: Path, *arguments: str, given: str = "", environment: Mapping[str, str] | None = None) -> Done:
        """Run a command in a folder, with these variables beside the few that every process needs."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        asked = {
            "arguments": arguments,
            "folder": str(folder),
            "given": given,
            "environment": {**kept, "COLUMNS": "80", **(environment or {})},
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return Done(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def running() -> Iterator[Commands]:
    """Give the process that runs commands in forks of itself, and end it."""
    commands = Commands()
    try:
        yield commands
    finally:
        commands.close()


def main() -> None:
    """Answer until the input ends."""
    import radicale_flowfact.commands.main  # noqa: F401 - what takes its time

    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line))), flush=True)


def _answer(asked: dict[str, Any]) -> dict[str, object]:
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(asked["given"].encode())
        given.seek(0)
        child = os.fork()
        if child == 0:
            for number, file in enumerate((given, out, err)):
                os.dup2(file.fileno(), number)
            os.chdir(asked["folder"])
            os.environ.clear()
            os.environ.update(asked["environment"])
            _run(cast("Sequence[str]", asked["arguments"]))
        _, status = os.waitpid(child, 0)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
    return {"status": os.waitstatus_to_exitcode(status), "out": texts[0], "err": texts[1]}


def _run(arguments: Sequence[str]) -> None:
    from radicale_flowfact.commands.main import main as run

    sys.argv = ["radicale-flowfact", *arguments]
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - the one before has read ahead
    status = 1
    try:
        run()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1 if end.code else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
