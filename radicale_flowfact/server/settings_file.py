"""Changes flowfact.toml and keeps what stands in it, its comments included; writes files with the rights they need.

A file is replaced as a whole or not at all, and flowfact.toml only by what can be read as settings.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError

from radicale_flowfact.settings import SettingsError, load_settings

_OWNER_ONLY, _OWNER_AND_GROUP = 0o600, 0o640


def read(path: Path) -> TOMLDocument:
    """Return flowfact.toml as a document that can be changed. Raises SettingsError."""
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is not valid TOML: {error}") from error


def section(document: TOMLDocument, *names: str) -> Any:  # noqa: ANN401 - tomlkit's containers
    """Return a section of the document, made at its end if it is not there."""
    found: Any = document
    for name in names:
        if name not in found:
            found[name] = tomlkit.table(is_super_table=name == "users")
        found = found[name]
    return found


def add_user(document: TOMLDocument, login: str, flowfact: str, merkmale: Iterable[str] = ()) -> None:
    """Add ``[users.<login>]``; ``merkmale`` only where BENMKM is not mapped."""
    made = tomlkit.table()
    made["flowfact"] = flowfact
    if named := list(merkmale):
        made["address_merkmale"] = named
        made["activity_merkmale"] = named
    section(document, "users")[login] = made


def set_names(document: TOMLDocument, names: Mapping[str, str]) -> None:
    """Make ``[names]`` say this; comments of lines that stay are kept."""
    there = section(document, "names")
    for name in [name for name in there if name not in names]:
        del there[name]
    for name, physical in names.items():
        if there.get(name) != physical:
            there[name] = physical


def save(path: Path, document: TOMLDocument) -> None:
    """Write flowfact.toml, readable for its owner only, if it can be read as settings. Raises SettingsError."""
    text = tomlkit.dumps(document)
    with replaced(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        try:
            load_settings(temporary)
        except SettingsError as error:
            raise SettingsError(str(error).replace(str(temporary), str(path))) from error


def write(path: Path, text: str) -> None:
    """Write a file as a whole; a new one is readable for its owner only. Raises SettingsError."""
    with replaced(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


@contextlib.contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Give a file beside ``path`` that takes its place at the end, with its rights and owner; others may not read it.

    Raises SettingsError if it cannot be written; then ``path`` is as it was.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written: {error.strerror}") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _take_rights(temporary, path)
        temporary.replace(path)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _take_rights(new: Path, old: Path) -> None:
    """Give a file the owner and rights of the one whose place it takes, but none to others.

    Where there is none, root gives it to the owner and group of the folder: the service must be able to read it.
    """
    mode = _OWNER_ONLY
    is_root = os.name != "nt" and os.geteuid() == 0
    try:
        status = old.stat()
        mode = status.st_mode & 0o770 or _OWNER_ONLY
    except FileNotFoundError:
        status = old.parent.stat()
        if is_root and status.st_uid == 0 and status.st_gid != 0:
            mode = _OWNER_AND_GROUP
    if is_root:
        os.chown(new, status.st_uid, status.st_gid)
    new.chmod(mode)
