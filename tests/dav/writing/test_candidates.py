"""Which versions a device may have seen last: what evidence drops, and what stays."""

from __future__ import annotations

import pytest

from radicale_flowfact.dav.store.chains import Chain
from radicale_flowfact.dav.store.devices import Evidence, Fetch
from radicale_flowfact.dav.store.versions import VersionRow
from radicale_flowfact.dav.writing.candidates import possible

OFFICE, MINE, OTHER = "", "Mail", "Phone"


def chain(presented: int, handed: int = 0) -> Chain:
    """Return a chain of today."""
    return Chain(presented, handed or presented, "2026-06-15")


def found(
    versions: list[tuple[str, int, str]],
    fetched: dict[str, Fetch],
    chains: tuple[Chain, ...] = (),
    *,
    shared: bool = False,
    born: int = 1,
) -> str:
    """Return the possible versions, each a letter."""
    rows = [VersionRow(*version) for version in versions]
    return "".join(possible(MINE, Evidence(fetched, chains, shared=shared), rows, born))


EDITED = [("A", 5, OFFICE), ("B", 9, OFFICE)]
SENT = [("A", 5, OFFICE), ("B", 9, MINE)]


def test_nothing_fetched_is_nothing_known() -> None:
    assert found(EDITED, {}) == ""
    assert found(EDITED, {"Z": Fetch(3)}) == ""  # no longer kept


def test_what_is_superseded_but_not_fetched_again_is_what_the_device_has() -> None:
    for chains in ((), (chain(9),), (chain(9), chain(9))):
        assert found(EDITED, {"A": Fetch(5)}, chains) == "A"


@pytest.mark.parametrize(
    ("chains", "expected"),
    [
        ((), "AB"),  # the office's change: another device may not have heard of it
        ((chain(5, 9),), "B"),  # alone
        ((chain(9), chain(9)), "B"),  # both presented a token from after it
        ((chain(9), chain(5, 9)), "AB"),  # one was only handed it
    ],
)
def test_by_tokens_the_office_s_change_replaces(chains: tuple[Chain, ...], expected: str) -> None:
    assert found(EDITED, {"A": Fetch(5), "B": Fetch(9)}, chains) == expected


def test_a_version_fetched_twice_may_be_on_a_device_without_a_chain() -> None:
    assert found(EDITED, {"A": Fetch(5, 2), "B": Fetch(9)}, (chain(9),)) == "AB"


@pytest.mark.parametrize(
    ("versions", "shared", "times", "expected"),
    [
        (SENT, False, 1, "B"),
        (SENT, True, 1, "AB"),
        (SENT, False, 2, "AB"),
        ([("A", 5, OFFICE), ("B", 9, OTHER)], False, 1, "AB"),
    ],
)
def test_without_tokens_its_own_put_replaces_what_a_lone_device_had(
    versions: list[tuple[str, int, str]], shared: bool, times: int, expected: str
) -> None:
    fetched = {"A": Fetch(5, times), "B": Fetch(9, 0)}
    assert found(versions, fetched, shared=shared) == expected


@pytest.mark.parametrize(
    ("born", "maker", "fetches", "expected"),
    [
        (5, MINE, 0, "B"),
        (5, MINE, 1, "AB"),  # another device may have it
        (5, OTHER, 0, "AB"),
        (1, MINE, 0, "AB"),  # A was there before: another device may have fetched it then
    ],
)
def test_what_a_device_made_and_changed_before_any_other_fetched_it_is_past(
    born: int, maker: str, fetches: int, expected: str
) -> None:
    versions = [("A", 5, MINE), ("B", 9, maker)]
    fetched = {"A": Fetch(5, fetches), "B": Fetch(9, 0)}
    assert found(versions, fetched, (chain(5), chain(1)), shared=True, born=born) == expected


def test_what_the_office_takes_back_is_ordered_by_when_it_was_fetched() -> None:
    """A is served again under 12, but the device fetched it under 5, and B since."""
    versions = [("B", 9, OFFICE), ("A", 12, OFFICE)]
    assert found(versions, {"A": Fetch(5), "B": Fetch(9)}, (chain(9),)) == "B"
