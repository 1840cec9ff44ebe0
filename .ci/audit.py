"""Audits what the gateway is made of: the lock file fits pyproject.toml, its hashes are true, and no flaw is known.

Exit status 1 for a lock file that does not fit, a file with another hash, or a release with a known flaw. Where the
data of known flaws cannot be reached, that is said, and the hashes are what remains.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"


def main() -> int:
    """Run the three steps; return the exit status."""
    faults = unfit()
    for fault in faults:
        print(f"requirements.lock: {fault}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        if subprocess.run([*download, "-d", folder, "-r", str(LOCK)], check=False).returncode != 0:  # noqa: S603
            return 1
        print(f"{len(list(Path(folder).iterdir()))} files have the hashes of requirements.lock")
        return 1 if faults or not audited(Path(folder)) else 0


def unfit() -> list[str]:
    """Return what pyproject.toml asks for and the lock file has not, or has in another release."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["postgresql"]]
    locked = dict(re.findall(r"^([\w.-]+)==([\w.]+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE))
    releases = {name.lower().replace("_", "-"): release for name, release in locked.items()}
    faults = []
    for requirement in wanted:
        name = re.split(r"[\[<>=!~ ]", requirement)[0].lower().replace("_", "-")
        if name not in releases:
            faults.append(f"{name} is missing; make the file anew")
            continue
        for sign, bound in re.findall(r"(>=|<)([\d.]+)", requirement):
            if (numbers(releases[name]) >= numbers(bound)) != (sign == ">="):
                faults.append(f"{name}=={releases[name]} is not {sign}{bound}; make the file anew")
    return faults


def numbers(release: str) -> list[int]:
    """Return a release as numbers, to compare."""
    return [int(part) for part in re.findall(r"\d+", release)]


def audited(folder: Path) -> bool:
    """Ask pip-audit for known flaws; return False if there are any."""
    venv.create(folder / "venv", with_pip=True)
    python = str(folder / "venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))
    if subprocess.run([python, "-m", "pip", "install", "--quiet", "pip-audit"], check=False).returncode != 0:  # noqa: S603
        print("NOT AUDITED for known flaws: pip-audit cannot be installed")
        return True
    command = [
        python,
        "-m",
        "pip_audit",
        "-r",
        str(LOCK),
        "--disable-pip",
        "--format",
        "json",
        "--progress-spinner",
        "off",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError):
        print(f"NOT AUDITED for known flaws: {done.stderr.strip().splitlines()[-1:]}")
        return True
    flaws = [f"{one['name']} {one['version']}: {flaw['id']}" for one in found for flaw in one.get("vulns", [])]
    unasked = [one["name"] for one in found if "skip_reason" in one]
    print(*flaws, sep="\n", file=sys.stderr)
    print(f"{len(found) - len(unasked)} releases audited, {len(flaws)} known flaws")
    if unasked:
        print(f"NOT AUDITED for known flaws, nothing is told of them from here: {', '.join(unasked)}")
    return not flaws


if __name__ == "__main__":
    sys.exit(main())
