"""Collects the texts that a person can read from the source: what is marked, what is raised, what is listed as said."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from pathlib import Path

from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from radicale_flowfact.commands.main import _app

Collector = Callable[[], dict[str, str]]
PACKAGE = Path(__file__).parents[2] / "radicale_flowfact"

RAISED = frozenset(
    {"DatabaseError", "NameMapError", "PayloadError", "RefusedError", "RuntimeError", "SecretError", "SettingsError"}
    | {"StaleError", "UnwritableError", "UserError", "ValueError"}
)
"""Errors whose text an admin or a device's user reads."""

RAISED_IN = (
    "commands",
    "content",
    "crm",
    "dav",
    "database",
    "demo",
    "http",
    "maps",
    "queries",
    "server",
    "settings.py",
    "storage.py",
)
"""Where they are raised; of ValueErrors only those of ``VALUE_ERRORS`` are meant for people."""

VALUE_ERRORS = frozenset({"settings.py", "server/htpasswd.py", "commands/users.py"})

SAID: dict[str, tuple[str, ...]] = {
    **{f"dav/admin/checking/{name}.py": () for name in ("drift", "own", "people")},
    **{f"server/checking/{name}.py": () for name in ("certificate", "logins", "web")},
    "crm/names.py": ("_fault",),
    "crm/site/check.py": (),
    "crm/site/remarks.py": (),
    "database/connections.py": ("hint", "version_fault"),
    "database/engines.py": ("reaching",),
    "database/secrets.py": ("encoded_notes",),
    "database/urls.py": ("other_spelling",),
    "dav/admin/check.py": (),
    "dav/admin/invariants.py": (),
    "dav/admin/status.py": ("_stop",),
    "dav/admin/verify.py": (),
    "dav/admin/why.py": (),
    "dav/store/upkeep/retention.py": ("overdue", "surplus"),
    "dav/writing/undo.py": (),
    "server/configuration.py": ("_fault",),
    "server/start.py": ("_not_free",),
    "settings.py": ("_syntax_fault", "_unquoted", "_fault"),
}
"""Functions all of whose texts with a blank in them are said to people; without a name, those of the whole file."""

STATEMENTS = ("SELECT ", "UPDATE ")
"""What SQL begins with: it is the same in each language."""

CONSTANTS = {"crm/names.py": ("OPTIONAL",)}
"""Mappings whose values are said to people."""

LISTED = {
    "dav/admin/erase.py": [
        "words to find contacts by",
        "versions of items",
        "versions on devices",
        "last syncs",
        "devices",
        "items",
        "journal entries",
        "addresses that he came from",
        "history entries",
        "collections",
    ],
    "crm/rows.py": ["{} cannot be read"],
    "crm/site/check.py": ["text"],
    "dav/writing/payload.py": ["control characters are left out"],
    "dav/reading/whole_texts.py": ["FlowFact has only the beginning of {}"],
    "dav/store/items.py": ["mended: {}"],
    "dav/admin/check.py": ["empty"],
    "dav/admin/verify.py": ["history"],
    "http/refusals.py": ["{} to {}: {}"],
    "content/contentlines.py": ["a line has no colon after its name"],
    "dav/store/request.py": ["FlowFact took this off your devices meanwhile; sync again"],
}
"""Texts that are looked for in these files, part by part; ``test_what_is_listed_stands_in_its_file`` looks."""


@cache
def marked() -> dict[str, str]:
    """Return each text marked by ``_`` or ``ngettext`` with where it is; of plurals both forms."""
    found: dict[str, str] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "ngettext"):
                count = 1 if node.func.id == "_" else 2
                for argument in node.args[:count]:
                    assert isinstance(argument, ast.Constant), f"{file}:{node.lineno}: the text must stand there"
                    assert isinstance(argument.value, str)
                    found[argument.value] = _place(file, node)
    return found


@cache
def raised() -> dict[str, str]:
    """Return each line of an error's text with where it is raised; values are ``{}``."""
    found: dict[str, str] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        name = file.relative_to(PACKAGE).as_posix()
        if not (name.startswith(tuple(f"{place}/" for place in RAISED_IN)) or name in RAISED_IN):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id=error), args=[text, *_]) if error in RAISED and (
                    error != "ValueError" or name in VALUE_ERRORS
                ):
                    found.update((line, _place(file, node)) for line in _lines(text))
    return found


@cache
def said() -> dict[str, str]:
    """Return each line of the texts of modules that speak to people, with where it is; values are ``{}``."""
    found: dict[str, str] = {}
    for name, functions in SAID.items():
        file = PACKAGE / name
        tree = _chosen(ast.parse(file.read_text(encoding="utf-8")), functions)
        inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr | ast.Constant) and id(node) not in inner | docstrings:
                said_here = (text for text in _lines(node) if " " in text and not text.startswith(STATEMENTS))
                found.update((text, _place(file, node)) for text in said_here)
    for name, constants in CONSTANTS.items():
        for node in ast.parse((PACKAGE / name).read_text(encoding="utf-8")).body:
            match node:
                case ast.AnnAssign(target=ast.Name(id=constant), value=ast.Dict(values=values)):
                    texts = values if constant in constants else []
                    found.update((line, name) for text in texts for line in _lines(text))
    return found


def _chosen(tree: ast.Module, functions: tuple[str, ...]) -> ast.Module:
    """Return what of a file these functions are; all of it without a name."""
    if functions:
        tree.body = [one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name in functions]
        assert len(tree.body) == len(functions), functions
    return tree


def helps() -> dict[str, str]:
    """Return each paragraph of the help of commands, arguments and options, with the command."""
    return {
        " ".join(part.split()): place for text, place in _helps(get_command(_app()), "") for part in text.split("\n\n")
    }


def _helps(command: object, path: str) -> Iterator[tuple[str, str]]:
    assert isinstance(command, TyperCommand | TyperGroup)
    texts = [command.help, *(getattr(parameter, "help", None) for parameter in command.params)]
    yield from ((text, path) for text in texts if text)
    for name, one in command.commands.items() if isinstance(command, TyperGroup) else ():
        yield from _helps(one, f"{path} {name}")


def listed() -> dict[str, str]:
    """Return texts that no call shows, since a constant or a caller's value holds them, with where they are."""
    return {text: file for file, texts in LISTED.items() for text in texts}


def shape(text: str) -> str:
    """Return a text of ``str.format`` with its values as ``{}``."""
    parts = string.Formatter().parse(text)
    return "".join(literal + ("" if name is None else "{}") for literal, name, _spec, _conversion in parts)


def places(text: str) -> list[str]:
    """Return the names of a text's values, in alphabetical order."""
    return sorted({name for _literal, name, _spec, _conversion in string.Formatter().parse(text) if name is not None})


def _lines(node: ast.expr) -> Iterator[str]:
    """Yield the lines of what an expression says; of one that is only a value there is nothing to translate."""
    for text in _texts(node):
        for line in text.split("\n"):
            if re.search(r"[A-Za-z]{2}", line.replace("{}", "")):
                yield line.strip()


def _texts(node: ast.expr) -> list[str]:
    """Return what an expression may say: a choice between texts is said in each way, all else is a value."""
    match node:
        case ast.Constant(value=str(text)):
            return [text.replace("{", "{{").replace("}", "}}")]
        case ast.FormattedValue(value=ast.IfExp() as choice):
            return _texts(choice)
        case ast.IfExp(body=body, orelse=orelse):
            return [*_texts(body), *_texts(orelse)]
        case ast.BoolOp(values=values):
            return [text for value in values for text in _texts(value)]
        case ast.JoinedStr(values=values):
            return ["".join(parts) for parts in product(*map(_texts, values))]
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return ["".join(parts) for parts in product(_texts(left), _texts(right))]
        case _:
            return ["{}"]


def _place(file: Path, node: ast.AST) -> str:
    return f"{file.relative_to(PACKAGE).as_posix()}:{getattr(node, 'lineno', 0)}"
