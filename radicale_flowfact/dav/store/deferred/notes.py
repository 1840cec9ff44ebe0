"""Notes which versions devices fetched and when they synced, while requests are answered; written a second later."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from radicale_flowfact.database import faults
from radicale_flowfact.dav.store import chains, devices
from radicale_flowfact.dav.store.chains import Move
from radicale_flowfact.dav.store.deferred.fetches import Fetched, Fetches
from radicale_flowfact.dav.store.deferred.moves import Moves, Noted
from radicale_flowfact.dav.store.deferred.syncs import Syncs
from radicale_flowfact.dav.store.devices import Device, Evidence, Fetch
from radicale_flowfact.dav.store.session import Name, Session
from radicale_flowfact.dav.store.transactions import Transactions


class DeviceNotes:
    """The notes of one process; thread-safe. ``transactions`` open the transactions to write them in."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._fetches = Fetches(self._write_fetches)
        self._syncs = Syncs(self._write_syncs)
        self._moves = Moves(self._write_moves)

    def fetched(self, device: Device, fetched: Iterable[Fetched]) -> None:
        """Note that a device fetched these versions."""
        self._fetches.add(device, fetched)

    def made(self, device: Device, item_id: int, etag: str, number: int) -> None:
        """Note that a device's PUT made a version."""
        self._fetches.add(device, [(item_id, etag, number)], times=0)

    def made_now(self, session: Session, device: Device, item_id: int, etag: str, number: int) -> None:
        """Write at once that a device's PUT made a version: its next request may go to another process."""
        devices.remember(session, device, {(item_id, etag): Fetch(number, 0)}, is_writing=True)

    def synced(self, device: Device, names: tuple[Name, ...]) -> None:
        """Note that a device was told now what is new in these collections."""
        self._syncs.note(device, names)

    def moved(self, device: Device, name: Name, move: Move) -> None:
        """Note which sync token a device presented and which one it was given."""
        self._moves.add(device, name, move)

    def evidence(self, session: Session, device: Device, name: Name, item_id: int) -> Evidence:
        """Return what is known of the devices of an identity and an item, written or not (rule 43)."""
        known = devices.evidence(session, device, name, item_id)
        found = dict(known.fetched)
        for etag, fetch in self._fetches.versions(device, item_id).items():
            found[etag] = found[etag].merged(fetch) if etag in found else fetch
        moves, days = self._moves.of(device, name), session.settings.history_days
        moved = chains.advanced(known.chains, moves, session.utc.date(), days) if moves else known.chains
        return Evidence(found, moved, known.shared or any(fetch.times > 1 for fetch in found.values()))

    def flush(self) -> None:
        """Write all notes; to be called at the end of a process."""
        self._fetches.flush()
        self._syncs.flush()
        self._moves.flush()

    def _write_fetches(self, device: Device) -> None:
        def attempt(_: int) -> None:
            with self._transactions.writing() as session:
                self._fetches.write_now(session, device)

        faults.whole(attempt)

    def _write_syncs(self, device: Device, names: Iterable[Name]) -> None:
        with self._transactions.writing() as session:
            devices.synced(session, device, names)

    def _write_moves(self, device: Device, moves: Sequence[Noted]) -> None:
        def attempt(_: int) -> None:
            with self._transactions.writing() as session:
                devices.moved(session, device, moves)

        faults.whole(attempt)
