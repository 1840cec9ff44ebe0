"""Decides what a device's LOCATION of an appointment means beside the one that it was served. Pure functions.

A LOCATION of the device's own is kept for this user's devices (rule 25). One that comes from FlowFact's linked
addresses, or only repeats it, is never kept, however a client spells it (rule 44).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from radicale_flowfact import ical_map
from radicale_flowfact.content.words import same_words

Sidecar = Sequence[str]


def as_meant(
    both: Sequence[tuple[Sidecar, Sidecar]], kept: Collection[str], place: str
) -> list[tuple[Sidecar, Sidecar]]:
    """Return what a device had and sent, without a LOCATION that it only respelt or that repeats ``place``.

    ``both``: each sidecar that it may have had, with the one that it sent; ``kept``: the item's sidecar; ``place``: the
    location by FlowFact's linked addresses, or empty.
    """
    return [(base, _as_meant(base, sent, kept, place)) for base, sent in both]


def after_edit(both: Sequence[tuple[Sidecar, Sidecar]], before: Collection[str], after: Sidecar) -> tuple[str, ...]:
    """Return the item's sidecar, with a mark that hides FlowFact's location if the device removed that.

    Removing a location of the device's own shows FlowFact's again. ``before`` and ``after``: the sidecar before and
    after the edit, without the mark.
    """
    had = [ical_map.place_line(base) for base, _ in both]
    is_off = all(
        line and line not in before and not ical_map.place_line(sent) for line, (_, sent) in zip(had, both, strict=True)
    )
    if not had or not is_off:
        return tuple(after)
    return (
        *(line for line in after if not line.startswith(ical_map.NO_PLACE)),
        ical_map.no_place(ical_map.place_in(had[-1])),
    )


def _as_meant(base: Sidecar, sent: Sidecar, kept: Collection[str], place: str) -> Sidecar:
    """Return ``sent`` with the LOCATION of ``base`` if it means the same, and without one that means ``place``."""
    had, has = ical_map.place_line(base), ical_map.place_line(sent)
    if not has or has == had:
        return sent
    if had and _says(has, ical_map.place_in(had), is_own=had in kept):
        return [had if line == has else line for line in sent]
    return [line for line in sent if line != has] if place and _says(has, place, is_own=False) else sent


def _says(line: str, place: str, *, is_own: bool) -> bool:
    """Return whether a LOCATION means a place; of FlowFact's only the words count, not how they are separated."""
    text = ical_map.place_in(line)
    return same_words(text, place) or (not is_own and ical_map.same_place(text, place))
