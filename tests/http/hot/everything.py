"""An office with items of every sort and spelling, and a history of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime as at
from urllib.parse import unquote, urlsplit

from tests import payloads
from tests.conftest import Agency
from tests.http.hot.two_ways import TwoWays

NAMES = ("addresses", "appointments", "tasks")
SETTINGS = """refresh_seconds = 3600
[appointments]
past_days = -1
[safety]
max_vanish_percent = 100
"""
_ODD_NAMES = ("mit leer", "Öl & Käse", "a'b", 'sag"x"', "c;d", "plus+", "50%", "semi,colon:", "{0}{x}", "<b>", "日本")
_DAV = "{DAV:}"


@dataclass
class Seen:
    """What requests can name in a collection."""

    hrefs: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    etags: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)


class Everything:
    """An office with items of every sort, and a history of them."""

    def __init__(self, agency: Agency, ways: TwoWays) -> None:
        self.agency, self.ways = agency, ways
        self.seen = {name: Seen() for name in NAMES}
        self._records()
        self._look()
        self._items()
        self._look()
        self._changes()
        self._look()

    def _look(self) -> None:
        """Let the gateway look, and note what there is to be named."""
        self.ways.look()
        for name, seen in self.seen.items():
            listed = self.ways.propfind(name)
            rest = [(response.findtext(f"{_DAV}href") or "", response) for response in listed]
            before = set(seen.hrefs)
            seen.hrefs = [unquote(urlsplit(path).path.rpartition("/")[2]) for path, _ in rest if not path.endswith("/")]
            seen.gone += sorted(before - set(seen.hrefs))
            seen.etags += [response.findtext(f".//{_DAV}getetag") or "" for _, response in rest]
            seen.tokens.append(listed.findtext(f".//{_DAV}sync-token") or "")

    def _records(self) -> None:
        own, office = self.agency.own, self.agency.office
        for number in range(4):
            office.address(
                [own], ["0221 / 1"], NAME=f"N{number}", STRASSE="a < b & c > d\r\n ]]>", NOTIZ="ä\t{0}\n\u2028"
            )
        self.leaving = office.address([own], NAME="geht")
        office.address([own], NAME="Bö\x07se")  # in a minimal form
        spans = [
            (at(2026, 6, 20, 10), at(2026, 6, 20, 11)), (at(2026, 6, 20, 10), at(2026, 6, 20, 10)),
            (at(2026, 6, 20, 23), at(2026, 6, 21, 1)), (at(2026, 6, 18), at(2026, 6, 24)),
            (at(2026, 3, 29, 1, 30), at(2026, 3, 29, 3, 30)), (at(2026, 10, 25, 2, 30), at(2026, 10, 25, 2, 45)),
            (at(2026, 6, 21, 10), at(2026, 6, 21, 9)), (at(1990, 1, 1), None),
        ]  # fmt: skip
        for begin, end in spans:
            self.agency.appointment(BEGINN=begin, ENDE=end)
        self.agency.appointment(BEGINN=at(2026, 6, 20), ENDE=at(2026, 6, 21), GANZTAGS=True)
        self.agency.appointment(BEGINN=at(2026, 3, 29), ENDE=at(2026, 3, 29), GANZTAGS=True)
        for values in (
            {},
            {"VORLAGE": None},
            {"ERLEDIGT": True},
            {"VORLAGE": at(2026, 3, 29, 2, 30), "VORLAGE_ZEIT": True},
        ):
            self.agency.task(**values)

    def _items(self) -> None:
        """Make items on the device, with names of all sorts."""
        put = self.ways.put
        for number, odd in enumerate(_ODD_NAMES):
            put(f"addresses/{odd}.vcf", payloads.vcard(f"a{number}", "NOTE:5 < 6 & 7 > ]]> {0}"))
            put(f"appointments/{odd}", payloads.event(f"e{number}"))
        put("addresses/private.vcf", payloads.vcard("p", "CLASS:PRIVATE"))
        put("appointments/private.ics", payloads.event("p", "CLASS:PRIVATE", start="DTSTART:20260620T080000Z"))
        weekly, days = "RRULE:FREQ=WEEKLY", "RRULE:FREQ=DAILY;COUNT=3"
        put("appointments/series.ics", payloads.event("s", weekly, start="DTSTART:20260701T080000Z"))
        put("appointments/gap.ics", payloads.event("g", weekly, start="DTSTART:20260610T080000Z", end="DURATION:PT1H"))
        put("appointments/days.ics", payloads.event("d", days, start="DTSTART;VALUE=DATE:20260619", end="DURATION:P1D"))
        put("tasks/own.ics", payloads.todo("t", "CLASS:PRIVATE", "DUE;VALUE=DATE:20260620"))
        put("tasks/series.ics", payloads.todo("r", "DTSTART:20260701T080000Z", "DUE:20260701T090000Z", weekly))
        for name, text in (("addresses", payloads.vcard), ("appointments", payloads.event), ("tasks", payloads.todo)):
            put(f"{name}/short lived.x", text("short"))

    def _changes(self) -> None:
        """Change, delete and let go, so that tokens of several ages tell different things."""
        office, tables = self.agency.office, self.agency.office.tables
        for name in NAMES:
            self.ways.delete(f"{name}/short lived.x")
        self._look()
        office.remove(tables.address_merkmal, AD_DSN=self.leaving)
        for number in range(2):
            (row, *_) = office.rows(tables.address, NAME=f"N{number}")
            office.change(tables.address, {"DSN": row["DSN"]}, ORT="neu")
        self._look()
        self.agency.appointment(BETREFF="später")
        self.ways.put("tasks/late.ics", payloads.todo("late"))
        self.ways.delete("tasks/late.ics")
        self.ways.put("addresses/a'b.vcf", payloads.vcard("a2", "NOTE:neu"))
