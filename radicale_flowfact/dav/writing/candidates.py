"""Decides which versions of an item a device may have seen last (rules 26 and 43). Pure functions.

The order is that of the journal's numbers. A version is excluded by evidence only: one that is missing here would let a
device undo what the office changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from radicale_flowfact.dav.store.chains import Chain
from radicale_flowfact.dav.store.devices import ENOUGH, Evidence, Fetch
from radicale_flowfact.dav.store.versions import VersionRow


def possible(identity: str, evidence: Evidence, versions: Sequence[VersionRow], born: int) -> tuple[str, ...]:
    """Return the ETags of the versions that a device of this identity may have seen last, the newest last.

    Empty: nothing is known to be fetched or made by it. ``versions``: those that are kept of the item, by number;
    ``born``: the journal number under which it first appeared.
    """
    kept = {version.etag for version in versions}
    had = {etag: fetch for etag, fetch in evidence.fetched.items() if etag in kept}
    passing = {etag: _Passing.of(etag, fetch, versions, had.values()) for etag, fetch in had.items()}
    found = [etag for etag in had if not _is_past(passing[etag], identity, evidence, born)]
    return tuple(sorted(found, key=lambda etag: had[etag].number))


@dataclass(frozen=True, slots=True)
class _Passing:
    """A version that a device had, the version that replaced it, and whether a newer one was fetched or made, too."""

    fetch: Fetch
    successor: VersionRow | None
    has_newer: bool

    @classmethod
    def of(cls, etag: str, fetch: Fetch, versions: Sequence[VersionRow], had: Iterable[Fetch]) -> _Passing:
        """Find what replaced a version since it was fetched."""
        later = (version for version in versions if version.etag != etag and version.number > fetch.number)
        successor = min(later, key=lambda version: version.number, default=None)
        has_newer = successor is not None and any(other.number >= successor.number for other in had)
        return cls(fetch, successor, has_newer)


def _is_past(passing: _Passing, identity: str, evidence: Evidence, born: int) -> bool:
    """Return whether no device can have this version as its last one."""
    successor = passing.successor
    if successor is None or not passing.has_newer:
        return False
    if passing.fetch == Fetch(born, 0) and successor.maker == identity:
        return True  # the device that made the item changed it before any other fetched it
    if evidence.chains:
        return _is_behind(passing.fetch, successor.number, evidence.chains)
    return successor.maker == identity and not evidence.shared and passing.fetch.times < ENOUGH


def _is_behind(fetch: Fetch, number: int, chains: Sequence[Chain]) -> bool:
    """Return whether every device has moved on from a version that was replaced under a journal number.

    A single device has, as soon as it fetched or made the newer version. Of several devices each must have presented a
    token from after that number: a token that was only given may not have led to a fetch yet.
    """
    if len(chains) == 1:
        return fetch.times < ENOUGH
    return all(chain.presented >= number for chain in chains)
