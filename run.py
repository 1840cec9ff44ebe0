"""Sets up radicale-flowfact from a fresh clone and runs it: ``python3 run.py demo``, ``test`` or ``bench``.

Needs nothing but Python 3.11 or newer. The first run makes a virtual environment in ``.venv`` and installs
into it; later runs install again only when ``pyproject.toml`` changed.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = Path(os.environ.get("FLOWFACT_VENV", ROOT / ".venv"))
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
USAGE = """usage: python3 run.py <what> [arguments]

  demo   set up and run the demo; arguments go to radicale-flowfact demo (try --help)
  test   set up and run the tests; arguments go to pytest
  bench  set up and measure against Radicale and Xandikos; arguments go to the bench (try --help)
  setup  only set up, with what the tests need
"""


def main() -> int:
    """Run the command and return its exit status."""
    if len(sys.argv) < 2 or sys.argv[1] not in ("demo", "test", "bench", "setup"):
        print(USAGE, file=sys.stderr)
        return 2
    if tuple(sys.version_info[:2]) < (3, 11):
        print(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}", file=sys.stderr)
        return 2
    what, arguments = sys.argv[1], sys.argv[2:]
    if not set_up({"demo": "", "bench": "[bench]"}.get(what, "[test]")):
        return 1
    if what == "demo":
        return call([str(PYTHON), "-m", "radicale_flowfact", "demo", *arguments])
    if what == "bench":
        return call([str(PYTHON), "-m", "bench", *arguments])
    if what == "test":
        return call([str(PYTHON), "-m", "pytest", *(arguments or ["-q", "-n", "auto"])])
    return 0


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
    sys.exit(main())
