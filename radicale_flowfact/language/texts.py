"""Says a text in the language of who reads it.

``_`` marks a text where it is written and translates it; its values are put in afterwards, by ``str.format``.
``translated`` is for texts of lower layers, which are raised and kept in English with their values in them. The
language is that of the context: a command chooses it once, a web page for each answer; without a choice it is English.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import partial

from radicale_flowfact.language.catalogues import german

ENGLISH, GERMAN = "en", "de"
LANGUAGES = (GERMAN, ENGLISH)
_DEPTH = 4  # sentences within sentences
_chosen: ContextVar[str] = ContextVar("language", default=ENGLISH)


def preferred(setting: str = "", environment: Mapping[str, str] = os.environ) -> str:
    """Return the language of a setting; without one, that of LC_ALL, LC_MESSAGES or LANG; else English."""
    named = [setting, *(environment.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))]
    first = next((name for name in named if name), ENGLISH)
    language = first.lower().replace("-", "_").partition("_")[0].partition(".")[0]
    return language if language in LANGUAGES else ENGLISH


def choose(language: str) -> None:
    """Say texts in this language from now on in this context; a thread that is started later begins in English."""
    _chosen.set(language if language in LANGUAGES else ENGLISH)


def chosen() -> str:
    """Return the language of this context: ``de`` or ``en``."""
    return _chosen.get()


@contextmanager
def using(language: str) -> Iterator[None]:
    """Say texts in this language within the block."""
    token = _chosen.set(language if language in LANGUAGES else ENGLISH)
    try:
        yield
    finally:
        _chosen.reset(token)


def _(message: str) -> str:
    """Return a text that stands in the code, translated. Its catalogue is read when German is first asked for."""
    return german().messages.gettext(message) if _chosen.get() == GERMAN and message else message


def ngettext(one: str, many: str, count: int) -> str:
    """Return the text for one or for many, translated."""
    if _chosen.get() == GERMAN:
        return german().messages.ngettext(one, many, count)
    return one if count == 1 else many


def shown_time(moment: datetime) -> str:
    """Return a time as every screen shows it, to the minute; it is the office's wall-clock time already."""
    return f"{moment:%d.%m.%Y %H:%M}"


def translated(text: str) -> str:
    """Return the English text of a lower layer, translated line by line; a line that nobody knows stays English."""
    if _chosen.get() != GERMAN or not text:
        return text
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    bare = line.strip()
    return line.replace(bare, _sentence(bare, _DEPTH), 1) if bare else line


def _sentence(text: str, depth: int) -> str:
    """Return one sentence, translated: as it is, else by the first template that makes it (``Template.rank``)."""
    known = german()
    said = known.messages.gettext(text)
    if said != text or depth == 0:
        return said
    inner = partial(_sentence, depth=depth - 1)
    found = (template.translated(text, inner) for template in known.templates)
    if (german_text := next((one for one in found if one is not None), None)) is not None:
        return german_text
    place, colon, rest = text.partition(": ")  # such as a file or a login, and what is wrong there
    return f"{place}{colon}{inner(rest)}" if rest else text
