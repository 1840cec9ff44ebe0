"""Builds wheel and source distribution, checks both, and uses the wheel as somebody does who has nothing else.

The source distribution is built first and the wheel from it, so that it is known to be complete. The wheel goes into
an empty virtual environment and is used from an empty folder. ``python .ci/package.py`` makes its own environment for
the tools; ``--out DIR`` keeps what was built.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("build>=1.2", "twine>=6", "check-wheel-contents>=0.6")
SECONDS = 120
_PROPFIND = b'<propfind xmlns="DAV:"><prop><current-user-principal/></prop></propfind>'


class PackageError(Exception):
    """What is wrong with a package, in one line."""


def main() -> int:
    """Build, check and use; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, help="keep wheel and source distribution in this folder")
    out: Path | None = parser.parse_args().out
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            built = build(folder)
            check(built)
            use(folder, built.wheel)
        except PackageError as error:
            print(f"package: {error}", file=sys.stderr)
            return 1
        if out:
            out.mkdir(parents=True, exist_ok=True)
            for file in (built.sdist, built.wheel):
                shutil.copy2(file, out)
    return 0


class Built:
    """The two files that were built, and the environment whose tools look at them."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.python = python
        (self.sdist,) = folder.glob("*.tar.gz")
        (self.wheel,) = folder.glob("*.whl")


def build(folder: Path) -> Built:
    """Build both with tools of their own."""
    python = environment(folder / "tools", *TOOLS)
    run([python, "-m", "build", "--outdir", folder / "dist", ROOT])
    return Built(folder / "dist", python)


def check(built: Built) -> None:
    """Have the tools look at both, and compare what is in them with the repository."""
    run([built.python, "-m", "twine", "check", "--strict", built.sdist, built.wheel])
    run([built.python, "-m", "check_wheel_contents", "--config", ROOT / "pyproject.toml", built.wheel])
    with tarfile.open(built.sdist) as source:
        in_sdist = {name.partition("/")[2] for name in source.getnames() if "/" in name}
    in_wheel = set(zipfile.ZipFile(built.wheel).namelist())
    faults = [f"the source distribution lacks {name}" for name in sorted(tracked() - in_sdist)]
    faults += [f"the wheel lacks {name}" for name in sorted(of_the_package() - in_wheel)]
    shipped = {name for name in tracked() if name.startswith(("config/", "packaging/"))}
    faults += [f"the wheel lacks {name}" for name in sorted(shipped - beside(in_wheel))]
    faults += [f"the wheel has {name}" for name in sorted(in_wheel) if name.startswith(("tests/", "docs/", "bench/"))]
    if faults:
        raise PackageError("\n         ".join(faults))
    print(f"{built.sdist.name}: {len(in_sdist)} entries; {built.wheel.name}: {len(in_wheel)} files", flush=True)


def beside(in_wheel: set[str]) -> set[str]:
    """Return what the wheel has of the folders that lie beside the package in the repository."""
    home = "radicale_flowfact/shipped/"
    return {name.removeprefix(home) for name in in_wheel if name.startswith(home)}


def tracked() -> set[str]:
    """Return the repository's files; those with a dot in front serve the repository only, but for CI."""
    listed = run(["git", "-C", ROOT, "ls-files", "-z"]).split("\0")
    return {name for name in listed if name and (name.startswith(".ci/") or not name.startswith("."))}


def of_the_package() -> set[str]:
    """Return the files that the gateway needs at run time: all that lie in its package."""
    return {name for name in tracked() if name.startswith("radicale_flowfact/")}


def use(folder: Path, wheel: Path) -> None:
    """Install the wheel into an empty environment and run the demo from an empty folder."""
    python = environment(folder / "empty", wheel)
    program = python.parent / ("radicale-flowfact.exe" if os.name == "nt" else "radicale-flowfact")
    away = folder / "away"
    away.mkdir()
    print(run([program, "--version"], away).strip(), flush=True)
    run([program, "init", "configuration", "--service", "systemd"], away)
    written = sorted(file.name for file in (away / "configuration").iterdir())
    if written != ["flowfact.toml", "radicale-flowfact.service", "radicale.ini"]:
        raise PackageError(f"init wrote {written}")
    demo(program, away)


def demo(program: Path, folder: Path) -> None:
    """Start the demo, log in as the first login that it prints, and stop it."""
    port = free_port()
    log = folder / "demo.log"
    command = [program, "demo", "--addresses", "20", "--activities", "20", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env=bare(), stdout=output, stderr=output)  # noqa: S603
        try:
            login, password = printed_login(log, process)
            status = propfind(f"http://127.0.0.1:{port}/", login, password)
        finally:
            process.terminate()
            process.wait(SECONDS)
    if status != 207:
        raise PackageError(f"the demo answered a PROPFIND with {status}")
    print(f"the demo answered a PROPFIND of {login} with {status}", flush=True)


def printed_login(log: Path, process: subprocess.Popen[bytes]) -> tuple[str, str]:
    """Return the first login that the demo prints and its password, once it serves."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and process.poll() is None:
        text = log.read_text(encoding="utf-8", errors="replace")
        found = re.search(r"\b([a-z][\w.]*)\W+(demo-\1)\b", text)
        if "Demo FlowFact on" in text and found:
            return found[1], found[2]
        time.sleep(0.1)
    raise PackageError(f"the demo did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")


def propfind(url: str, login: str, password: str) -> int:
    """Ask for the principal until the server listens; return the status."""
    basic = base64.b64encode(f"{login}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Depth": "0"}
    request = urllib.request.Request(url, _PROPFIND, headers, method="PROPFIND")  # noqa: S310 - our own server
    end = time.monotonic() + SECONDS
    while True:
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def environment(folder: Path, *wanted: str | Path) -> Path:
    """Make a virtual environment, install into it, and return its Python."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", *wanted])
    return python


def run(command: Sequence[str | Path], folder: Path | None = None) -> str:
    """Run a command without the repository in its reach, and return what it prints."""
    done = subprocess.run(  # noqa: S603 - our own tools
        [str(part) for part in command], cwd=folder, env=bare(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise PackageError(f"{' '.join(str(part) for part in command[:4])} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def bare() -> dict[str, str]:
    """Return the environment less what would let Python find the repository."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHONPATH", "COVERAGE"))}


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
