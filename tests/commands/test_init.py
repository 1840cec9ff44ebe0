"""``init`` writes what an admin begins with, and tells what is next; ``--version`` tells what is installed."""

from __future__ import annotations

import os
import stat
from importlib.metadata import version
from pathlib import Path

import pytest

from radicale_flowfact.settings import load_settings
from tests.commands.test_commands import run

ROOT = Path(__file__).parents[2]


def test_version() -> None:
    assert run("--version").stdout.strip() == f"radicale-flowfact {version('radicale-flowfact')}"


def test_init_writes_the_commented_files_and_the_next_steps(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "configuration"
    done = run("init", str(folder))
    assert done.returncode == 0
    for name in ("radicale.ini", "flowfact.toml"):
        assert (folder / name).read_bytes() == (ROOT / "config" / name).read_bytes()
    assert "radicale-flowfact check --config" in done.stdout
    load_settings(folder / "flowfact.toml")
    if os.name == "posix":
        assert stat.S_IMODE((folder / "flowfact.toml").stat().st_mode) == 0o600


@pytest.mark.parametrize("service", ["systemd", "windows", "caddy", "nginx"])
def test_init_adds_the_file_of_a_service(tmp_path: Path, service: str) -> None:
    assert run("init", str(tmp_path / "x"), "--service", service).returncode == 0
    assert len(list((tmp_path / "x").iterdir())) == 3


def test_init_overwrites_nothing_unless_told(tmp_path: Path) -> None:
    (tmp_path / "flowfact.toml").write_text("mine", encoding="utf-8")
    done = run("init", str(tmp_path))
    assert done.returncode == 1
    assert "--force" in done.stderr
    assert (tmp_path / "flowfact.toml").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "radicale.ini").exists()
    assert run("init", str(tmp_path), "--force").returncode == 0
    assert (tmp_path / "flowfact.toml").read_text(encoding="utf-8") != "mine"


def test_init_tells_of_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    done = run("init", str(tmp_path / "taken"))
    assert done.returncode == 1
    assert "is a file" in done.stderr


def test_init_tells_of_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    done = run("init", str(tmp_path / "taken" / "below"))
    assert done.returncode == 1
    assert "Name a folder that you may write" in done.stderr
    assert "Traceback" not in done.stderr
