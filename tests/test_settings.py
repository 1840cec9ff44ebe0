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
        (URL + "[appointments]\nlocation = 'adress'\n", "appointments.location must be 'address' / 'none'"),
        (URL + "[appointments]\nlocatoin = 'none'\n", "did you mean location"),
        (URL + "[appointments]\nsubject = '{subject} {x}'\n", "knows only"),
        (URL + "timezone = 'Europe/Bärlin'\n", "Europe/Berlin"),
        ("", "database_url"),
        ("x = [", "line 1 is no TOML"),
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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anna", "Anna"),
        ("strauß", "strauss"),
        ("STRAUSS", "Strauß"),
        ("anna", "anna "),
        ("anna", "ａｎｎａ"),
        ("anna", "an\u200bna"),
        ("müller", "mu\u0308ller"),
    ],
)
def test_logins_that_sql_server_takes_for_one_are_refused(tmp_path: Path, one: str, other: str) -> None:
    """They would share a row of the gateway's tables, and so each other's contacts."""
    users = "".join(f'[users."{login}"]\nflowfact = "{number}"\n' for number, login in enumerate((one, other)))
    with pytest.raises(SettingsError, match="the same to SQL Server"):
        load(tmp_path, URL + users)


def test_logins_that_look_alike_but_are_not_one_are_taken(tmp_path: Path) -> None:
    users = "".join(f'[users."{login}"]\nflowfact = "x"\n' for login in ("muller", "müller", "mueller", "muller2"))
    assert len(getattr(load(tmp_path, URL + users), "users", ())) == 4


def test_a_login_that_the_column_cannot_hold_is_refused(tmp_path: Path) -> None:
    for login, fits in (("a" * 200, True), ("a" * 201, False), ("😀" * 100, True), ("😀" * 101, False)):
        text = URL + f'[users."{login}"]\nflowfact = "x"\n'
        if fits:
            load(tmp_path, text)
        else:
            with pytest.raises(SettingsError, match="longer than 200"):
                load(tmp_path, text)
