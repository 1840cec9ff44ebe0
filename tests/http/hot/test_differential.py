"""Hot requests are answered exactly as by Radicale's way, whatever is asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Agency, Server
from tests.http.hot import asking
from tests.http.hot.everything import SETTINGS, Everything, Seen
from tests.http.hot.two_ways import Asked, TwoWays

EXAMPLES = 600  # of each sort

Asking = Callable[[Mapping[str, Seen]], st.SearchStrategy[Asked]]


@pytest.mark.parametrize("requests", [asking.propfinds, asking.syncs, asking.multigets, asking.queries, asking.gets])
def test_both_ways_give_the_same_answer(
    agency: Agency, server: Server, caplog: pytest.LogCaptureFixture, requests: Asking
) -> None:
    caplog.set_level(logging.CRITICAL, "radicale")  # each odd request is worth a line
    server.settings = SETTINGS
    ways = TwoWays(server)
    everything = Everything(agency, ways)
    ways.gateway.stats.hot = 0

    @settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
    @given(requests(everything.seen))
    def compare(asked: Asked) -> None:
        ways.require_same(asked)

    compare()
    assert ways.gateway.stats.hot > EXAMPLES / 8, "too few of them were hot"
