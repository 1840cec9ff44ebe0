"""What is kept of a device's own lines when it edits a version that is not the last one."""

from __future__ import annotations

import pytest

from radicale_flowfact.dav.edits import merge_sidecar


@pytest.mark.parametrize(
    ("sent", "kept", "merged"),
    [
        (["SEQUENCE:2"], ["SEQUENCE:5"], ("SEQUENCE:5",)),
        (["SEQUENCE:7"], ["SEQUENCE:5"], ("SEQUENCE:7",)),
        (["SEQUENCE:2"], ["SEQUENCE:1"], ("SEQUENCE:2",)),
        (["LOCATION:B", "SEQUENCE:1"], ["LOCATION:C", "SEQUENCE:1"], ("SEQUENCE:1", "LOCATION:B")),
        (["COMMENT:B", "SEQUENCE:1"], ["COMMENT:C", "SEQUENCE:1"], ("COMMENT:C", "SEQUENCE:1", "COMMENT:B")),
        ([], ["SEQUENCE:5", "LOCATION:C"], ("SEQUENCE:5", "LOCATION:C")),
    ],
)
def test_what_can_be_there_once_is_there_once(sent: list[str], kept: list[str], merged: tuple[str, ...]) -> None:
    base = ["SEQUENCE:1", "LOCATION:A"]
    assert merge_sidecar(base, sent, kept, {"SEQUENCE", "LOCATION"}) == merged
