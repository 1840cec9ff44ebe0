"""Every command that a page of the documents tells to type is there, with the options that it has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from radicale_flowfact.commands.main import _app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "config").iterdir())]
_CODE = re.compile(r"^ *```\w*\n(.*?)```|(?<!`)`([^`]+)`(?!`)", re.DOTALL | re.MULTILINE)
_CALL = re.compile(r"^ *(?:sudo +|.* exec .*? |venv.Scripts.)?radicale-flowfact( [^;|&>#\n]*|)$", re.MULTILINE)
COMMANDS = typer.main.get_command(_app())


def calls(text: str) -> Iterator[list[str]]:
    """Yield the words behind each call of the program in a page's code."""
    for block, span in _CODE.findall(re.sub(r"<[^<>\n]*>", "NAME", text)):
        lines = re.sub(r"[;|&>#].*", "", block) if block else " ".join(span.split())
        for found in _CALL.findall(lines):
            yield found.split()


def fault(words: list[str]) -> str:
    """Return what is wrong with a call, or nothing."""
    command: Any = COMMANDS  # a group has ``commands``, the others have none
    for word in words:
        name = word.partition("=")[0]
        below = getattr(command, "commands", {})
        if word.startswith("-"):
            known = {spelling for one in command.params for spelling in (*one.opts, *one.secondary_opts)}
            if name not in known | {"--help"}:
                return f"{' '.join(words)}: there is no option {name}"
        elif name in below:
            command = below[name]
        elif below and re.fullmatch(r"[a-z-]+", name):
            return f"{' '.join(words)}: there is no command {name}"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_each_command_of_a_page_is_there(page: Path) -> None:
    found = [fault(words) for words in calls(page.read_text(encoding="utf-8"))]
    assert [one for one in found if one] == []


def test_a_wrong_command_would_be_found() -> None:
    text = "`radicale-flowfact whence anna` `radicale-flowfact users pasword anna` and `radicale-flowfact undo 1 --dry`"
    text += "\n```sh\nsudo radicale-flowfact status\nsudo radicale-flowfact history --user anna --all\n```"
    found = [fault(words) for words in calls(text)]
    assert [bool(one) for one in found] == [True, True, True, False, True]


@pytest.mark.parametrize(("language", "key"), [("en", "msgid"), ("de", "msgstr")])
def test_each_reason_of_a_refusal_that_a_page_explains_is_one_that_is_given(language: str, key: str) -> None:
    page = (ROOT / f"docs/{language}/troubleshooting.md").read_text(encoding="utf-8")
    table = page.split("| Grund |" if language == "de" else "| reason |")[1].split("\n\n")[0]
    told = [one.rstrip(" …") for row in table.splitlines()[2:] for one in re.findall(r"`([^`]+)`", row.split(" | ")[0])]
    given = (ROOT / "radicale_flowfact/language/de/reasons.po").read_text(encoding="utf-8")
    assert len(told) >= 8
    assert [one for one in told if f'{key} "{one}' not in given] == []
