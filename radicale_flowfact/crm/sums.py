"""Sums of row digests: what tells whether anything that is shown changed, and roughly where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

BUCKETS = 64
"""So many heaps a collection's records are spread over, by their DSN: what changed is looked for in its heap only."""


@dataclass(frozen=True, slots=True)
class Sums:
    """For each part of a scope, how many rows it has and the sum of their digests.

    They add up: the sums of many records are those of each one together, so a write needs to look at its record only.
    """

    parts: tuple[tuple[int, int, int], ...] = ()

    def __add__(self, other: Sums) -> Sums:
        return self._combined(other, 1)

    def __sub__(self, other: Sums) -> Sums:
        return self._combined(other, -1)

    def _combined(self, other: Sums, sign: int) -> Sums:
        total = {part: (count, digest) for part, count, digest in self.parts}
        for part, count, digest in other.parts:
            before = total.get(part, (0, 0))
            total[part] = (before[0] + sign * count, before[1] + sign * digest)
        return Sums(tuple((part, *both) for part, both in sorted(total.items()) if both != (0, 0)))

    def __str__(self) -> str:
        return ";".join(f"{part}:{count}:{digest}" for part, count, digest in self.parts)

    @classmethod
    def parse(cls, text: str) -> Sums:
        """Read what ``str`` wrote."""
        rows = (row.split(":") for row in text.split(";") if row)
        return cls(tuple((int(part), int(count), int(digest)) for part, count, digest in rows))


Share = tuple[int, Sums]
"""What one record, or several of one bucket, add to a fingerprint: the bucket and the sums."""
UNCOUNTED = -1
"""The bucket of what counts in none."""
NOTHING: Share = (UNCOUNTED, Sums())


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The sums of a whole collection: for each bucket their text, which is only read where it has to be."""

    texts: tuple[str, ...] = ("",) * BUCKETS

    @classmethod
    def of(cls, shares: Iterable[Share]) -> Fingerprint:
        """Add up what records, or parts of them, add."""
        counts: list[defaultdict[int, int]] = [defaultdict(int) for _ in range(BUCKETS)]
        digests: list[defaultdict[int, int]] = [defaultdict(int) for _ in range(BUCKETS)]
        for bucket, sums in shares:
            for part, count, digest in sums.parts:
                counts[bucket][part] += count
                digests[bucket][part] += digest
        totals = (
            Sums(tuple((part, mine[part], its[part]) for part in sorted(mine)))
            for mine, its in zip(counts, digests, strict=True)
        )
        return cls(tuple(str(total) for total in totals))

    def exchanged(self, before: Share, after: Share) -> Fingerprint:
        """Return the fingerprint with one record's share replaced by its new one."""
        texts = list(self.texts)
        for (bucket, sums), sign in ((before, -1), (after, 1)):
            if sums.parts:
                there = Sums.parse(texts[bucket])
                texts[bucket] = str(there + sums if sign > 0 else there - sums)
        return Fingerprint(tuple(texts))

    def differing(self, other: Fingerprint) -> frozenset[int]:
        """Return the buckets in which the two differ."""
        both = zip(self.texts, other.texts, strict=True)
        return frozenset(bucket for bucket, (mine, its) in enumerate(both) if mine != its)

    def with_buckets(self, fresh: Fingerprint, buckets: Iterable[int]) -> Fingerprint:
        """Return the fingerprint with these buckets as they are in another one."""
        texts = list(self.texts)
        for bucket in buckets:
            texts[bucket] = fresh.texts[bucket]
        return Fingerprint(tuple(texts))

    def __str__(self) -> str:
        return "|".join(self.texts)

    @classmethod
    def parse(cls, text: str) -> Fingerprint:
        """Read what ``str`` wrote; empty for a collection that was never looked at. Raises ValueError."""
        texts = tuple(text.split("|")) if text else ("",) * BUCKETS
        if len(texts) != BUCKETS:
            raise ValueError(f"a fingerprint has {BUCKETS} buckets, not {len(texts)}")
        return cls(texts)
