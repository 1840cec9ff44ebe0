"""Counts operations of Python code instead of measuring time, so that a table of complexity is the same everywhere.

The modules are compiled with counters put into their syntax tree: one operation for each step of a loop or a
comprehension and for each call, and for what happens in C as many as there are characters or items to be looked at or
copied: concatenation, slices, ``in``, methods and functions such as ``partition``, ``join``, ``pop(0)``, ``sorted``.
Not counted is what happens within other libraries and within a regular expression beyond the text that it passes over.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import re
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import CodeType, ModuleType
from typing import Any

_SIZED = (str, bytes, list, tuple, set, frozenset, dict, deque)
_SCANNED = (str, bytes, list, tuple, deque)
_CHEAP = frozenset({"append", "appendleft", "popleft", "extend", "startswith", "endswith", "get", "items", "values"})
_BUILT = {"list", "tuple", "set", "frozenset", "sorted", "dict", "Counter", "deque", "sum", "max", "min", "any", "all"}
_HELPERS = ("_looped", "_copied", "_added", "_within", "_method", "_function", "_step")
_total = 0


def reset() -> None:
    """Start counting anew."""
    global _total
    _total = 0


def total() -> int:
    """Return the operations since ``reset``."""
    return _total


def _count(number: int) -> None:
    global _total
    _total += number


def _size(value: object) -> int:
    return len(value) if isinstance(value, _SIZED) else 0


def _looped(values: Iterable[Any]) -> Iterator[Any]:
    """Yield from an iterable and count each step."""
    for value in values:
        _count(1)
        yield value


def _copied(value: Any) -> Any:  # noqa: ANN401 - whatever the counted code has
    """Return a value that was copied together just now, and count its size."""
    _count(1 + _size(value))
    return value


def _added(target: object, value: Any) -> Any:  # noqa: ANN401
    """Return what is added to ``target``; a text or tuple is copied for that, a list only grows."""
    _count(1 + _size(value) + (_size(target) if isinstance(target, str | bytes | tuple) else 0))
    return value


def _within(container: Any) -> Any:  # noqa: ANN401
    """Return a container that ``in`` looks through."""
    _count(1 + (len(container) if isinstance(container, _SCANNED) else 0))
    return container


def _method(owner: Any, name: str, arguments: int) -> Any:  # noqa: ANN401
    """Return a method, and count what it looks at: of a text or a list all, of a pattern what it passes over."""
    found = getattr(owner, name)
    if isinstance(owner, re.Pattern):
        return _Search(found, name)
    if name == "join" and isinstance(owner, str | bytes):
        return lambda values: _copied(found(values))
    if name in ("find", "index") and arguments > 1:
        return lambda part, start, *end: _found(found(part, start, *end), start, min([*end, len(owner)]))
    last = name == "pop" and not arguments
    if isinstance(owner, _SCANNED) and not last and name not in _CHEAP:
        _count(len(owner))
    return found


def _found(position: int, start: int, length: int) -> int:
    """Return where a text was found, and count what was looked at."""
    _count(1 + max(0, (position if position >= 0 else length) - start))
    return position


class _Search:
    """Calls a method of a pattern and counts the characters between where it began and where it ended."""

    def __init__(self, method: Callable[..., Any], name: str) -> None:
        self._method = method
        self._name = name

    def __call__(self, *arguments: Any) -> Any:  # noqa: ANN401
        found = self._method(*arguments)
        if self._name in ("match", "search", "fullmatch"):
            text, start = arguments[0], arguments[1] if len(arguments) > 1 else 0
            missed = start if self._name == "match" else len(text)
            _count(1 + max(0, (found.end() if found else missed) - start))
        else:
            _count(1 + len(arguments[-1]))
        return found


def _function(called: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
    """Call a function that goes through its argument."""
    _count(1 + sum(_size(argument) for argument in arguments))
    return called(*arguments, **named)


def _step() -> None:
    """Count a call."""
    _count(1)


class _Counters(ast.NodeTransformer):
    """Puts the counters into a module's syntax tree."""

    def visit_For(self, node: ast.For) -> ast.AST:
        """Count each step of a loop."""
        self.generic_visit(node)
        node.iter = _call("_looped", node.iter)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        """Count each step of a comprehension."""
        self.generic_visit(node)
        node.iter = _call("_looped", node.iter)
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        """Count each step of a loop."""
        self.generic_visit(node)
        node.body.insert(0, ast.Expr(_call("_step")))
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Count each call."""
        node.body = [self.visit(one) for one in node.body]
        at = 1 if ast.get_docstring(node, clean=False) is not None else 0
        node.body.insert(at, ast.Expr(_call("_step")))
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Leave the annotation as it is."""
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Count the size of what was put together."""
        self.generic_visit(node)
        return _call("_copied", node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        """Count the size of what is added to, and of what is added."""
        self.generic_visit(node)
        target = ast.parse(ast.unparse(node.target), mode="eval").body
        node.value = _call("_added", target, node.value)
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """Count the length of a text with values in it."""
        values = [value for value in node.values if isinstance(value, ast.FormattedValue)]
        for value in values:
            value.value = self.visit(value.value)
        return _call("_copied", node)

    def visit_List(self, node: ast.List) -> ast.AST:
        """Count the size of a list that others are put into."""
        return self._display(node)

    def visit_Tuple(self, node: ast.Tuple) -> ast.AST:
        """Count the size of a tuple that others are put into."""
        return self._display(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Count the size of a slice."""
        self.generic_visit(node)
        is_read_slice = isinstance(node.slice, ast.Slice) and isinstance(node.ctx, ast.Load)
        return _call("_copied", node) if is_read_slice else node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Count what ``in`` looks through, and the length of what is compared."""
        self.generic_visit(node)
        if isinstance(node.ops[0], ast.In | ast.NotIn) and not isinstance(node.comparators[0], ast.Tuple):
            node.comparators[0] = _call("_within", node.comparators[0])
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Count what methods and functions look at."""
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and not _is_super(node.func.value):
            count = ast.Constant(len(node.args) + len(node.keywords))
            node.func = _call("_method", node.func.value, ast.Constant(node.func.attr), count)
        elif isinstance(node.func, ast.Name) and node.func.id in _BUILT:
            node.args.insert(0, node.func)
            node.func = ast.Name("_function", ast.Load())
        return node

    def _display(self, node: ast.List | ast.Tuple) -> ast.AST:
        self.generic_visit(node)
        starred = any(isinstance(element, ast.Starred) for element in node.elts)
        return _call("_copied", node) if starred and isinstance(node.ctx, ast.Load) else node


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


class _Loader(importlib.machinery.SourceFileLoader):
    """Compiles a module with counters in it."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the module's code, made anew."""
        path = self.get_filename(fullname)
        tree = ast.fix_missing_locations(_Counters().visit(ast.parse(self.get_data(path))))
        code: CodeType = compile(tree, path, "exec")
        return code

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its counters and run it."""
        module.__dict__.update({name: globals()[name] for name in _HELPERS})
        super().exec_module(module)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules that are counted."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the module's place with the loader that counts, or None for one that is not counted."""
        if not any(name == one or name.startswith(f"{one}.") for one in self._names):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(name, spec.origin)
        return spec


def count_in(names: Sequence[str]) -> None:
    """Let these modules and those of these packages be counted; before any of them is imported."""
    sys.meta_path.insert(0, _Finder(names))


def clear_caches(names: Sequence[str]) -> None:
    """Empty every ``lru_cache`` of the counted modules."""
    for name, module in list(sys.modules.items()):
        if any(name == one or name.startswith(f"{one}.") for one in names):
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
