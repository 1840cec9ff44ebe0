"""The soak, for 20 seconds: attacks fail no phone's request and cost bounded memory."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bench import soak
from tests.conftest import Database

_SLOW_SECONDS = 5.0  # tests run beside others; the soak itself wants one second


@pytest.mark.skipif(sys.platform != "linux", reason="uses many addresses of this machine, and /proc")
def test_phones_are_served_while_the_server_is_attacked(tmp_path: Path, worker_database: Database) -> None:
    url = os.environ.get("FLOWFACT_TEST_URL", "")
    found = soak.soak(20, url if url.startswith("postgresql") else "", tmp_path, 200)
    every = [value for values in found.seconds.values() for value in values]
    assert len(every) > 40
    assert found.failures == []
    assert soak.percentile(every, 0.99) < _SLOW_SECONDS, found.seconds
    assert found.megabytes < soak.MEGABYTES
    assert int(found.attacks["stalled"]) >= 40
    assert int(found.attacks["silent"]) >= 128
    assert int(found.attacks["guessing"]) > 5
    assert int(found.attacks["bodies"]) >= 1


def test_a_soak_fails_that_phones_or_memory_notice() -> None:
    good = soak.Found({"poll": [0.1] * 200}, [], {}, 300.0, (0.0, 0.0))
    slow = soak.Found({"poll": [0.1] * 190 + [1.5] * 10}, [], {}, 300.0, (0.0, 0.0))
    large = soak.Found({"poll": [0.1] * 200}, [], {}, 401.0, (0.0, 0.0))
    assert [found.is_good for found in (good, slow, large)] == [True, False, False]
    assert not soak.Found({}, [], {}, 0.0, (0.0, 0.0)).is_good
    assert not soak.Found({"poll": [0.1]}, ["poll: 503"], {}, 0.0, (0.0, 0.0)).is_good
