"""Texts are said in the language of who reads them; what a lower layer raised in English is recognised."""

from __future__ import annotations

import threading
import time

import pytest

from radicale_flowfact.language import texts
from radicale_flowfact.language.templates import Template
from radicale_flowfact.language.texts import choose, chosen, preferred, translated, using


@pytest.mark.parametrize(
    ("setting", "environment", "language"),
    [
        ("", {}, "en"),
        ("", {"LANG": "de_DE.UTF-8"}, "de"),
        ("", {"LANG": "de"}, "de"),
        ("", {"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, "en"),
        ("", {"LANG": "en_GB.UTF-8", "LC_ALL": "de_AT.UTF-8"}, "de"),
        ("", {"LANG": "fr_FR.UTF-8"}, "en"),
        ("", {"LANG": "", "LC_MESSAGES": "de_CH"}, "de"),
        ("en", {"LANG": "de_DE.UTF-8"}, "en"),
        ("de", {"LANG": "en_GB.UTF-8"}, "de"),
        ("", {"LANG": "deutsch"}, "en"),
    ],
)
def test_the_setting_decides_then_the_environment(setting: str, environment: dict[str, str], language: str) -> None:
    assert preferred(setting, environment) == language


def test_the_language_is_that_of_the_block_and_of_no_other_thread() -> None:
    seen: list[str] = []
    with using("de"):
        other = threading.Thread(target=lambda: seen.append(chosen()))
        other.start()
        other.join()
        seen.append(chosen())
        with using("en"):
            seen.append(chosen())
        seen.append(chosen())
    assert [*seen, chosen()] == ["en", "de", "en", "de", "en"]


def test_a_language_that_is_not_there_is_english() -> None:
    with using("fr"):
        assert chosen() == "en"
    with using("de"):
        choose("fr")
        assert chosen() == "en"


def test_english_reads_no_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "german", lambda: pytest.fail("a catalogue was read"))
    assert texts._("Nothing.") == "Nothing."
    assert texts.ngettext("{n} day", "{n} days", 2) == "{n} days"
    assert translated("anna gets nothing at all: 'Anna' is inactive") == "anna gets nothing at all: 'Anna' is inactive"


def test_values_stay_as_they_are_and_sentences_in_them_are_translated() -> None:
    with using("de"):
        assert (
            translated("anna gets nothing at all: FlowFact has no user with the login 'there is no such item'")
            == "anna bekommt gar nichts: FlowFact hat keinen Benutzer mit dem Login 'there is no such item'"
        )


def test_each_line_is_translated_and_keeps_its_indent() -> None:
    with using("de"):
        assert translated("x.toml: cannot be used:\n  each slot may be named once\n  what nobody says") == (
            "x.toml: ist nicht zu gebrauchen:\n  jeder Platz darf nur einmal genannt werden\n  what nobody says"
        )


def test_the_template_with_the_most_fixed_text_wins() -> None:
    with using("de"):
        assert translated("AD:1 is gone from FlowFact") == "AD:1 ist aus FlowFact verschwunden"
        assert translated("AD:1 is gone") == "AD:1 ist weg"


def test_a_template_that_begins_with_fixed_text_wins_over_one_whose_value_would_take_that() -> None:
    """``{names} cannot be read`` has more fixed text than ``item {item}: {fault}``."""
    with using("de"):
        assert translated("item a.vcf (AD:1): what it keeps for the devices cannot be read") == (
            "Eintrag a.vcf (AD:1): was er für die Geräte aufbewahrt, ist nicht lesbar"
        )


def test_braces_in_values_are_no_places() -> None:
    with using("de"):
        assert translated("{login} is gone") == "{login} ist weg"
        assert translated("must contain {subject} once and {kind} at most once").startswith("muss {subject} einmal")


def test_a_value_is_never_empty_and_the_same_name_has_the_same_value() -> None:
    template = Template.of("{a} is {b}, not {a}", "{a} {b}")
    assert template.values("x is y, not x") == {"a": "x", "b": "y"}
    assert template.values("x is y, not z") is None
    assert template.values(" is y, not ") is None
    assert template.values("x is , not x") is None


def test_recognising_takes_time_linear_in_the_text() -> None:
    """Ten times the text takes about ten times as long; a pattern that tries each place for each value a hundred."""
    took = []
    with using("de"):
        for count in (20_000, 200_000):
            begun = time.process_time()
            assert translated("is, not " * count) == "is, not " * count
            took.append(time.process_time() - begun)
    assert took[1] < 40 * max(took[0], 0.001)
