"""How long the fuzz runs: a fixed number of examples, or with ``--fuzz-minutes`` as long as one likes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import hypothesis
import pytest
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")
_TARGETS = 3  # they share the minutes


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option; it is known when ``tests/fuzz`` is named on the command line."""
    parser.addoption("--fuzz-minutes", type=float, default=0.0, help="how long tests/fuzz runs, all targets together")


@dataclass(frozen=True)
class Fuzz:
    """Runs a check on what a strategy draws: one round of examples, and further rounds for ``seconds``."""

    seconds: float

    def run(self, check: Callable[[T], None], strategy: SearchStrategy[T], examples: int) -> None:
        """Run the check; it must raise nothing."""
        settings = hypothesis.settings(
            max_examples=examples, deadline=None, suppress_health_check=list(hypothesis.HealthCheck), database=None
        )
        wrapped = settings(hypothesis.given(strategy)(check))
        end = time.monotonic() + self.seconds
        wrapped()
        while time.monotonic() < end:
            wrapped()


@pytest.fixture
def fuzz(request: pytest.FixtureRequest) -> Fuzz:
    """Give the way to fuzz, for as long as the command line says."""
    minutes: float = request.config.getoption("--fuzz-minutes", default=0.0)
    return Fuzz(minutes * 60 / _TARGETS)
