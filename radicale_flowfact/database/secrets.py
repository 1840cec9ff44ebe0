"""Keeps passwords out of flowfact.toml and out of everything that is printed or logged.

``${NAME}`` stands for an environment variable, ``${file:path}`` for the first line of a file. Values from there, and
the password in a URL, are remembered here and masked in every message, whoever wrote it: drivers quote host names, and
half of a password with an unescaped ``@`` becomes one.
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
_QUERY = re.compile(r"(?:PWD|password)\s*(?:=|%3D)\s*((?:\{|%7B).*?(?:\}|%7D)|.*?)(?:;|%3B|&|$)", re.IGNORECASE)
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
_SHORTEST, _SHORTEST_PIECE = 3, 4  # characters; shorter ones would mask parts of ordinary words
MASK = "***"
_secrets: set[str] = set()
_encoded: set[str] = set()


class SecretError(Exception):
    """A reference that cannot be resolved; the message names it, never a value."""


def resolved(url: str, folder: Path) -> str:
    """Return a text with its references replaced; relative files are searched in ``folder``.

    In a URL, values between ``://`` and ``@`` are percent-encoded, so a password is written as it is. Raises
    SecretError.
    """
    start, end = url.find("://") + 3, url.rfind("@")

    def value(found: re.Match[str]) -> str:
        text = _value(found[1], folder)
        if start <= found.start() < end:
            remember(text)
            if _ENCODED.search(text):
                _encoded.add(found[1])
            return quote(text, safe="")
        return text

    replaced = _REFERENCE.sub(value, url)
    _remember_passwords(replaced)
    if _secrets:
        mask_logs()
    return replaced


def encoded_notes() -> list[str]:
    """Return a hint for each reference whose value looks percent-encoded, for when there is no connection."""
    return [
        f"What ${{{name}}} stands for looks percent-encoded; there a password is written as it is"
        for name in sorted(_encoded)
    ]


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
        remember(re.sub(r"^(?:\{|%7B)|(?:\}|%7D)$", "", secret, flags=re.IGNORECASE))
        for piece in re.split(r"[@:/?#\[\]]", secret):
            if len(piece) >= _SHORTEST_PIECE:
                remember(piece)


def remember(secret: str) -> None:
    """Mask a secret from now on, in each of its spellings (plain, percent-encoded, escaped)."""
    forms = {secret, unquote(secret), quote(secret, safe=""), repr(secret)[1:-1]}
    _secrets.update(form for form in forms if len(form) >= _SHORTEST)


def masked(text: str) -> str:
    """Return a text with each known secret replaced by ``***``, the longest first."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


class _MaskedRecord(logging.LogRecord):
    """A log record whose message and trace are masked, whichever formatter is used."""

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
    """Mask everything that is logged from now on in this process, also by loggers that Radicale sets up later."""
    made = logging.getLogRecordFactory()
    if not isinstance(made, _MaskingFactory):
        logging.setLogRecordFactory(_MaskingFactory(made))
