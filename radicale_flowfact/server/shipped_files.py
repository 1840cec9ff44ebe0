"""Writes the configuration files that come with the package: Radicale's, the gateway's, and those of a service.

They lie in ``config/`` and ``packaging/`` of the repository; a wheel has them in ``radicale_flowfact/shipped/``
(``setup.py`` puts them there), so there is one copy of each to keep right.
"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path

from radicale_flowfact.settings import SettingsError

_PACKAGE = Path(__file__).resolve().parents[1]
_HOMES = (_PACKAGE / "shipped", _PACKAGE.parent)
_CONFIGURATION = ("config/radicale.ini", "config/flowfact.toml")


class Service(StrEnum):
    """The service managers and reverse proxies that a file is shipped for."""

    SYSTEMD = "systemd"
    WINDOWS = "windows"
    CADDY = "caddy"
    NGINX = "nginx"


_OF_SERVICE = {
    Service.SYSTEMD: "packaging/radicale-flowfact.service",
    Service.WINDOWS: "packaging/windows/radicale-flowfact.xml",
    Service.CADDY: "packaging/Caddyfile",
    Service.NGINX: "packaging/nginx.conf",
}


def write_configuration(folder: Path, service: Service | None = None, *, replace: bool = False) -> list[Path]:
    """Write the configuration files into a folder, all or none; return where they are.

    ``replace`` allows to write over files that are there. flowfact.toml may come to hold a password: on POSIX its owner
    alone can read it. Raises SettingsError with the next step in it.
    """
    names = [*_CONFIGURATION, *([_OF_SERVICE[service]] if service else [])]
    targets = {folder / Path(name).name: _shipped(name) for name in names}
    there = [str(target) for target in targets if target.exists()]
    if there and not replace:
        raise SettingsError(f"{', '.join(there)}: there already. Name another folder, or replace them with --force")
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"{folder} is a file; name a folder for the configuration")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for target, source in targets.items():
            _write(target, source.read_bytes())
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(
            f"{error.filename or folder}: {reason}. Name a folder that you may write, or run this as its owner"
        ) from error
    return list(targets)


def shipped_text(name: str) -> str:
    """Return the text of a file that comes with the package, such as ``config/flowfact.toml``. Raises SettingsError."""
    return _shipped(name).read_text(encoding="utf-8")


def _shipped(name: str) -> Path:
    for home in _HOMES:
        if (home / name).is_file():
            return home / name
    raise SettingsError(f"{name} is not part of this installation; install the package radicale-flowfact again")


def _write(target: Path, content: bytes) -> None:
    mode = 0o600 if target.name == "flowfact.toml" else 0o644
    temporary = target.with_name(f".{target.name}.new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    temporary.replace(target)
