"""Writes Radicale's htpasswd file, since Windows has no tool for it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from passlib.hash import sha512_crypt

_ROUNDS = 30_000  # about 20 ms to check; Radicale remembers a checked password


def set_password(file: Path, login: str, password: str) -> None:
    """Set a login's password, keeping the other lines; the file is replaced as a whole or not at all.

    Raises ValueError for a login or password that the file cannot hold, OSError if it cannot be written.
    """
    if not login or set(login) & set(":\r\n") or not password or set(password) & set("\r\n"):
        raise ValueError("a login has no colon, and neither login nor password is empty or has a line break")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    entry = f"{login}:{sha512_crypt.hash(password, rounds=_ROUNDS)}"
    kept = [line for line in lines if line.partition(":")[0] != login and line.strip()]
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=file.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write("\n".join([*kept, entry, ""]))
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def has_login(file: Path, login: str) -> bool:
    """Return whether the file has a password of a login."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return any(line.partition(":")[0] == login for line in lines)
