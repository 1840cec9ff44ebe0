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


def _steps() -> list[tuple[str, list[Path], list[str]]]:
    """Return each step of how something is added: its beginning, the files in it, and the names of code in it."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = []
    for chapter in text.split("\n## Add ")[1:]:
        for step in re.findall(r"^\d+\. .*(?:\n   .*)*", chapter.split("\n## ")[0], re.MULTILINE):
            spans = [re.sub("^R/", "radicale_flowfact/", span) for span in re.findall(r"`([^`]+)`", step)]
            files = [ROOT / span for span in spans if (ROOT / span).exists()]
            names = [span for span in spans if re.fullmatch(r"[A-Za-z_][\w.]*", span) and not (ROOT / span).exists()]
            found.append((step[:60], files, [part for name in names for part in name.split(".")]))
    return found


@pytest.mark.parametrize(("step", "files", "names"), [one for one in _steps() if one[2]])
def test_the_names_in_a_step_are_in_the_files_that_it_names(step: str, files: list[Path], names: list[str]) -> None:
    sources = [file for path in files for file in ([path] if path.is_file() else sorted(path.rglob("*.py")))]
    text = "\n".join(source.read_text(encoding="utf-8") for source in sources)
    assert [name for name in names if not re.search(rf"(?<!\w){name}(?!\w)", text)] == [], step


def test_steps_and_their_names_are_found() -> None:
    names = {name for _, _, named in _steps() for name in named}
    assert {"TABLES", "_LENGTHS", "ContactFields", "_COMMANDS", "reported_faults", "answer"} <= names


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
