"""What CONTRIBUTING and the templates name is there, and reads as the programs that use it expect."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMING = {"radicale_flowfact/http/pages/"}

_PATH = re.compile(r"`((?:R|tests|docs|packaging|radicale_flowfact|\.ci)/[\w./-]*)`")


def _paths() -> list[str]:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return sorted({re.sub("^R/", "radicale_flowfact/", path) for path in _PATH.findall(text)} - COMING)


@pytest.mark.parametrize("path", _paths())
def test_what_contributing_names_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("crm/names.py", ["TABLES", "OPTIONAL"]),
        ("crm/tables.py", ["_LENGTHS"]),
        ("maps/contacts/fields.py", ["ContactFields", "LINE_PREFIXES"]),
        ("dav/writing/edits/seen.py", ["same"]),
        ("http/observe/endpoints.py", ["class Endpoints", "_of_metrics", "def answer"]),
    ],
)
def test_the_names_in_its_steps_are_in_the_file_they_name(file: str, names: list[str]) -> None:
    text = (ROOT / "radicale_flowfact" / file).read_text(encoding="utf-8")
    assert [name for name in names if name not in text] == []


def test_the_changelog_has_the_version_that_is_built() -> None:
    version = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    headings = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert version
    assert next(heading for heading in headings if heading != "Unreleased") == version.group(1)


def test_the_devcontainer_sets_up_as_the_readme_says() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    assert container["postCreateCommand"] == "python3 run.py setup"


@pytest.mark.parametrize("template", ["bug.yml", "feature.yml"])
def test_a_template_asks_for_no_secrets(template: str) -> None:
    text = (ROOT / ".github" / "ISSUE_TEMPLATE" / template).read_text(encoding="utf-8")
    assert "Paste no passwords" in text
    assert re.search(r"No password.*\n +required: true", text)
    for asked in ("radicale-flowfact --version", "radicale-flowfact check", "SQL Server"):
        assert asked in text
