"""Holds the requests that are measured. Each is prepared once for a server, then sent repeatedly and verified.

What a repetition needs besides, such as the contact that a DELETE deletes, is done while nothing is measured.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from bench import bodies, seed
from bench.client import AnswerError
from bench.visit import CARD, DEPTH_0, DEPTH_1, NEW, Visit

Go = Callable[[], None]
MULTIGET = 100
CHANGES = 10
BUNCH = 30
"""Items in each multiget of a first sync. DAVx5 asked for 35 at first, for 10 today, several at a time."""

FLAT, LISTING = 1.3, 11.0
_INDEXED = 8  # Xandikos indexes what was asked for more than five times, with the next one


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table. ``growth`` is how many times as long ten times as many items may take.

    ``warm`` is how often it is sent before it is measured, ``warm_xandikos`` how often to Xandikos.
    """

    name: str
    prepare: Callable[[Visit], Go]
    growth: float
    warm: int = 1
    warm_xandikos: int = 1


def _poll(visit: Visit) -> Go:
    def go() -> None:
        answer = visit.timed("PROPFIND", visit.place.addresses, bodies.POLL, DEPTH_0)
        bodies.check(answer, responses=1)
        bodies.token_of(answer)

    return go


def _etags(visit: Visit) -> Go:
    def go() -> None:
        answer = visit.timed("PROPFIND", visit.place.addresses, bodies.ETAGS, DEPTH_1)
        bodies.check(answer, responses=len(visit.addresses) + 1, etags=len(visit.addresses))

    return go


def _sync_first(visit: Visit) -> Go:
    def go() -> None:
        answer = visit.timed("REPORT", visit.place.addresses, bodies.sync_collection())
        bodies.check(answer, etags=len(visit.addresses))  # Radicale also tells what is gone
        bodies.token_of(answer)

    return go


def _sync_unchanged(visit: Visit) -> Go:
    body = bodies.sync_collection(visit.token(visit.place.addresses))

    def go() -> None:
        answer = visit.timed("REPORT", visit.place.addresses, body)
        bodies.check(answer, responses=0)
        bodies.token_of(answer)

    return go


def _sync_changes(visit: Visit) -> Go:
    body = bodies.sync_collection(visit.token(visit.place.addresses))
    for path in visit.addresses[:CHANGES]:
        _change(visit, path)
    visit.take()

    def go() -> None:
        answer = visit.timed("REPORT", visit.place.addresses, body)
        wanted = min(CHANGES, len(visit.addresses))
        bodies.check(answer, responses=wanted, etags=wanted)
        bodies.token_of(answer)

    return go


def _multiget_addresses(visit: Visit) -> Go:
    step = max(1, len(visit.addresses) // MULTIGET)
    paths = visit.addresses[::step][:MULTIGET]
    body = bodies.multiget("CR:addressbook", bodies.CARD_DATA, paths)

    def go() -> None:
        answer = visit.timed("REPORT", visit.place.addresses, body, DEPTH_0)
        bodies.check(answer, responses=len(paths), etags=len(paths), texts=len(paths))

    return go


def _multiget_events(visit: Visit) -> Go:
    step = max(1, len(visit.events) // MULTIGET)
    paths = visit.events[::step][:MULTIGET]
    body = bodies.multiget("C:calendar", bodies.EVENT_DATA, paths)

    def go() -> None:
        answer = visit.timed("REPORT", visit.place.events, body, DEPTH_0)
        bodies.check(answer, responses=len(paths), etags=len(paths), texts=len(paths))

    return go


def _week(visit: Visit) -> Go:
    monday, wanted = seed.MONDAY, min(seed.PER_WEEK, len(visit.events))
    body = bodies.week_query(f"{monday:%Y%m%d}T000000Z", f"{monday + timedelta(days=7):%Y%m%d}T000000Z")

    def go() -> None:
        answer = visit.timed("REPORT", visit.place.events, body, DEPTH_1)
        bodies.check(answer, responses=wanted, etags=wanted, texts=wanted)

    return go


def _by_name(visit: Visit) -> Go:
    body, wanted = bodies.name_query(seed.RARE_NAME[1:]), min(seed.RARE, len(visit.addresses))

    def go() -> None:
        answer = visit.timed("REPORT", visit.place.addresses, body, DEPTH_1)
        bodies.check(answer, responses=wanted, etags=wanted, texts=wanted)

    return go


def _get(visit: Visit) -> Go:
    def go() -> None:
        answer = visit.timed("GET", visit.addresses[visit.turn() * 7 % len(visit.addresses)])
        bodies.check_status(answer, 200)
        if b"BEGIN:VCARD" not in answer.body or not answer.headers.get("etag"):
            raise AnswerError("a GET without a contact or without its ETag")

    return go


def _put_change(visit: Visit) -> Go:
    return lambda: _change(visit, visit.addresses[visit.turn() * 7 % len(visit.addresses)])


def _change(visit: Visit, path: str) -> None:
    """Give a contact another phone number, as a device does that has just read it."""
    found = visit.client.request("GET", path)
    bodies.check_status(found, 200)
    digits = f"{visit.turn() % 900 + 100}"
    text, changes = re.subn(rb"(?m)^(TEL[^\r\n]*\d{3})\d{3}(\r?)$", rb"\g<1>" + digits.encode() + rb"\2", found.body)
    if not changes:
        raise AnswerError(f"{path} holds no phone number")
    if text == found.body:
        _change(visit, path)
        return
    answer = visit.timed("PUT", path, text, {**CARD, "If-Match": found.headers["etag"]})
    bodies.check_status(answer, 200, 201, 204)


def _put_new(visit: Visit) -> Go:
    def go() -> None:
        path, text = _new_contact(visit)
        bodies.check_status(visit.timed("PUT", path, text, {**CARD, "If-None-Match": "*"}), 201, 204)
        bodies.check_status(visit.client.request("DELETE", path), 200, 204)

    return go


def _delete(visit: Visit) -> Go:
    def go() -> None:
        path, text = _new_contact(visit)
        bodies.check_status(visit.client.request("PUT", path, text, {**CARD, "If-None-Match": "*"}), 201, 204)
        bodies.check_status(visit.timed("DELETE", path), 200, 204)
        bodies.check_status(visit.client.request("GET", path), 404)

    return go


def _new_contact(visit: Visit) -> tuple[str, bytes]:
    """Return the path and text of a contact that was never there."""
    uid = f"{NEW}{id(visit):x}-{visit.turn()}"
    text = (
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:Nora Neu {uid}\r\nN:Neu {uid};Nora;;;\r\n"
        "TEL;TYPE=WORK:+49 221 1234567\r\nEMAIL;TYPE=WORK:nora@example.com\r\nEND:VCARD\r\n"
    )
    return f"{visit.place.addresses}{uid}.vcf", text.encode()


def _first_sync(visit: Visit, collection: str, kind: str, data: str, count: int) -> None:
    """Poll, list by sync-collection, fetch in bunches one after the other."""
    bodies.check(visit.timed("PROPFIND", collection, bodies.POLL, DEPTH_0), responses=1)
    listing = visit.timed("REPORT", collection, bodies.sync_collection())
    paths = [entry.path for entry in bodies.entries(listing)]
    if len(paths) != count:
        raise AnswerError(f"{len(paths)} items instead of {count}")
    for start in range(0, count, BUNCH):
        bunch = paths[start : start + BUNCH]
        answer = visit.timed("REPORT", collection, bodies.multiget(kind, data, bunch), DEPTH_0)
        bodies.check(answer, responses=len(bunch), etags=len(bunch), texts=len(bunch))


def _first_addresses(visit: Visit) -> Go:
    return lambda: _first_sync(visit, visit.place.addresses, "CR:addressbook", bodies.CARD_DATA, len(visit.addresses))


def _first_events(visit: Visit) -> Go:
    return lambda: _first_sync(visit, visit.place.events, "C:calendar", bodies.EVENT_DATA, len(visit.events))


ROWS = (
    Row("PROPFIND 0 ctag + sync-token", _poll, FLAT),
    Row("PROPFIND 1, all ETags", _etags, LISTING),
    Row("sync-collection, first", _sync_first, LISTING),
    Row("sync-collection, no change", _sync_unchanged, FLAT),
    Row("sync-collection, 10 changes", _sync_changes, FLAT),
    Row("addressbook-multiget 100", _multiget_addresses, FLAT),
    Row("calendar-multiget 100", _multiget_events, FLAT),
    Row("calendar-query, one week", _week, FLAT, warm_xandikos=_INDEXED),
    Row("addressbook-query, FN contains", _by_name, LISTING),
    Row("GET one", _get, FLAT),
    Row("PUT change", _put_change, FLAT),
    Row("PUT new", _put_new, FLAT),
    Row("DELETE", _delete, FLAT),
    Row("first sync, contacts", _first_addresses, LISTING, warm=0, warm_xandikos=0),
    Row("first sync, events", _first_events, LISTING, warm=0, warm_xandikos=0),
)
