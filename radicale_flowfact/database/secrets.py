"""Keeps the database's password out of everything that is printed or logged, and out of flowfact.toml.

``${NAME}`` stands for an environment variable, ``${file:path}`` for the first line of a file. What came from there,
and what stands as a password in the URL, is remembered here and masked in every message, whoever wrote it: drivers
quote host names, and half of a password with an unescaped ``@`` is one.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, unquote

_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_USER_INFO = re.compile(r"(?<=://)(?P<user>[^:@/]*):(?P<password>.*)@")
_QUERY = re.compile(r"(?:PWD|password)(?:=|%3D)(.*?)(?:;|%3B|&|$)", re.IGNORECASE)
_SHORTEST, _SHORTEST_PIECE = 3, 4  # shorter ones would mask half of every message
MASK = "***"
_secrets: set[str] = set()


class SecretError(Exception):
    """A reference leads nowhere; the message names it, never a value."""


def resolved(url: str, folder: Path) -> str:
    """Return a database URL with its references replaced, relative files counted from ``folder``.

    Between ``://`` and ``@`` a value is escaped as a URL needs it, so a password is written as it is. Raises
    SecretError.
    """
    start, end = url.find("://") + 3, url.rfind("@")

    def value(found: re.Match[str]) -> str:
        text = _value(found[1], folder)
        if start <= found.start() < end:
            remember(text)
            return quote(text, safe="")
        return text

    made = _REFERENCE.sub(value, url)
    _remember_passwords(made)
    if _secrets:
        mask_logs()
    return made


def _value(name: str, folder: Path) -> str:
    if name.startswith("file:"):
        path = folder / Path(os.path.expandvars(name.removeprefix("file:"))).expanduser()
        try:
            return path.read_text(encoding="utf-8-sig").partition("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise SecretError(f"the file {path} cannot be read: {reason}") from None
    try:
        return os.environ[name]
    except KeyError:
        raise SecretError(f"the environment variable {name} is not set") from None


def _remember_passwords(url: str) -> None:
    found = _USER_INFO.search(url)
    for secret in [*([found["password"]] if found else []), *(match[1] for match in _QUERY.finditer(url))]:
        remember(secret)
        for piece in re.split(r"[@:/?#\[\]]", secret):
            if len(piece) >= _SHORTEST_PIECE:
                remember(piece)


def remember(secret: str) -> None:
    """Mask a secret, in every spelling of it, in all that is told from now on."""
    forms = {secret, unquote(secret), quote(secret, safe=""), repr(secret)[1:-1]}
    _secrets.update(form for form in forms if len(form) >= _SHORTEST)


def masked(text: str) -> str:
    """Return a text with each known secret replaced, the longest first."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


class _MaskedRecord(logging.LogRecord):
    """A record whose message and trace are masked, whoever formats it."""

    def getMessage(self) -> str:  # noqa: N802 - logging's own name
        return masked(super().getMessage())

    @property
    def exc_text(self) -> str | None:
        """The trace as text, which a formatter keeps here and then takes from here."""
        text: str | None = self.__dict__.get("exc_text")
        return text

    @exc_text.setter
    def exc_text(self, text: str | None) -> None:
        self.__dict__["exc_text"] = None if text is None else masked(text)


class _MaskingFactory:
    def __init__(self, made: Callable[..., logging.LogRecord]) -> None:
        self._made = made

    def __call__(self, *args: object, **kwargs: object) -> logging.LogRecord:
        record = self._made(*args, **kwargs)
        if type(record) is logging.LogRecord:
            record.__class__ = _MaskedRecord
        return record


def mask_logs() -> None:
    """Mask what is logged from now on in this process; Radicale sets its own logging up before or after that."""
    made = logging.getLogRecordFactory()
    if not isinstance(made, _MaskingFactory):
        logging.setLogRecordFactory(_MaskingFactory(made))
