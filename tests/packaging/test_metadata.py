"""The README and the metadata read on a package index, where there is no repository around them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HOME = "https://github.com/radicale-flowfact/radicale-flowfact"
_OF_THE_REPOSITORY = re.compile(rf"{HOME}/(?:blob|tree)/main/([^\s)#>]+)")
_RAW = re.compile(r"https://raw\.githubusercontent\.com/radicale-flowfact/radicale-flowfact/main/([^\s)#>]+)")
_INLINE = re.compile(r"\]\(([^)\s]+)\)")
_DEFINED = re.compile(r"^\[([^\]]+)\]: (\S+)$", re.MULTILINE)
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def test_every_link_of_the_readme_is_absolute() -> None:
    links = [*_INLINE.findall(_CODE.sub("", README)), *(target for _, target in _DEFINED.findall(README))]
    assert links
    assert [link for link in links if not link.startswith("https://")] == []


@pytest.mark.parametrize("pattern", [_OF_THE_REPOSITORY, _RAW], ids=["pages", "pictures"])
def test_what_the_readme_links_in_the_repository_is_there(pattern: re.Pattern[str]) -> None:
    named = pattern.findall(README)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_reference_of_the_readme_is_defined_and_every_definition_used() -> None:
    text, defined = _CODE.sub("", README), {name for name, _ in _DEFINED.findall(README)}
    body = _DEFINED.sub("", text)
    used = set(re.findall(r"\]\[([^\]]+)\]", body)) | set(re.findall(r"(?<!\])\[([^\]]+)\](?![\[(])", body))
    assert used == defined


def test_the_readme_begins_with_the_demo_and_the_tests() -> None:
    assert re.findall(r"```sh\n(.*?)\n```", README, re.DOTALL)[:2] == ["python3 run.py demo", "python3 run.py test"]


def test_all_addresses_are_the_projects_own() -> None:
    assert {"Homepage", "Documentation", "Source", "Issues", "Changelog"} == set(PROJECT["urls"])
    assert [url for url in PROJECT["urls"].values() if not url.startswith(HOME)] == []


def test_the_driver_of_sql_server_is_no_extra_and_that_of_postgresql_is_one() -> None:
    names = {re.split(r"[\[<>=]", one)[0] for one in PROJECT["dependencies"]}
    assert "pyodbc" in names
    assert "psycopg" not in names
    assert [re.split(r"[\[<>=]", one)[0] for one in PROJECT["optional-dependencies"]["postgresql"]] == ["psycopg"]


def test_the_oldest_python_is_the_same_everywhere() -> None:
    versions = [one.rpartition(" ")[2] for one in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", one)]
    assert PROJECT["requires-python"] == f">={versions[0]}"
