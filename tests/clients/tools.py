"""Which clients are there: on CI (``FLOWFACT_ALL_CLIENTS=1``) all must be, elsewhere their tests are skipped."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

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


def missing(reason: str) -> None:
    """Skip the test, or fail where every client must be there."""
    if os.environ.get("FLOWFACT_ALL_CLIENTS"):
        pytest.fail(reason)
    pytest.skip(reason)
