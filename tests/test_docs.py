"""The documentation holds together: links and paths lead somewhere, and both languages say the same."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
GUIDES = {"README.md", "android.md", "iphone.md", "macos.md", "outlook.md", "sync.md", "thunderbird.md"}
GUIDES |= {"administration.md", "install-debian.md", "install-windows.md", "operations.md", "scaling.md"}
GUIDES |= {"database.md", "ldap.md", "moving.md", "network.md", "privacy.md", "questions.md", "restore.md"}
GUIDES |= {"troubleshooting.md"}
CALLED_OTHERWISE = {"verwaltung.md": "administration.md"}

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(page.read_text(encoding="utf-8")))
    return {heading.replace(" ", "-") for heading in kept}


def _broken(page: Path) -> list[str]:
    """Return the relative links of a page that lead to no file, or to no heading in it."""
    broken = []
    for link in _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    assert not _broken(page)


def test_a_broken_link_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Ein Wort, plötzlich!\n[a](none.md) [b](#none) [c](#ein-wort-plötzlich) `[d](x)` [e](https://x/)", "utf-8"
    )
    assert _broken(page) == ["none.md", "#none"]


def test_each_page_is_there_in_both_languages() -> None:
    german = {page.name for page in (ROOT / "docs/de").glob("*.md")}
    english = {page.name for page in (ROOT / "docs/en").glob("*.md")}
    assert {CALLED_OTHERWISE.get(name, name) for name in german} == english
    assert english >= GUIDES


@pytest.mark.parametrize("name", sorted(GUIDES))
def test_each_guide_has_the_same_sections_in_both_languages(name: str) -> None:
    german = {english: name for name, english in CALLED_OTHERWISE.items()}.get(name, name)
    shapes = [
        re.findall(r"^(#+ |\d+\. |\| `|   \| )", (ROOT / "docs" / page).read_text("utf-8"), re.MULTILINE)
        for page in (f"de/{german}", f"en/{name}")
    ]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("name", sorted(GUIDES))
def test_each_guide_has_the_same_numbers_in_both_languages(name: str) -> None:
    """A time, a limit or a port that differs is a contradiction; code is compared with the program elsewhere."""
    german = {english: name for name, english in CALLED_OTHERWISE.items()}.get(name, name)
    numbers = []
    for page in (f"de/{german}", f"en/{name}"):
        text = _CODE.sub("", (ROOT / "docs" / page).read_text("utf-8")).replace(",", ".")
        numbers.append(Counter(re.findall(r"\b\d[\d.]*\b", text)))
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_index_of_a_language_names_all_its_pages(language: str) -> None:
    folder = ROOT / "docs" / language
    linked = {link.partition("#")[0] for link in _LINK.findall((folder / "README.md").read_text(encoding="utf-8"))}
    assert {page.name for page in folder.glob("*.md")} - {"README.md"} <= linked


_PATH = re.compile(
    r"`([\w.][\w./-]*\.(?:py|toml|ini|yaml|yml)|(?:tests|bench|docs|packaging|crm|dav|http)/[\w/-]+/)(?:`|::)"
)
_PACKAGE = ROOT / "radicale_flowfact"
# Files that the docs speak of and that are the reader's own.
_OTHERS = {"flowfact.toml", "radicale.ini", "docker-compose.yml"}


def _lost_paths(text: str) -> set[str]:
    """Return the paths and modules in a page's code spans that no file of the repository ends with."""
    files = [path.relative_to(ROOT) for path in _files_of_repository()]
    there = {file.as_posix() for file in files} | {f"{folder.as_posix()}/" for file in files for folder in file.parents}
    return {
        path
        for path in _PATH.findall(text)
        if path not in _OTHERS and not any(f"/{name}".endswith(f"/{path.removeprefix('R/')}") for name in there)
    }


def _lost_modules(text: str) -> set[str]:
    """Return the dotted names of modules, with at most one attribute behind them, that the package does not have."""
    lost = set()
    for name in re.findall(r"\bradicale_flowfact(?:\.\w+)+", text):
        path = ROOT.joinpath(*name.split("."))
        candidates = (path.with_suffix(".py"), path, path.parent.with_suffix(".py"))
        if not any(candidate.exists() for candidate in candidates):
            lost.add(name)
    return lost


def _files_of_repository() -> list[Path]:
    tops = ("radicale_flowfact", "tests", "bench", "config", "packaging", ".ci", "docs")
    return [*ROOT.glob("*.*"), *(path for top in tops for path in (ROOT / top).rglob("*") if path.is_file())]


def _three_journeys() -> str:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    return text.split("## Three journeys\n")[1].split("\n## ")[0]


def _journeys() -> dict[str, list[str]]:
    """Return the files that each journey of the architecture names, in their order."""
    title_and_body = (part.partition("\n") for part in _three_journeys().split("\n### ")[1:])
    return {title: re.findall(r"^\d\. `([^`]+)`", body, re.MULTILINE) for title, _, body in title_and_body}


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=_name)
def test_paths_and_modules_that_a_page_names_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not _lost_paths(text)
    assert not _lost_modules(text)


def test_a_lost_path_would_be_found() -> None:
    assert _lost_paths("`http/app.py` `pp.py` `dav/gone.py` `flowfact.toml` `gone.py::test_x` `dav/gone/`") == {
        "pp.py",
        "dav/gone.py",
        "gone.py",
        "dav/gone/",
    }
    assert _lost_modules(
        "radicale_flowfact.storage radicale_flowfact.commands.main.main radicale_flowfact.cli.app"
    ) == {"radicale_flowfact.cli.app"}


def test_each_journey_names_at_most_seven_files_that_are_there() -> None:
    journeys = _journeys()
    assert list(journeys) == ["A poll without change", "A PUT", "A change in the office"]
    for files in journeys.values():
        assert 3 <= len(files) <= 7
        assert [name for name in files if not (_PACKAGE / name).is_file()] == []


def test_each_function_that_a_journey_names_is_in_the_file_beside_it() -> None:
    heads = re.findall(r"^\d\. (`[^:]+):", _three_journeys(), re.MULTILINE)
    named = [re.findall(r"`([^`]+)`", head) for head in heads]
    assert len(named) == sum(map(len, _journeys().values()))
    lost = [
        f"{file}: {name}"
        for file, *names in named
        for name in names
        for part in name.split(".")
        if not re.search(rf"(?:def|class) {part}\b", (_PACKAGE / file).read_text(encoding="utf-8"))
    ]
    assert lost == []
    assert all(names for _, *names in named)


def test_the_tree_of_the_house_has_each_package_and_module_of_the_first_floor() -> None:
    tree = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").split("```")[1]
    rooms = {path.name + "/" for path in _PACKAGE.iterdir() if (path / "__init__.py").exists()}
    helpers = {"__init__.py", "__main__.py", "storage_items.py", "storage_collections.py"}
    modules = {path.name for path in _PACKAGE.glob("*.py")} - helpers
    assert {name for name in rooms | modules if name not in tree} == set()


def test_no_package_has_more_than_16_modules_and_the_first_floor_at_most_12_files() -> None:
    folders = {file.parent for file in _PACKAGE.rglob("*.py") if "versions" not in file.parts}
    assert {
        folder.relative_to(ROOT).as_posix(): len(modules)
        for folder in folders
        if len(modules := [path for path in folder.glob("*.py") if path.name != "__init__.py"]) > 16
    } == {}
    assert len([path for path in _PACKAGE.iterdir() if path.is_file()]) <= 12


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=_name)
def test_lines_of_a_page_can_be_read_in_an_editor(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert [line for line in text.splitlines() if len(line) > 120 and not line.lstrip().startswith("|")] == []
