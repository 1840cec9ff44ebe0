"""flowfact.toml: an unknown key is an error with the nearest known one named."""

from __future__ import annotations

from pathlib import Path

import pytest

from radicale_flowfact.settings import SettingsError, load_settings

URL = 'database_url = "sqlite:///x.sqlite"\n'


def load(folder: Path, text: str) -> object:
    """Write and load settings."""
    file = folder / "flowfact.toml"
    file.write_text(text, encoding="utf-8")
    return load_settings(file)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (URL + "refresh_second = 3\n", "did you mean refresh_seconds"),
        (URL + "[users.anna]\nflowfakt = 'a'\n", "did you mean flowfact"),
        (URL + "[appointments]\npast_day = 3\n", "did you mean past_days"),
        (URL + "[addresses]\nphone_slots = ['wrok']\n", "did you mean work"),
        (URL + "[addresses]\nphone_slots = ['work', 'work']\n", "once"),
        (URL + "[addresses]\nprivate = 'maybe'\n", "addresses.private"),
        (URL + "[appointments]\nsubject = '{kind}'\n", "subject"),
        (URL + "[appointments]\nsubject = '{subject} {x}'\n", "knows only"),
        (URL + "timezone = 'Europe/Bärlin'\n", "Europe/Berlin"),
        ("", "database_url"),
        ("x = [", "not valid TOML"),
        ('database_url = "sqlite:///${FLOWFACT_NO_SUCH_VARIABLE}"\n', "FLOWFACT_NO_SUCH_VARIABLE"),
    ],
)
def test_a_fault_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        load(tmp_path, text)
    assert "flowfact.toml" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / "none.toml")


def test_environment_and_relative_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWFACT_FILE", "office.sqlite")
    settings = load(tmp_path, 'database_url = "sqlite:///${FLOWFACT_FILE}"\n')
    assert getattr(settings, "database_url", "") == f"sqlite:///{(tmp_path / 'office.sqlite').as_posix()}"


def test_the_commented_example_is_valid() -> None:
    settings = load_settings(Path(__file__).parents[1] / "config" / "flowfact.toml")
    assert settings.write is False
    assert set(settings.users) == {"anna"}
