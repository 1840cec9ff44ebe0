"""The release script makes none that is not committed, not told of, or there already."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
_CHANGELOG = """\
# Changelog

## [Unreleased]
{new}
## [1.2.0] - 2026-01-02

- Something.

## [1.1.0] - 2025-01-02

- Old.
"""


@pytest.fixture(scope="module")
def release() -> ModuleType:
    """Load the script as a module."""
    spec = importlib.util.spec_from_file_location("release", ROOT / "packaging" / "release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["release"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Make a repository whose version 1.2.0 can be released."""
    (tmp_path / "CHANGELOG.md").write_text(_CHANGELOG.format(new=""), encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n', encoding="utf-8")
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    """Run git as somebody, whoever runs the tests."""
    somebody = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *somebody, *arguments], check=True, capture_output=True, timeout=60)  # noqa: S603, S607


def commit(folder: Path) -> None:
    """Commit all."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "x")


def test_a_clean_tree_with_an_entry_is_ready(release: ModuleType, repository: Path) -> None:
    assert release.version_of(repository) == "1.2.0"
    assert release.ready(repository, "1.2.0") == "- Something."


def test_a_change_that_is_not_committed_stops_it(release: ModuleType, repository: Path) -> None:
    (repository / "new").touch()
    with pytest.raises(release.ReleaseError, match="not committed"):
        release.ready(repository, "1.2.0")


def test_a_tag_that_is_there_stops_it(release: ModuleType, repository: Path) -> None:
    git(repository, "tag", "v1.2.0")
    with pytest.raises(release.ReleaseError, match="is there already"):
        release.ready(repository, "1.2.0")


def test_a_version_without_an_entry_stops_it(release: ModuleType, repository: Path) -> None:
    for version in ("1.3.0", "1.2", "1x2.0"):
        with pytest.raises(release.ReleaseError, match="no text under"):
            release.ready(repository, version)


def test_lines_that_belong_to_no_version_stop_it(release: ModuleType, repository: Path) -> None:
    (repository / "CHANGELOG.md").write_text(_CHANGELOG.format(new="\n- Forgotten.\n"), encoding="utf-8")
    commit(repository)
    with pytest.raises(release.ReleaseError, match="under Unreleased"):
        release.ready(repository, "1.2.0")


def test_the_hashes_are_those_of_the_files(release: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"a")
    release.write_hashes(tmp_path)
    assert (tmp_path / "SHA256SUMS").read_text("ascii") == f"{hashlib.sha256(b'a').hexdigest()}  a.whl\n"


def test_old_files_are_not_taken_into_a_release(release: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "old.whl").touch()
    with pytest.raises(release.ReleaseError, match="not empty"):
        release.make_files(tmp_path, "1.2.0")
