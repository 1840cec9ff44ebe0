"""The sync tokens that the devices of one identity use, each updated by the sync that presents it (rule 43).

Pure functions. Every device has a chain of tokens: it presents the one that it was given last. Of two devices with the
same token, each sync moves one chain on, so that as many chains remain behind as there are devices. A chain that is
wrongly taken to be behind keeps a version possible for longer. One that is wrongly taken to be ahead would let a device
undo what the office changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta

MOST = 32
"""So many chains are kept of one identity and collection."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The tokens of one device, by journal number: the one it presented last, and the one it was given for it.

    ``began``: the token that it presented first, if another process may not have written yet that it was given out;
    otherwise -1. ``used``: the day of the last sync (UTC), in ISO form.
    """

    presented: int
    handed: int
    used: str
    began: int = -1


@dataclass(frozen=True, slots=True)
class Move:
    """One sync: the token presented (None: an empty one) and the one given, by journal number."""

    presented: int | None
    handed: int


def read(text: str) -> tuple[Chain, ...]:
    """Parse the chains in a row."""
    return tuple(Chain(**values) for values in json.loads(text))


def written(chains: Iterable[Chain]) -> str:
    """Return the chains as a row holds them (JSON)."""
    return json.dumps([asdict(chain) for chain in chains])


def advanced(chains: Sequence[Chain], moves: Iterable[Move], today: date, days: int) -> tuple[Chain, ...]:
    """Return the chains after these syncs, without those that were unused for ``days``; at most 32."""
    found = list(chains)
    for move in moves:
        _move(found, move, today.isoformat())
    oldest = (today - timedelta(days=days)).isoformat()
    kept = sorted((chain for chain in found if chain.used >= oldest), key=lambda chain: chain.used)
    while len(kept) > MOST:  # merge the two oldest chains; the one further behind counts
        first, second = kept[:2]
        kept[:2] = [replace(second, presented=min(first.presented, second.presented), began=-1)]
    return tuple(kept)


def _move(chains: list[Chain], move: Move, today: str) -> None:
    if move.presented is None:
        chains.append(Chain(0, move.handed, today))
        return
    presented = move.presented
    handed = [chain for chain in chains if chain.handed == presented]
    again = [chain for chain in chains if chain.presented == presented]  # its answer was lost
    if not handed and not again:
        chains.append(Chain(presented, move.handed, today, presented))
        return
    mine = max(handed or again, key=lambda chain: chain.presented)
    chains.remove(mine)
    later = [chain for chain in chains if chain.began == move.handed and move.handed != presented]
    if later:  # another process wrote the next sync of this device before
        chains[chains.index(later[0])] = replace(later[0], began=-1)
    else:
        began = mine.began if move.handed == presented else -1
        chains.append(Chain(presented, max(move.handed, mine.handed), today, began))
