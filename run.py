"""Sets up radicale-flowfact from a fresh clone and runs it: ``python3 run.py demo``, ``test``, ``clients`` and more.

Needs nothing but Python 3.11 or newer. The first run makes a virtual environment in ``.venv`` and installs
into it; later runs install again only when ``pyproject.toml`` changed.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = Path(os.environ.get("FLOWFACT_VENV", ROOT / ".venv"))
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
USAGE = """usage: python3 run.py <what> [arguments]

  demo          set up and run the demo; arguments go to radicale-flowfact demo (try --help)
  test          set up and run all tests, on all processors
  test --quick  only the tests without database, server and processes: under a minute
  test PATH …   only those of a file or folder, or one test; all else that pytest knows goes to it, too
                (-k, -x, -n 0, --pdb …)
  clients       set up and run the tests with real clients: Thunderbird, Evolution, SyncEvolution and others, as far as
                they are installed; says which are missing. --times 20 repeats them, all else goes to pytest
  bench         set up and measure against Radicale and Xandikos; arguments go to the bench (try --help)
  soak          set up and attack a server on this machine while phones use it, for 10 minutes; arguments go
                to the soak (try --help)
  setup         only set up, with what the tests need
"""
EXTRAS = {
    "demo": "",
    "test": "[test]",
    "clients": "[test,test-clients]",
    "bench": "[bench]",
    "soak": "[postgresql]",
    "setup": "[test]",
}


def main(arguments: list[str]) -> int:
    """Run the command and return its exit status."""
    if not arguments or arguments[0] not in EXTRAS:
        asked = arguments[:1] in (["-h"], ["--help"])
        print(USAGE, file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    if tuple(sys.version_info[:2]) < (3, 11):
        print(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}", file=sys.stderr)
        return 2
    if not set_up(EXTRAS[arguments[0]]):
        return 1
    command = command_for(arguments[0], arguments[1:])
    return call([str(PYTHON), *command]) if command else 0


def command_for(what: str, arguments: list[str]) -> list[str]:
    """Return what Python is to run, nothing for ``setup``."""
    commands = {
        "demo": ["-m", "radicale_flowfact", "demo", *arguments],
        "test": ["-m", "pytest", *usual_options(arguments), *arguments],
        "clients": ["-m", "tests.clients", *arguments],
        "bench": ["-m", "bench", *arguments],
        "soak": ["-m", "bench.soak", *arguments],
    }
    return commands.get(what, [])


def usual_options(arguments: list[str]) -> list[str]:
    """Return ``-q -n auto`` for pytest, less what the arguments set themselves: ``-q`` twice would hide the result."""
    wordy = any(re.match(r"-[qv]+$|--(quiet|verbose|verbosity)\b", argument) for argument in arguments)
    spread = any(re.match(r"-n|--numprocesses|--dist|-pno:xdist|no:xdist", argument) for argument in arguments)
    return [*([] if wordy else ["-q"]), *([] if spread else ["-n", "auto"])]


def set_up(extra: str) -> bool:
    """Make the virtual environment and install the project into it, unless that is done already."""
    mark = VENV / f"installed{extra}"
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if mark.is_file() and mark.read_text(encoding="ascii") == wanted:
        return True
    print(f"Setting up {VENV}: this takes a minute the first time …", flush=True)
    if not PYTHON.is_file() and not make_environment():
        return False
    if call([str(PYTHON), "-m", "pip", "install", "--quiet", "--editable", f"{ROOT}{extra}"]) != 0:
        print("pip could not install the project; is the network there? Its own message is above.", file=sys.stderr)
        return False
    mark.write_text(wanted, encoding="ascii")
    return True


def make_environment() -> bool:
    """Make the virtual environment; say what to install where Debian's Python comes without venv."""
    try:
        venv.create(VENV, with_pip=True)
    except (subprocess.CalledProcessError, ImportError):
        print("This Python cannot make virtual environments. On Debian: sudo apt install python3-venv", file=sys.stderr)
        return False
    return True


def call(command: list[str]) -> int:
    """Run a command in the project's folder; Ctrl-C is the command's to handle."""
    process = subprocess.Popen(command, cwd=ROOT)  # noqa: S603 - our own interpreter and arguments
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
