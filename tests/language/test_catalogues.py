"""The German catalogues say all that a person can read, once, with the values it has, and nothing else."""

from __future__ import annotations

import io

import pytest
from babel.messages.pofile import read_po

from radicale_flowfact.language import catalogues
from radicale_flowfact.language.texts import GERMAN, _, ngettext, using
from tests.language import collected

CATALOGUES = sorted((collected.PACKAGE / "language/de").glob("*.po"))


def entries() -> list[tuple[str, str, str]]:
    """Return file, English and German of each entry, of plurals both forms."""
    found = []
    for file in CATALOGUES:
        for message in read_po(io.BytesIO(file.read_bytes()), locale="de"):
            if message.id:
                english = [message.id] if isinstance(message.id, str) else list(message.id)
                german = [message.string] if isinstance(message.string, str) else list(message.string or ())
                found += [(file.name, *pair) for pair in zip(english, german, strict=True)]
    return found


def test_each_marked_text_has_its_german() -> None:
    there = {english for _file, english, german in entries() if german}
    assert {text: place for text, place in collected.marked().items() if text not in there} == {}


@pytest.mark.parametrize("texts", [collected.raised, collected.said, collected.listed, collected.helps])
def test_each_text_of_a_lower_layer_has_a_template(texts: collected.Collector) -> None:
    there = {collected.shape(english) for _file, english, german in entries() if german}
    assert {text: place for text, place in texts().items() if collected.shape(text) not in there} == {}


def test_no_entry_is_unused() -> None:
    marked = collected.marked()
    lower = {**collected.raised(), **collected.said(), **collected.listed(), **collected.helps()}
    shapes = {collected.shape(text) for text in lower}
    unused = [
        (file, english)
        for file, english, _german in entries()
        if english not in marked and collected.shape(english) not in shapes
    ]
    assert unused == []


def test_no_text_is_translated_twice() -> None:
    shapes = [collected.shape(english) for _file, english, _german in entries()]
    assert sorted({shape for shape in shapes if shapes.count(shape) > 1}) == []


def test_the_values_of_both_languages_are_the_same() -> None:
    different = [
        english for _file, english, german in entries() if collected.places(english) != collected.places(german)
    ]
    assert different == []


def test_what_is_listed_stands_in_its_file() -> None:
    for name, texts in collected.LISTED.items():
        source = (collected.PACKAGE / name).read_text(encoding="utf-8")
        for text in texts:
            assert [part for part in text.split("{}") if part.strip() not in source] == []


def test_the_catalogues_are_read_from_the_package() -> None:
    assert len(catalogues.german().templates) > 100
    with using(GERMAN):
        assert _("Nothing.") == "Nichts."
        assert ngettext("{count} fault.", "{count} faults.", 2) == "{count} Fehler."
