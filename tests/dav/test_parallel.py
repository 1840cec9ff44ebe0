"""Several requests at once, as phones send them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests import payloads
from tests.conftest import Agency, Server


def test_a_new_device_fetches_everything_in_parallel(agency: Agency, server: Server) -> None:
    for number in range(60):
        agency.office.address([agency.own], NAME=f"N{number}")
    hrefs = sorted(server.start().device().sync("addresses").changed)

    def fetch(start: int) -> int:
        device = server.device(agent="Phone/1")
        return len(device.multiget("addresses", hrefs[start : start + 30]))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(fetch, [0, 10, 20, 30] * 4)) == [30] * 16


def test_parallel_edits_and_polls_lose_nothing(agency: Agency, server: Server) -> None:
    server.start()

    def make(number: int) -> int:
        device = server.device(agent=f"Phone/{number % 3}")
        status = device.put(
            f"addresses/{number}.vcf", payloads.vcard(f"u{number}", name=f"N{number};;;;"), new=True
        ).status
        device.sync("addresses")
        return status

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(make, range(30))) == {201}
    assert len(agency.office.rows(agency.office.tables.address)) == 30
    synced = server.device().sync("addresses")
    assert len(synced.changed) == 30
    assert server.device().sync("addresses", synced.token).changed == {}
