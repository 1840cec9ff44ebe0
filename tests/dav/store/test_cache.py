"""What is computed is kept as long as it fits: caches are bounded in bytes, whatever their keys and values are."""

from __future__ import annotations

import base64
import os

from hypothesis import given
from hypothesis import strategies as st

from radicale_flowfact.dav.store.cache import BoundedCache
from tests.conftest import Agency, Server


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 40)), max_size=200))
def test_the_sum_of_sizes_is_never_larger_than_the_bound(kept: list[tuple[int, int]]) -> None:
    cache = BoundedCache(1000)
    for key, size in kept:
        cache.keep(key, f"{key}", size)
        assert cache.size <= 1000
        assert cache.get(key) in (None, f"{key}")
    there = {key: size for key, size in kept if cache.get(key) is not None and size * 64 <= 1000}
    assert cache.size >= sum(there.values()) - 1000


def test_the_least_recently_used_goes_first() -> None:
    cache = BoundedCache(640)
    for number in range(64):
        cache.keep(number, number + 1, 10)
    assert cache.get(0) == 1
    cache.keep("new", "value", 10)
    assert (cache.get(0), cache.get(1)) == (1, None)


def test_what_is_too_large_pushes_nothing_out() -> None:
    cache = BoundedCache(640)
    cache.keep("small", "value", 10)
    cache.keep("huge", "value", 11)
    assert (cache.get("small"), cache.get("huge")) == ("value", None)


def test_photos_are_not_kept_in_memory(agency: Agency, server: Server) -> None:
    """Sixty photos of 3 MB made each worker 403 MB larger."""
    device = server.start().device()
    photo = base64.b64encode(os.urandom(300_000)).decode()
    for number in range(5):
        name = f"UID:u{number}\nFN:N{number}\nN:N{number};;;;"
        text = f"BEGIN:VCARD\nVERSION:3.0\n{name}\nPHOTO;ENCODING=b:{photo}\nEND:VCARD\n"
        assert device.put(f"addresses/{number}.vcf", text, new=True).status == 201
    assert server.gateway.stats.renderings.size < 400_000
