"""Writes what ``setup`` found out, and changes no file that is there without a yes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit import TOMLDocument

from radicale_flowfact.commands.setup.answers import Answers
from radicale_flowfact.commands.setup.database import PASSWORD_FILE, Database
from radicale_flowfact.commands.shared import console
from radicale_flowfact.language.texts import _
from radicale_flowfact.server import settings_file
from radicale_flowfact.server.shipped_files import shipped_text
from radicale_flowfact.settings import SettingsError

_PASSWORDS = "users.htpasswd"
_EVERYBODY_READS = 0o644


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of the configuration."""

    path: Path

    @property
    def radicale(self) -> Path:
        """Radicale's configuration."""
        return self.path / "radicale.ini"

    @property
    def flowfact(self) -> Path:
        """The gateway's settings."""
        return self.path / "flowfact.toml"

    def known(self) -> Mapping[str, Any]:
        """Return what flowfact.toml says now; nothing if it is not there. Raises SettingsError."""
        return settings_file.read(self.flowfact).unwrap() if self.flowfact.exists() else {}

    def make(self) -> None:
        """Make the folder. Raises SettingsError."""
        if self.path.exists() and not self.path.is_dir():
            raise SettingsError(f"{self.path} is a file; name a folder for the configuration")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"{error.filename or self.path}: {error.strerror}. Name a folder that you may write, or run this as "
                "its owner"
            ) from error


def write(
    folder: Folder, answers: Answers, database: Database, names: Mapping[str, str], values: Mapping[str, Any]
) -> None:
    """Write the password's file, flowfact.toml, radicale.ini and an empty password file. Raises SettingsError."""
    document, before = _settings(folder)
    document["database_url"] = database.url
    document["state_schema"] = database.state_schema
    _set(document, "write", answers.given("write"))
    _set(document, "timezone", answers.given("timezone"))
    settings_file.set_names(document, names)
    if values:
        section = settings_file.section(document, "values")
        for key, value in values.items():
            section[key] = value
    secret = folder.path / PASSWORD_FILE
    changes = [folder.flowfact] if before is not None and tomlkit.dumps(document) != before else []
    if database.password and secret.exists() and secret.read_text(encoding="utf-8").rstrip("\n") != database.password:
        changes.append(secret)
    _require_consent(answers, changes)
    if database.password:
        settings_file.write(secret, f"{database.password}\n")
        _told(secret)
    if before is None or changes:
        settings_file.save(folder.flowfact, document)
        _told(folder.flowfact)
    _write_radicale(folder, answers)


def _settings(folder: Folder) -> tuple[TOMLDocument, str | None]:
    """Return flowfact.toml as it is, or the commented one of the package without its example user."""
    if folder.flowfact.exists():
        document = settings_file.read(folder.flowfact)
        return document, tomlkit.dumps(document)
    document = tomlkit.parse(shipped_text("config/flowfact.toml"))
    del document["users"]
    return document, None


def _set(document: TOMLDocument, key: str, value: object) -> None:
    if value is not None:
        document[key] = value


def _write_radicale(folder: Folder, answers: Answers) -> None:
    if folder.radicale.exists():
        console.print(_("{file} is there and stays as it is.").format(file=folder.radicale), markup=False)
        return
    hosts = answers.text(
        "hosts", _("Addresses to listen on (127.0.0.1 is for a proxy on this machine)"), "127.0.0.1:5232"
    )
    text = re.sub(r"(?m)^hosts = .*$", lambda _found: f"hosts = {hosts}", shipped_text("config/radicale.ini"))
    settings_file.write(folder.radicale, text)
    folder.radicale.chmod(_EVERYBODY_READS)  # it holds nothing secret
    _told(folder.radicale)
    passwords = folder.path / _PASSWORDS
    if not passwords.exists():
        settings_file.write(passwords, "")
        _told(passwords)


def _require_consent(answers: Answers, changes: list[Path]) -> None:
    """Raise SettingsError unless files that are there may be changed."""
    if not changes:
        return
    told = ", ".join(map(str, changes))
    if not answers.can_ask and answers.given("replace") is None:
        raise SettingsError(
            _("{files}: there already, and to be changed; say so with replace = true").format(files=told)
        )
    if not answers.yes("replace", _("{files}: there already. Change what differs?").format(files=told), default=False):
        raise SettingsError(_("{files}: left as they are; nothing was written").format(files=told))


def _told(file: Path) -> None:
    console.print(_("File written: {file}").format(file=file), markup=False)
