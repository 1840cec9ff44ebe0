"""Lets links from the documentation to other files of the repository lead to GitHub, for MkDocs (``hooks``).

A link to a file that does not exist stays as it is, so that ``mkdocs build --strict`` refuses it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol

_ROOT = Path(__file__).resolve().parents[1]
_OUTWARD = re.compile(r"\]\(((?:\.\./)+[^)#\s]+)")


class _File(Protocol):
    abs_src_path: str


class _Page(Protocol):
    file: _File


class _Config(Protocol):
    repo_url: str


def on_page_markdown(markdown: str, *, page: _Page, config: _Config, **_: object) -> str:
    """Return the page's text with links that leave ``docs/`` made absolute."""
    folder = Path(page.file.abs_src_path).parent

    def absolute(link: re.Match[str]) -> str:
        target = (folder / link[1]).resolve()
        if not target.exists() or target.is_relative_to(_ROOT / "docs") or not target.is_relative_to(_ROOT):
            return link[0]
        return f"]({config.repo_url.rstrip('/')}/blob/main/{target.relative_to(_ROOT).as_posix()}"

    return _OUTWARD.sub(absolute, markdown)
