"""Finds Radicale's configuration and, through its ``[storage]`` section, the gateway's settings.

Relative paths in a configuration file count from the folder it lies in.
"""

from __future__ import annotations

import configparser
import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from radicale import config as radicale_config
from radicale.config import Configuration

from radicale_flowfact.crm.names import NameMap, NameMapError
from radicale_flowfact.database.secrets import remember
from radicale_flowfact.settings import Settings, SettingsError, load_settings, text_of

STORAGE_TYPE = "radicale_flowfact.storage"


def load_configuration(path: Path | None) -> Configuration:
    """Return Radicale's configuration from ``path``, or from where Radicale looks.

    Raises SettingsError when there is none, it is wrong, or its storage is not this one.
    """
    found = find_configuration(path)
    with _in_folder(found):
        _require_ini(found)
        try:
            configuration = radicale_config.load([(str(found), False)])
            filename = configuration.get("auth", "htpasswd_filename")
        except Exception as error:  # Radicale raises RuntimeError, configparser its own
            if "'flowfact_config'" in str(error):  # only our own storage knows this option
                raise SettingsError(f"{found}: [storage] type must be {STORAGE_TYPE}") from None
            raise SettingsError(f"{found}: {_fault(error)}") from None  # configparser's error holds the line
        remember(configuration.get("auth", "ldap_secret"))
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
    """Return the gateway's settings. Raises SettingsError, also for a name map that has unknown names."""
    path = settings_path(configuration)
    settings = load_settings(path)
    try:
        NameMap.from_overrides(settings.names)
    except NameMapError as error:
        raise SettingsError(f"{path}: {error}") from error
    return settings


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


def _require_ini(path: Path) -> None:
    """Raise SettingsError for a file that is no Radicale configuration, without what stands in it."""
    text = text_of(path, may_have_mark=False)
    if path.suffix.lower() == ".toml" or re.search(r"^\s*database_url\s*=", text, re.MULTILINE):
        raise SettingsError(
            f"{path}: holds the gateway's settings; name the Radicale configuration (radicale.ini) with --config, "
            "whose [storage] flowfact_config names this file"
        )


def _fault(error: Exception) -> str:
    """Return what is wrong with a configuration: of configparser's errors the place only, since they quote lines."""
    cause = error.__cause__ or error
    if isinstance(cause, configparser.MissingSectionHeaderError):
        return f"line {cause.lineno} stands above the first [section]; write the section's name above it"
    if isinstance(cause, configparser.DuplicateSectionError):
        return f"line {cause.lineno}: there is a section [{cause.section}] above; put both into one"
    if isinstance(cause, configparser.DuplicateOptionError):
        return f"line {cause.lineno}: [{cause.section}] {cause.option} stands there twice; keep one of them"
    if isinstance(cause, configparser.ParsingError):
        return f"line {cause.errors[0][0]} is neither a [section] nor a key = value"
    return f"cannot be used: {error}; correct it there"


@contextlib.contextmanager
def _in_folder(path: Path) -> Iterator[None]:
    if path.is_dir():
        raise SettingsError(f"{path}: is a folder; name the Radicale configuration in it with --config")
    if not path.is_file():
        raise SettingsError(f"{path}: there is no such file; name the Radicale configuration with --config")
    with contextlib.chdir(path.parent):
        yield
