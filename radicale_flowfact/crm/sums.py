"""Sums of row digests: what tells whether anything that is shown changed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sums:
    """For each part of a scope, how many rows it has and the sum of their digests.

    They add up: a collection's sums are the sums of its records, so a write needs to look at its record only.
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
