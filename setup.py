"""Puts config/ and packaging/ into the package that is built, so that ``radicale-flowfact init`` finds them there.

All else about the package is in pyproject.toml.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
SHIPPED = ("config", "packaging")


class BuildWithConfiguration(build_py):
    """Builds the package, and copies what lies beside it in the repository."""

    def run(self) -> None:
        """Build, then copy; an editable installation reads the repository's own files."""
        super().run()
        if self.editable_mode:
            return
        for name in SHIPPED:
            target = Path(self.build_lib, "radicale_flowfact", "shipped", name)
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))


setup(cmdclass={"build_py": BuildWithConfiguration})
