"""Writes Radicale's htpasswd file, since Windows has no tool for it, and makes passwords that can be typed."""

from __future__ import annotations

import secrets
from pathlib import Path

from passlib.hash import sha512_crypt

from radicale_flowfact.server.settings_file import replaced
from radicale_flowfact.settings import login_key

_ROUNDS = 30_000  # about 20 ms to check; Radicale remembers a checked password
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another, none that needs the shift key
_GROUPS, _GROUP = 4, 4  # 79 bits


def generated() -> str:
    """Return a random password that can be typed on a phone: four groups of four letters and digits."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def set_password(file: Path, login: str, password: str) -> None:
    """Set a login's password, keeping the other lines; the file is replaced as a whole or not at all.

    Lines of the same login in another spelling go. A new file is readable for its owner only, another one keeps its
    rights. Raises ValueError for a login or password that the file cannot hold, OSError or SettingsError if it cannot
    be written.
    """
    if not login or set(login) & set(":\r\n") or not password or set(password) & set("\r\n"):
        raise ValueError("a login has no colon, and neither login nor password is empty or has a line break")
    entry = f"{login}:{sha512_crypt.hash(password, rounds=_ROUNDS)}"
    kept = [line for line in _lines(file) if _login_of(line) != login_key(login) and line.strip()]
    with replaced(file) as temporary:
        temporary.write_text("\n".join([*kept, entry, ""]), encoding="utf-8", newline="\n")


def has_login(file: Path, login: str) -> bool:
    """Return whether the file has a password of a login, whatever its case and blanks."""
    return any(_login_of(line) == login_key(login) for line in _lines(file))


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def _login_of(line: str) -> str | None:
    """Return the ``login_key`` of a line's login; None for a comment or a line that is none."""
    login, colon, _ = line.partition(":")
    return login_key(login) if colon and not line.lstrip().startswith("#") else None
