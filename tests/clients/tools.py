"""Which clients are there: on CI (``FLOWFACT_ALL_CLIENTS=1``) all must be, elsewhere their tests are skipped."""

from __future__ import annotations

import importlib
import os
import shutil
from pathlib import Path
from types import ModuleType

import pytest


def require(tool: str, hint: str) -> str:
    """Return the path of a program, or skip the test, saying how to get it."""
    found = shutil.which(tool)
    if found is None:
        missing(f"{tool} is not installed: {hint}")
    return found or ""


def require_folder(folder: Path, hint: str) -> None:
    """Skip the test if there is no such folder."""
    if not folder.is_dir():
        missing(f"there is no {folder.name}: {hint}")


def require_file(file: Path, hint: str) -> None:
    """Skip the test if there is no such file."""
    if not file.exists():
        missing(f"there is no {file}: {hint}")


def require_package(module: str) -> ModuleType:
    """Import a package of the extra ``test-clients``, or skip the test, or the whole file if it is asked for there."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing(f"{error}; pip install -e '.[test-clients]' brings what one test alone needs")
        raise


def missing(reason: str) -> None:
    """Skip the test, or fail where every client must be there."""
    if os.environ.get("FLOWFACT_ALL_CLIENTS"):
        pytest.fail(reason)
    pytest.skip(reason, allow_module_level=True)
