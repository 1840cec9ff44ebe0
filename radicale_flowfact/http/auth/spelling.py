"""Finds the login that is meant, whatever its case and blanks: phones write ``Anna`` and put a blank behind it.

The login of flowfact.toml takes the place of what was written, in the credentials and at the beginning of the path.
So everything behind this (throttling, rights, collections) sees one spelling.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from radicale.config import Configuration

LoginNamed = Callable[[str], str | None]
"""Returns the mapped login that a text means, or None: ``Settings.login_named``."""
_EXTERNAL = ("REMOTE_USER", "HTTP_REMOTE_USER", "HTTP_X_REMOTE_USER")  # where a web server writes the login


class Spelling:
    """Corrects the spelling of logins in requests; what names no mapped login stays as it is."""

    def __init__(self, configuration: Configuration, login_named: LoginNamed) -> None:
        self._login_named = login_named
        self._lowers = configuration.get("auth", "lc_username")
        self._uppers = configuration.get("auth", "uc_username")
        self._decodes = configuration.get("auth", "urldecode_username")
        self._strips = configuration.get("auth", "strip_domain")

    def corrected(self, environ: dict[str, Any]) -> dict[str, Any]:
        """Return the environment with the mapped login in the credentials and in the path."""
        changed = {}
        if authorization := self._authorization(environ.get("HTTP_AUTHORIZATION", "")):
            changed["HTTP_AUTHORIZATION"] = authorization
        changed.update({key: login for key in _EXTERNAL if (login := self._other(environ.get(key, "")))})
        if path := self._path(environ):
            changed["PATH_INFO"] = path
        return {**environ, **changed} if changed else environ

    def _other(self, written: str) -> str:
        """Return the mapped login if it is spelled otherwise than written, else ""."""
        meant = self._login_named(written) if written else None
        return meant if meant is not None and meant != written else ""

    def _authorization(self, header: str) -> str:
        if not header.startswith("Basic"):
            return ""
        try:
            decoded = base64.b64decode(header[len("Basic") :].strip().encode("ascii"))
        except (ValueError, binascii.Error):
            return ""
        try:
            text = decoded.decode()
        except UnicodeDecodeError:
            text = decoded.decode("latin-1")  # as Radicale reads it then
        written, colon, password = text.partition(":")
        login = self._other(self._as_read(written)) if colon else ""
        return f"Basic {base64.b64encode(f'{login}:{password}'.encode()).decode()}" if login else ""

    def _as_read(self, login: str) -> str:
        """Return a login as Radicale's ``BaseAuth.login`` reads it."""
        login = login.lower() if self._lowers else login.upper() if self._uppers else login
        login = unquote(login) if self._decodes else login
        return login.split("@")[0] if self._strips else login

    def _path(self, environ: dict[str, Any]) -> str:
        """Return the path with the mapped login as its first part; "" if it need not change."""
        path: str = environ.get("PATH_INFO", "")
        prefix = str(environ.get("HTTP_X_SCRIPT_NAME", environ.get("SCRIPT_NAME", "")))
        start = len(prefix) if prefix and path.startswith(f"{prefix}/") else 0
        if not path.startswith("/", start):
            return ""
        written, slash, rest = path[start + 1 :].partition("/")
        login = self._other(written)
        return f"{path[:start]}/{login}{slash}{rest}" if login else ""
