"""Holds sums of row digests: they tell whether anything that is shown changed, and in which bucket (rule 6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

BUCKETS = 64
"""So many heaps a collection's records are spread over, by their DSN: what changed is looked for in its heap only."""


@dataclass(frozen=True, slots=True)
class Sums:
    """For each part of a scope: its number, how many rows it has, and the sum of their digests.

    Sums can be added and subtracted: those of many records are the sum of each one's. So a write computes those of its
    own record only.
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
        """Parse what ``str`` wrote."""
        rows = (row.split(":") for row in text.split(";") if row)
        return cls(tuple((int(part), int(count), int(digest)) for part, count, digest in rows))


Share = tuple[int, Sums]
"""What one record, or several of one bucket, add to a fingerprint: the bucket and the sums."""
UNCOUNTED = -1
"""The bucket of what counts in none."""
NOTHING: Share = (UNCOUNTED, Sums())


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The sums of a whole collection: one text for each bucket, parsed only where needed."""

    texts: tuple[str, ...] = ("",) * BUCKETS

    @classmethod
    def of(cls, shares: Iterable[Share]) -> Fingerprint:
        """Return the fingerprint of records, or of parts of them."""
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
        """Return the fingerprint with these buckets taken from ``fresh``."""
        texts = list(self.texts)
        for bucket in buckets:
            texts[bucket] = fresh.texts[bucket]
        return Fingerprint(tuple(texts))

    def __str__(self) -> str:
        return "|".join(self.texts)

    @classmethod
    def parse(cls, text: str) -> Fingerprint:
        """Parse what ``str`` wrote; an empty text is the fingerprint of nothing. Raises ValueError."""
        texts = tuple(text.split("|")) if text else ("",) * BUCKETS
        if len(texts) != BUCKETS:
            raise ValueError(f"a fingerprint has {BUCKETS} buckets, not {len(texts)}")
        return cls(texts)
