"""Bodies that a client packed: read as if they were not, within the same bounds."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest

from tests import payloads
from tests.conftest import Agency, Server

SYNC = b'<sync-collection xmlns="DAV:"><sync-token/><prop><getetag/></prop></sync-collection>'
_BOMB = gzip.compress(b"a" * 200_000_000)


@pytest.mark.parametrize(
    ("coding", "pack"), [("gzip", gzip.compress), ("x-GZIP", gzip.compress), ("deflate", zlib.compress)]
)
def test_packed_bodies_are_read(agency: Agency, server: Server, coding: str, pack: Callable[[bytes], bytes]) -> None:
    device = server.start().device()
    headers = {"Content-Encoding": coding, "Content-Type": "text/vcard"}
    put = device.request("PUT", "addresses/a.vcf", pack(payloads.vcard("a").encode()), headers)
    assert put.status == 201
    for _ in range(2):  # the second time it would be a hot request
        asked = device.request("REPORT", "addresses/", pack(SYNC), {"Content-Encoding": coding, "Depth": "0"})
        assert (asked.status, "a.vcf" in asked.text) == (207, True)


@pytest.mark.parametrize(
    ("coding", "body", "status"),
    [
        ("br", b"x", 415),
        ("gzip, gzip", b"x", 415),
        ("gzip", b"x", 400),
        ("gzip", gzip.compress(SYNC)[:-9], 400),
        ("gzip", gzip.compress(SYNC) * 2, 400),
        ("gzip", _BOMB, 413),
    ],
    ids=["unknown", "twice", "none", "cut off", "more behind it", "bomb"],
)
def test_what_cannot_be_unpacked_is_refused(
    agency: Agency, server: Server, coding: str, body: bytes, status: int
) -> None:
    device = server.start().device()
    for method, path in (("PUT", "addresses/a.vcf"), ("REPORT", "addresses/")):
        answer = device.request(method, path, body, {"Content-Encoding": coding})
        assert (answer.status, answer.headers.get("Accept-Encoding")) == (status, "gzip, deflate")
    assert agency.office.rows(agency.office.tables.address) == []
