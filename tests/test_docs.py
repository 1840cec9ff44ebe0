"""The documentation holds together: links lead somewhere, and what is there in one language is in the other."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
GUIDES = {"README.md", "android.md", "iphone.md", "macos.md", "outlook.md", "sync.md", "thunderbird.md"}
GUIDES |= {"install-debian.md", "install-windows.md", "operations.md"}
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
    assert german >= GUIDES


@pytest.mark.parametrize("name", sorted(GUIDES))
def test_each_guide_has_the_same_sections_in_both_languages(name: str) -> None:
    shapes = [
        re.findall(r"^(#+ |\d+\. |\| `|   \| )", (ROOT / "docs" / language / name).read_text("utf-8"), re.MULTILINE)
        for language in ("de", "en")
    ]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_index_of_a_language_names_all_its_pages(language: str) -> None:
    folder = ROOT / "docs" / language
    linked = {link.partition("#")[0] for link in _LINK.findall((folder / "README.md").read_text(encoding="utf-8"))}
    assert {page.name for page in folder.glob("*.md")} - {"README.md"} <= linked
