"""Asks for what ``setup`` needs to know: a file of answers first, then the person at the terminal.

Without a terminal nothing is waited for: what has no answer and no default is an error that names its key.
"""

from __future__ import annotations

import difflib
import getpass
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from radicale_flowfact.commands.shared import console
from radicale_flowfact.language.texts import _
from radicale_flowfact.settings import SettingsError

KEYS: Mapping[str, str] = {
    "replace": "whether files that are there may be changed: true or false",
    "write": "whether devices may change FlowFact: true or false",
    "timezone": "the zone of FlowFact's local times",
    "hosts": "the addresses to listen on",
    "database.kind": "mssql, postgresql or sqlite",
    "database.url": "a whole database URL, instead of the parts",
    "database.driver": "the ODBC driver",
    "database.server": "the server, for SQL Server with its instance or port",
    "database.name": "the name of FlowFact's database, of SQLite the file",
    "database.user": "the database user; empty: the Windows user",
    "database.password": "his password; it goes into a file of its own",
    "database.trust_certificate": "true for a SQL Server with a certificate of its own making",
    "database.schema": "the schema of FlowFact's tables, where it is not the default one",
    "database.state_schema": "the schema of the gateway's own tables",
    "users.map": 'logins to map, or "all", or "none"',
    "users.passwords": '"generate" or "none"',
}
"""Every key of a file of answers beside those of ``[names]``, ``[values]`` and ``[users.settings.<login>]``."""
_OPEN = ("names", "values", "users.settings")
_LONGEST_TRY = 5


class MissingError(SettingsError):
    """Answers that nobody gave; the message names their keys."""


class Answers:
    """The answers of a file, and of the person at the terminal where there is one."""

    def __init__(self, file: Path | None, *, can_ask: bool | None = None) -> None:
        self._file = file
        self._given = {} if file is None else _read(file)
        self.can_ask = sys.stdin.isatty() and file is None if can_ask is None else can_ask

    def given(self, key: str) -> Any:  # noqa: ANN401 - what stands in the file
        """Return what the file says for a key, or None."""
        found: Any = self._given
        for part in key.split("."):
            if not isinstance(found, Mapping) or part not in found:
                return None
            found = found[part]
        return found

    def section(self, key: str) -> Mapping[str, Any]:
        """Return a section of the file, empty if it has none."""
        found = self.given(key)
        return found if isinstance(found, Mapping) else {}

    def text(
        self,
        key: str,
        question: str,
        default: str | None = None,
        *,
        fault: Callable[[str], str] = lambda text: "",
        secret: bool = False,
    ) -> str:
        """Return an answer as text. Raises MissingError if there is none, SettingsError for a wrong one of the file.

        ``fault`` says what is wrong with an answer; at the terminal it is asked again.
        """
        given = self.given(key)
        if given is not None:
            wrong = fault(str(given))
            if wrong:
                raise SettingsError(_("answer {key}: {wrong}").format(key=key, wrong=wrong))
            return str(given)
        if not self.can_ask:
            if default is None:
                raise self.missing([key])
            return default
        for _number in range(_LONGEST_TRY):
            answer = _asked(question, default, secret=secret)
            wrong = fault(answer)
            if not wrong:
                return answer
            console.print(wrong, style="red", markup=False)
        raise SettingsError(_("there is no usable answer to: {question}").format(question=question))

    def yes(self, key: str, question: str, *, default: bool) -> bool:
        """Return an answer of yes or no. Raises as ``text``."""
        given = self.given(key)
        if isinstance(given, bool):
            return given
        words = {"y": True, "yes": True, "j": True, "ja": True, "true": True}
        words |= {"n": False, "no": False, "nein": False, "false": False}

        def fault(text: str) -> str:
            return "" if text.strip().lower() in words else _("answer yes or no")

        return words[self.text(key, question, _("yes") if default else _("no"), fault=fault).strip().lower()]

    def choice(self, key: str, question: str, options: Sequence[str], default: str | None = None) -> str:
        """Return one of the options. Raises as ``text``."""
        told = ", ".join(options)

        def fault(text: str) -> str:
            return "" if text in options else _("it must be one of: {options}").format(options=told)

        return self.text(key, f"{question} ({told})", default, fault=fault)

    def missing(self, keys: Sequence[str]) -> MissingError:
        """Return the error that names keys without an answer."""
        where = self._file or _("a file for --answers")
        lines = "".join(f"\n  {key}" + (f"  ({KEYS[key]})" if key in KEYS else "") for key in keys)
        return MissingError(_("answers are missing; write them into {where}:{lines}").format(where=where, lines=lines))


def _asked(question: str, default: str | None, *, secret: bool) -> str:
    shown = f"{question} [{default}]: " if default else f"{question}: "
    try:
        answer = getpass.getpass(shown) if secret else input(shown)
    except EOFError as error:
        raise SettingsError(_("the input ended; nothing was written")) from error
    return answer.strip() or (default or "")


def _read(file: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(_("{path}: cannot be read: {reason}").format(path=file, reason=error.strerror)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(_("{path}: is not valid TOML: {error}").format(path=file, error=error)) from error
    for key in _keys(found):
        if key not in KEYS and not key.startswith(tuple(f"{name}." for name in _OPEN)) and key not in _OPEN:
            near = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.0)[0]
            unknown = _("{file}: unknown answer {key}; did you mean {near}?")
            raise SettingsError(unknown.format(file=file, key=key, near=near))
    return found


def _keys(section: Mapping[str, Any], before: str = "") -> list[str]:
    keys = []
    for name, value in section.items():
        key = f"{before}{name}"
        if isinstance(value, Mapping) and key not in _OPEN:
            keys += _keys(value, f"{key}.")
        else:
            keys.append(key)
    return keys
