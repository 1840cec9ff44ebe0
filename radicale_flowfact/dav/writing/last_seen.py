"""Reads the versions that a device may have seen last of an item, and what it sent beside each (rules 26, 43)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from radicale_flowfact.content import mending, respelling
from radicale_flowfact.content.vcard import versions as card_versions
from radicale_flowfact.dav.store import versions
from radicale_flowfact.dav.store.devices import Evidence
from radicale_flowfact.dav.store.items import Item
from radicale_flowfact.dav.store.session import Name, Session
from radicale_flowfact.dav.store.versions import VersionRow
from radicale_flowfact.dav.writing import candidates, edits
from radicale_flowfact.dav.writing.edits import Reading, Seen
from radicale_flowfact.dav.writing.payload import Parsed, Payload, parse, parse_base

_MOST = 16  # versions that a PUT is compared with; with more, none counts as known
_MOST_KEPT = 16  # versions compared to find what the office changed; with more, all fields count
_LARGE = 200_000  # characters; a longer payload is read beside the newest version only


@dataclass(frozen=True, slots=True)
class Sending:
    """What a device sent for an existing item, and the item's sidecar as it is kept."""

    session: Session
    name: Name
    item: Item
    payload: Payload
    sidecar: tuple[str, ...]

    def beside(self, text: str | None) -> Reading[Parsed]:
        """Return a version (its text; None: an empty one), and what was sent as it reads beside that version.

        What a client respells of it is read as it was served (rule 44).
        """
        served = _spelt_as_sent(text)
        base = self._parsed(served)
        sent = self.payload.text
        if served is not None:
            said = card_versions.spelt_as(sent, served) if self.name is Name.ADDRESSES else sent
            sent = respelling.as_served(served, said)
        return Reading(base, parse(self.session.settings, self.name, sent, base))

    def base(self, text: str | None) -> Parsed:
        """Return a version, parsed."""
        return self._parsed(_spelt_as_sent(text))

    def _parsed(self, served: str | None) -> Parsed:
        return parse_base(self.session.settings, self.name, served, self.payload.parsed, self.sidecar)

    def beside_each(self, etags: Sequence[str]) -> tuple[Reading[Parsed], ...]:
        """Return the versions with these ETags that are still kept, each with what was sent; oldest first.

        Text of more than 200,000 characters is read beside the newest version only, which bounds the time.
        """
        texts = versions.texts(self.session, [(self.item.id, etag) for etag in etags])
        found = [texts[self.item.id, etag] for etag in etags if (self.item.id, etag) in texts]
        newest = self.beside(found[-1] if found else None)
        if len(self.payload.text) <= _LARGE:
            return (*(self.beside(text) for text in found[:-1]), newest)
        return (*(Reading(self.base(text), newest.sent) for text in found[:-1]), newest)


def _spelt_as_sent(text: str | None) -> str | None:
    """Return a version with the corrections that each PUT gets, so that both compare alike (rule 44)."""
    if text is None or text.isascii():
        return text
    return mending.spelt_rightly(text.replace("\r\n", "\n"))


def named(session: Session, name: Name, item: Item, payload: Payload) -> tuple[tuple[str, ...], Seen[Parsed]]:
    """Return the item's sidecar, and the present version as the one that the device saw last.

    For a PUT whose If-Match named the present ETag.
    """
    sidecar, text = versions.seen_at(session, item.id, item.etag)
    return sidecar, Seen((Sending(session, name, item, payload, sidecar).beside(text),))


def possible(
    session: Session, name: Name, item: Item, payload: Payload, identity: str, evidence: Evidence
) -> tuple[tuple[str, ...], Seen[Parsed]]:
    """Return the item's sidecar, and the versions that a device may have seen last (rule 43).

    ``identity``: the device's login and program; ``evidence``: what is known of it. With more than 16 possible
    versions, or none, nothing counts as known.
    """
    sidecar, kept = versions.kept_versions(session, item.id)
    sending = Sending(session, name, item, payload, sidecar)
    found = candidates.possible(identity, evidence, kept, item.born)
    if 0 < len(found) <= _MOST:
        return sidecar, Seen(sending.beside_each(found))
    return sidecar, _unknown(sending, kept)


def _unknown(sending: Sending, kept: Sequence[VersionRow]) -> Seen[Parsed]:
    """Return all versions that are kept, and the fields that the office changed in one of them as frozen."""
    served = sending.item.etag
    compared = [version for version in kept if version.etag != served][-_MOST_KEPT:]
    compared += [version for version in kept if version.etag == served]
    readings = sending.beside_each([version.etag for version in compared] or [served])
    if len(compared) < len(kept) or len(readings) != len(compared):
        return Seen(readings, edits.EVERY_FIELD)
    made = [(reading.base, not version.maker) for reading, version in zip(readings, compared, strict=True)]
    return Seen(readings, edits.changed_by_office(made))
