"""Reads the German catalogues: every ``.po`` file of ``de``, at first use, into one translation in memory.

Nothing has to be compiled, so a catalogue cannot be older than its source. Each room has a file of its own.
"""

from __future__ import annotations

import gettext
import io
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from radicale_flowfact.language.templates import Template


@dataclass(frozen=True, slots=True)
class Translation:
    """The German of every text: by msgid, and by templates for texts that already have their values in them."""

    messages: gettext.GNUTranslations
    templates: tuple[Template, ...]


@cache
def german() -> Translation:
    """Return the German catalogues, read once in a process; an entry without German, or a fuzzy one, does not count."""
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    whole = Catalog(locale="de")
    for source in sorted(files("radicale_flowfact.language").joinpath("de").iterdir(), key=lambda file: file.name):
        if source.name.endswith(".po"):
            for message in read_po(io.BytesIO(source.read_bytes()), locale="de"):
                if message.id and message.string and not message.fuzzy:
                    whole[message.id] = message
    compiled = io.BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    pairs = [(message.id, message.string) for message in whole if message.id]
    templates = (
        Template.of(english, text) for english, text in pairs if isinstance(english, str) and isinstance(text, str)
    )
    ordered = sorted((one for one in templates if one.is_needed), key=lambda one: one.rank)
    return Translation(gettext.GNUTranslations(compiled), tuple(ordered))
