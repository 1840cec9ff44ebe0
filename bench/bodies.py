"""The XML that clients send, and what the bench reads from the answers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote
from xml.sax.saxutils import escape

from defusedxml import ElementTree

from bench.client import Answer, AnswerError

_SPACES = (
    'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CR="urn:ietf:params:xml:ns:carddav" '
    'xmlns:CS="http://calendarserver.org/ns/"'
)
POLL = f"<propfind {_SPACES}><prop><CS:getctag/><sync-token/></prop></propfind>".encode()
ETAGS = f"<propfind {_SPACES}><prop><getetag/></prop></propfind>".encode()
CARD_DATA = "<CR:address-data/>"
EVENT_DATA = "<C:calendar-data/>"
ADDRESSES, EVENTS = ("CR:addressbook", CARD_DATA), ("C:calendar", EVENT_DATA)
"""What a multiget of either sort of collection is called and asks for."""

_RESPONSE = re.compile(rb"<(?:[\w.-]+:)?response[\s>]")
_ETAG = re.compile(rb"<(?:[\w.-]+:)?getetag[^>]*>[^<]")
_TEXT = re.compile(rb"BEGIN:(?:VCARD|VCALENDAR)")
_TOKEN = re.compile(rb"<(?:[\w.-]+:)?sync-token[^>]*>([^<]+)<")


@dataclass(frozen=True, slots=True)
class Entry:
    """One response of a multistatus: ``etag`` and ``text`` are empty where the server gave none.

    ``path`` is as the server wrote it, percent signs and all, so that it can be asked for.
    """

    path: str
    etag: str
    text: str

    @property
    def name(self) -> str:
        """The file name."""
        return unquote(self.path.rpartition("/")[2])


def sync_collection(token: str = "") -> bytes:
    """Return a sync-collection REPORT that asks for ETags (RFC 6578)."""
    return (
        f"<sync-collection {_SPACES}><sync-token>{escape(token)}</sync-token><sync-level>1</sync-level>"
        "<prop><getetag/></prop></sync-collection>"
    ).encode()


def multiget(kind: str, data: str, paths: Iterable[str]) -> bytes:
    """Return a multiget REPORT; ``kind`` is CR:addressbook or C:calendar."""
    hrefs = "".join(f"<href>{escape(path)}</href>" for path in paths)
    return (f"<{kind}-multiget {_SPACES}><prop><getetag/>{data}</prop>{hrefs}</{kind}-multiget>").encode()


def week_query(start: str, end: str) -> bytes:
    """Return a calendar-query for the events between two moments, written as 20260615T000000Z."""
    return (
        f"<C:calendar-query {_SPACES}><prop><getetag/>{EVENT_DATA}</prop><C:filter>"
        f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="{start}" end="{end}"/>'
        "</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
    ).encode()


def name_query(text: str) -> bytes:
    """Return an addressbook-query for the contacts whose FN contains a text."""
    return (
        f"<CR:addressbook-query {_SPACES}><prop><getetag/>{CARD_DATA}</prop><CR:filter>"
        '<CR:prop-filter name="FN"><CR:text-match collation="i;unicode-casemap" match-type="contains">'
        f"{escape(text)}</CR:text-match></CR:prop-filter></CR:filter></CR:addressbook-query>"
    ).encode()


def everything_query() -> bytes:
    """Return an addressbook-query for all contacts."""
    return (
        f"<CR:addressbook-query {_SPACES}><prop><getetag/>{CARD_DATA}</prop><CR:filter/></CR:addressbook-query>"
    ).encode()


def entries(answer: Answer) -> list[Entry]:
    """Return the responses of a multistatus that carry an ETag or a text."""
    found = []
    for response in ElementTree.fromstring(answer.body).iter("{DAV:}response"):
        etag = next((node.text for node in response.iter("{DAV:}getetag") if node.text), "")
        text = next((node.text for node in response.iter() if node.tag.endswith("-data") and node.text), "")
        href = response.findtext("{DAV:}href", "")
        if etag or text:
            found.append(Entry(href, etag, text))
    return found


def token_of(answer: Answer) -> str:
    """Return the sync token."""
    found = _TOKEN.search(answer.body)
    if found is None:
        raise AnswerError("the answer holds no sync token")
    return found.group(1).decode()


def check(answer: Answer, *, responses: int | None = None, etags: int = 0, texts: int = 0) -> None:
    """Raise AnswerError unless a multistatus has so many responses, and at least so many ETags and texts."""
    if answer.status != 207:
        raise AnswerError(f"status {answer.status} instead of 207: {answer.body[:300]!r}")
    for what, pattern, wanted in (("ETags", _ETAG, etags), ("texts", _TEXT, texts)):
        got = len(pattern.findall(answer.body)) if wanted else 0
        if got < wanted:
            raise AnswerError(f"{got} {what} instead of {wanted}: {answer.body[:300]!r}")
    got = len(_RESPONSE.findall(answer.body)) if responses is not None else 0
    if responses is not None and got != responses:
        raise AnswerError(f"{got} responses instead of {responses}: {answer.body[:300]!r}")


def check_status(answer: Answer, *wanted: int) -> None:
    """Raise AnswerError unless the status is one of those."""
    if answer.status not in wanted:
        raise AnswerError(f"status {answer.status} instead of {wanted}: {answer.body[:300]!r}")
