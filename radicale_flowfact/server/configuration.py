"""Finds Radicale's configuration and, through its ``[storage]`` section, the gateway's settings.

Relative paths in a configuration file count from the folder it lies in.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from radicale import config as radicale_config
from radicale.config import Configuration

from radicale_flowfact.settings import Settings, SettingsError, load_settings

STORAGE_TYPE = "radicale_flowfact.storage"


def load_configuration(path: Path | None) -> Configuration:
    """Return Radicale's configuration from ``path``, or from where Radicale looks.

    Raises SettingsError when there is none, it is wrong, or its storage is not this one.
    """
    found = find_configuration(path)
    with _in_folder(found):
        try:
            configuration = radicale_config.load([(str(found), False)])
            filename = configuration.get("auth", "htpasswd_filename")
        except Exception as error:  # Radicale raises RuntimeError, configparser its own
            raise SettingsError(f"{found}: cannot be used: {error}") from error
        if configuration.get("storage", "type") != STORAGE_TYPE:
            raise SettingsError(f"{found}: [storage] type must be {STORAGE_TYPE}")
        settings = configuration.get("storage", "flowfact_config") if _names_settings(configuration) else ""
        paths = {
            "storage": {"flowfact_config": str(Path(settings or "flowfact.toml").expanduser().resolve())},
            "auth": {"htpasswd_filename": filename},
        }
    configuration.update(paths, f"paths of {found}", privileged=False)
    return configuration


def find_configuration(path: Path | None) -> Path:
    """Return the configuration file that is meant: the named one, or where Radicale looks. Raises SettingsError."""
    return (path or _default_path()).expanduser().resolve()


def settings_path(configuration: Configuration) -> Path:
    """Return the path of flowfact.toml."""
    return Path(configuration.get("storage", "flowfact_config"))


def settings_of(configuration: Configuration) -> Settings:
    """Return the gateway's settings. Raises SettingsError."""
    return load_settings(settings_path(configuration))


def _names_settings(configuration: Configuration) -> bool:
    return "flowfact_config" in configuration.options("storage")


def _default_path() -> Path:
    named = os.environ.get("RADICALE_CONFIG")
    places = radicale_config.parse_compound_paths(radicale_config.DEFAULT_CONFIG_PATH, named)
    for place, _ in reversed(places):
        if Path(place).is_file():
            return Path(place)
    looked = ", ".join(place for place, _ in places)
    raise SettingsError(f"no Radicale configuration found (looked at {looked}); name one with --config")


@contextlib.contextmanager
def _in_folder(path: Path) -> Iterator[None]:
    if not path.is_file():
        raise SettingsError(f"{path}: there is no such file; name the Radicale configuration with --config")
    with contextlib.chdir(path.parent):
        yield
