"""Makes a release: ``python packaging/release.py --dry-run``, then without ``--dry-run``.

What to do by hand before it: in CHANGELOG.md give the lines under *Unreleased* the heading ``## [VERSION] - DATE``, set
the version in pyproject.toml, commit both to main, and let CI pass. The script then

1. stops unless the tree is clean, CHANGELOG.md tells of the version, and its tag is not there yet,
2. builds wheel and source distribution and checks them as CI does (.ci/package.py),
3. writes the software bill of materials in CycloneDX from requirements.lock,
4. writes the SHA-256 hashes of all files to SHA256SUMS,
5. sets the tag ``vVERSION`` with the changelog's text; with ``--dry-run`` it only says that it would.

It uploads nothing: push the tag, and hand out what lies in ``dist``. ``sha256sum --check SHA256SUMS`` verifies it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HASHES = "SHA256SUMS"


class ReleaseError(Exception):
    """Why no release is made, in one line."""


def main() -> int:
    """Run the steps; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dry-run", action="store_true", help="do everything but set the tag")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where the files go [dist]")
    arguments = parser.parse_args()
    try:
        version = version_of(ROOT)
        told = ready(ROOT, version)
        make_files(arguments.out, version)
        finish(version, told, dry_run=arguments.dry_run)
    except ReleaseError as error:
        print(f"no release: {error}", file=sys.stderr)
        return 1
    return 0


def version_of(root: Path) -> str:
    """Return the version that pyproject.toml names."""
    return str(tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def ready(root: Path, version: str) -> str:
    """Return what CHANGELOG.md tells of the version, if a release can be made."""
    if changed := git(root, "status", "--porcelain"):
        raise ReleaseError(f"there are changes that are not committed:\n{changed}")
    if git(root, "tag", "--list", f"v{version}"):
        raise ReleaseError(f"the tag v{version} is there already; set the next version in pyproject.toml")
    return entry(root, version)


def entry(root: Path, version: str) -> str:
    """Return the text of a version in CHANGELOG.md; it has a date, and none is left under Unreleased."""
    parts = re.split(r"^## +", (root / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    texts = {part.partition("\n")[0].strip(): part.partition("\n")[2].strip() for part in parts[1:]}
    if texts.get("[Unreleased]"):
        raise ReleaseError("CHANGELOG.md has lines under Unreleased: put them under the version's heading")
    for heading, text in texts.items():
        if re.fullmatch(rf"\[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d", heading) and text:
            return text
    raise ReleaseError(f"CHANGELOG.md has no text under '## [{version}] - DATE'")


def make_files(out: Path, version: str) -> None:
    """Build into an empty folder, add the bill of materials, and the hashes of all."""
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise ReleaseError(f"{out} is not empty; remove what an earlier run left there")
    run([sys.executable, ROOT / ".ci" / "package.py", "--out", out])
    bill_of_materials(out / f"radicale_flowfact-{version}.cdx.json")
    write_hashes(out)


def bill_of_materials(file: Path) -> None:
    """Write which libraries in which release, with their hashes, as CycloneDX in JSON."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        run([python, "-m", "pip", "install", "--quiet", "cyclonedx-bom>=7,<8"])
        command: list[str | Path] = [python, "-m", "cyclonedx_py", "requirements", ROOT / "requirements.lock"]
        command += ["--pyproject", ROOT / "pyproject.toml", "--mc-type", "application", "--output-reproducible"]
        run([*command, "--output-format", "JSON", "--output-file", file])


def write_hashes(folder: Path) -> None:
    """Write the SHA-256 of each file in a folder, as sha256sum reads it."""
    files = sorted(file for file in folder.iterdir() if file.name != HASHES)
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (folder / HASHES).write_text("".join(lines), encoding="ascii", newline="\n")
    print("".join(lines), end="")


def finish(version: str, told: str, *, dry_run: bool) -> None:
    """Set the tag."""
    if dry_run:
        print(f"would set the tag v{version}")
        return
    git(ROOT, "tag", "--annotate", "--cleanup=verbatim", f"v{version}", "--message", f"Version {version}\n\n{told}\n")
    print(f"set the tag v{version}; now: git push origin v{version}")


def git(root: Path, *arguments: str) -> str:
    """Run git and return what it prints."""
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607
    if done.returncode:
        raise ReleaseError(done.stderr.strip())
    return done.stdout.strip()


def run(command: Sequence[str | Path]) -> None:
    """Run a command that has nothing of the repository in its path; what it prints is seen."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if subprocess.run([str(part) for part in command], env=environment, check=False).returncode:  # noqa: S603
        raise ReleaseError(f"{Path(command[1]).name} failed")


if __name__ == "__main__":
    sys.exit(main())
