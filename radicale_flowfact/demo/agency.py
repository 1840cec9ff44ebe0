"""Fills an empty reference schema with a demo agency; equal numbers and day give equal rows."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection, insert
from sqlalchemy import Table as SqlTable

from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.demo import names

Progress = Callable[[int, int], None]
_BATCH = 500
_SEED = 2007
_CALENDAR_KINDS = ["Termin", "Termin extern", "Besichtigung", "Notartermin"]
_TASK_KINDS = ["Aufgabe", "Telefonat"]
Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class DemoUser:
    """Holds a user of the demo: the DSNs of his record, of his own Merkmal and of those that he shares."""

    login: str
    name: str
    dsn: str
    own: str
    shared: tuple[str, ...]


@dataclass
class _Filling:
    """Holds the state of one filling: the random source, the rows not yet written, the progress."""

    connection: Connection
    tables: Tables
    today: date
    total: int
    progress: Progress | None
    random_source: random.Random = field(default_factory=lambda: random.Random(_SEED))  # noqa: S311 - no secret is made
    done: int = 0
    waiting: dict[SqlTable, list[Row]] = field(default_factory=dict)

    def dsn(self) -> str:
        """Return a new DSN that looks like FlowFact's."""
        number = f"{self.random_source.getrandbits(128):032X}"
        return "-".join((number[:8], number[8:12], number[12:16], number[16:20], number[20:]))

    def add(self, table: SqlTable | None, **values: object) -> None:
        """Remember a row; columns that this schema lacks are left out."""
        if table is not None:
            self.waiting.setdefault(table, []).append({key: value for key, value in values.items() if key in table.c})

    def step(self) -> None:
        """Count a record; write a batch now and then."""
        self.done += 1
        if self.done % _BATCH == 0:
            self.write()

    def write(self) -> None:
        """Write what is waiting, and tell how far it is."""
        for table, rows in self.waiting.items():
            self.connection.execute(insert(table), rows)
        self.waiting = {}
        if self.progress is not None:
            self.progress(self.done, self.total)

    def chance(self, share: float) -> bool:
        """Return True with this probability."""
        return self.random_source.random() < share

    def touch(self) -> datetime:
        """Return a Touch of the last two years."""
        days, seconds = self.random_source.randrange(1, 730), self.random_source.randrange(7 * 3600, 19 * 3600)
        return datetime.combine(self.today - timedelta(days=days), time()) + timedelta(seconds=seconds)


def fill(
    connection: Connection,
    tables: Tables,
    *,
    users: int = 5,
    addresses: int = 2000,
    activities: int = 1500,
    today: date,
    progress: Progress | None = None,
) -> list[DemoUser]:
    """Write the agency and return its active users. ``progress`` is called with (done, total) records."""
    filling = _Filling(connection, tables, today, addresses + activities, progress)
    merkmale = [_merkmal(filling, name) for name in names.MERKMALE]
    groups = [_group(filling, name) for name in ("Vertrieb", "Verwaltung")]
    kinds = _kinds(filling)
    people = [_user(filling, login, name, merkmale, kinds, groups) for login, name in _logins(users)]
    _inactive(filling, merkmale)
    made = [_address(filling, number, people, merkmale, groups) for number in range(addresses)]
    for number in range(activities):
        _activity(filling, number, people, kinds, made)
    filling.write()
    return people


def _logins(count: int) -> Iterator[tuple[str, str]]:
    yield from names.USERS[:count]
    for number in range(len(names.USERS), count):
        given, family = names.GIVEN[number % len(names.GIVEN)], names.FAMILY[number % len(names.FAMILY)]
        yield f"user{number + 1}", f"{given} {family}"


def _merkmal(filling: _Filling, name: str, owner: str | None = None) -> str:
    dsn = filling.dsn()
    path = f"Benutzer\\{name}" if owner else f"Adressen\\{name}"
    filling.add(filling.tables.merkmal, DSN=dsn, NAME=name, KUERZEL=name[:6], PFAD=path, AKTIV=True, BEN_DSN=owner)
    return dsn


def _group(filling: _Filling, name: str) -> str:
    dsn = filling.dsn()
    filling.add(filling.tables.group, DSN=dsn, NAME=name)
    return dsn


def _kinds(filling: _Filling) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, calendar, task, mail in (
        ("Termin", True, False, False),
        ("Termin extern", True, False, False),
        ("Besichtigung", True, False, False),
        ("Notartermin", True, False, False),
        ("Aufgabe", False, True, False),
        ("Telefonat", False, True, False),
        ("E-Mail intern", False, True, True),
        ("Notiz", False, False, False),
    ):
        found[name] = filling.dsn()
        flags = {"KALENDER": calendar, "AUFGABE": task, "MAIL": mail}
        filling.add(filling.tables.kind, DSN=found[name], NAME=name, KUERZEL=name[:8], **flags)
    return found


def _user(
    filling: _Filling, login: str, name: str, merkmale: list[str], kinds: dict[str, str], groups: list[str]
) -> DemoUser:
    dsn = filling.dsn()
    own = _merkmal(filling, name, dsn)
    number = [known for known, _ in names.USERS].index(login) if login in dict(names.USERS) else 0
    shared = (merkmale[0], merkmale[1 + number % 6])
    presets = {} if login == "ben" else {"ART_TERMIN_DSN": kinds["Termin extern"], "ART_AUFGABE_DSN": kinds["Aufgabe"]}
    row: Row = {"ART_TERMIN_DSN": None, "ART_AUFGABE_DSN": None, **presets}
    filling.add(filling.tables.user, DSN=dsn, NAME=name, LOGIN=login, AKTIV=True, MKM_DSN=own, **row)
    for merkmal, area in ((own, "OUTLOOK"), *((dsn_, "OUTLOOK") for dsn_ in shared), (own, "VORLAGE")):
        filling.add(filling.tables.user_merkmal, BEN_DSN=dsn, MKM_DSN=merkmal, BEREICH=area)
    if number % 2 == 0:
        filling.add(filling.tables.user_merkmal, BEN_DSN=dsn, MKM_DSN=merkmale[-1], BEREICH="VORLAGE")
    filling.add(filling.tables.user_group, BEN_DSN=dsn, GRP_DSN=groups[number % len(groups)])
    return DemoUser(login, name, dsn, own, shared)


def _inactive(filling: _Filling, merkmale: list[str]) -> None:
    dsn = filling.dsn()
    own = _merkmal(filling, "Inge Ihle", dsn)
    row: Row = {"ART_TERMIN_DSN": None, "ART_AUFGABE_DSN": None}
    filling.add(filling.tables.user, DSN=dsn, NAME="Inge Ihle", LOGIN="inge", AKTIV=False, MKM_DSN=own, **row)
    for merkmal in (own, merkmale[0]):
        filling.add(filling.tables.user_merkmal, BEN_DSN=dsn, MKM_DSN=merkmal, BEREICH="OUTLOOK")


def _address(filling: _Filling, number: int, people: list[DemoUser], merkmale: list[str], groups: list[str]) -> str:
    random_source, dsn = filling.random_source, filling.dsn()
    family, given = random_source.choice(names.FAMILY), random_source.choice(names.GIVEN)
    is_company = filling.chance(0.3)
    company = random_source.choice(names.COMPANIES).format(name=family) if is_company or filling.chance(0.2) else ""
    postcode, city = random_source.choice(names.CITIES)
    person = not is_company or filling.chance(0.5)
    note = "\n".join(random_source.choice(names.NOTES) for _ in range(40)) if number % 50 == 7 else ""
    touch = filling.touch()
    filling.add(
        filling.tables.address,
        DSN=dsn,
        KENNUNG=f"{f'{family}, {given}' if person else company} #{number + 1}",
        FIRMA=company,
        ANREDE=random_source.choice(["Herr", "Frau"]) if person else None,
        TITEL=random_source.choice(names.TITLES) if person else "",
        VORNAME=given if person else "",
        NAME=family if person else "",
        STRASSE=f"{random_source.choice(names.STREETS)} {random_source.randrange(1, 200)}",
        PLZ=postcode,
        ORT=city,
        LAND="Deutschland" if filling.chance(0.6) else "",
        FAX=f"0221 / {random_source.randrange(100000, 999999)}" if filling.chance(0.3) else "",
        EMAIL=f"kontakt{number + 1}@example.com" if filling.chance(0.8) else "",
        NOTIZ=note or (random_source.choice(names.NOTES) if filling.chance(0.4) else ""),
        ARCHIV=number % 40 == 39,
        ANGELEGT=touch,
        ANGELEGT_VON=people[number % len(people)].dsn,
        TOUCH=touch,
        TOUCH_VON=people[number % len(people)].dsn,
    )
    _phones(filling, dsn, 11 if number % 60 == 9 else random_source.randrange(0, 6))
    _tags(filling, number, dsn, people, merkmale)
    _rights(filling, "AD", number, dsn, people, groups)
    filling.step()
    return dsn


def _phones(filling: _Filling, dsn: str, count: int) -> None:
    random_source = filling.random_source
    for position in range(1, count + 1):
        digits = random_source.randrange(1_000_000, 9_999_999)
        number = random_source.choice(
            [f"0221 / {digits}", f"+49 171 {digits}", f"0049 (228) {digits}", f"0221-{digits}"]
        )
        filling.add(
            filling.tables.phone, AD_DSN=dsn, POS=position, NUMMER=number, BEMERKUNG=random_source.choice(names.REMARKS)
        )


def _tags(filling: _Filling, number: int, dsn: str, people: list[DemoUser], merkmale: list[str]) -> None:
    """Give most addresses one owner, some a shared Merkmal, some none at all."""
    found = {people[number % len(people)].own} if number % 5 != 4 else set()
    if filling.chance(0.15):
        found.add(filling.random_source.choice(people).own)
    if filling.chance(0.2):
        found.add(filling.random_source.choice(merkmale[:-1]))
    for merkmal in sorted(found):
        filling.add(filling.tables.address_merkmal, AD_DSN=dsn, MKM_DSN=merkmal)


def _rights(filling: _Filling, table: str, number: int, dsn: str, people: list[DemoUser], groups: list[str]) -> None:
    """Make some records readable only, some private."""
    owner, other = people[number % len(people)], people[(number + 1) % len(people)]
    entries: list[tuple[str | None, str | None, str]] = []
    if number % 25 == 3:
        entries = [(owner.dsn, None, "LESEN"), (None, groups[0], "LESEN")]
        entries += [(other.dsn, None, "VOLL")] if other is not owner else []
    elif number % 25 == 11:
        entries = [(owner.dsn, None, "VOLL")]
    for user, group, right in entries:
        filling.add(filling.tables.rights, TABELLE=table, OBJ_DSN=dsn, BEN_DSN=user, GRP_DSN=group, RECHT=right)


def _activity(
    filling: _Filling, number: int, people: list[DemoUser], kinds: dict[str, str], addresses: list[str]
) -> None:
    random_source, dsn = filling.random_source, filling.dsn()
    owner = people[number % len(people)]
    is_task = number % 3 == 2
    day = filling.today + timedelta(days=random_source.randrange(-365, 366))
    begin = datetime.combine(day, time(random_source.randrange(8, 18), random_source.choice([0, 15, 30])))
    past = begin.date() < filling.today
    kind = random_source.choice(_TASK_KINDS if is_task else _CALENDAR_KINDS)
    mail = is_task and number % 30 == 5
    touch = filling.touch()
    filling.add(
        filling.tables.activity,
        DSN=dsn,
        ART_DSN=kinds["E-Mail intern" if mail else kind],
        BETREFF=random_source.choice(names.TASKS if is_task else names.APPOINTMENTS),
        NOTIZ="\n".join(random_source.choice(names.NOTES) for _ in range(30))
        if number % 40 == 8
        else random_source.choice(names.NOTES),
        ERLEDIGT=past and filling.chance(0.8),
        PRIORITAET=random_source.choice([None, 0, 1, 5, 9]) if is_task else None,
        ABSENDER=owner.dsn if mail else None,
        ARCHIV=number % 50 == 49,
        ANGELEGT=touch,
        ANGELEGT_VON=owner.dsn,
        TOUCH=touch,
        TOUCH_VON=owner.dsn,
        **(_due(filling, begin) if is_task else _span(filling, number, begin)),
    )
    participants = {owner.own} | ({random_source.choice(people).own} if filling.chance(0.4) else set())
    for merkmal in sorted(participants):
        filling.add(filling.tables.activity_merkmal, AKT_DSN=dsn, MKM_DSN=merkmal)
    for address in sorted(set(random_source.choices(addresses, k=random_source.randrange(0, 3)))) if addresses else ():
        filling.add(filling.tables.activity_address, AKT_DSN=dsn, AD_DSN=address)
    if number % 25 == 11:
        _rights(filling, "AKT", number, dsn, people, [])
    filling.step()


def _due(filling: _Filling, begin: datetime) -> Row:
    rings = filling.chance(0.5)
    vorlage = begin if rings else datetime.combine(begin.date(), time())
    return {"BEGINN": begin, "ENDE": None, "GANZTAGS": False, "VORLAGE": vorlage, "VORLAGE_ZEIT": rings}


def _span(filling: _Filling, number: int, begin: datetime) -> Row:
    if number % 12 == 1:  # all-day, some over several days
        first = datetime.combine(begin.date(), time())
        end = first + timedelta(days=filling.random_source.choice([1, 1, 3]))
        return {"BEGINN": first, "ENDE": end, "GANZTAGS": True, "VORLAGE": first, "VORLAGE_ZEIT": False}
    rings = filling.chance(0.5)
    vorlage = begin - timedelta(minutes=filling.random_source.choice([15, 30, 60, 1440])) if rings else begin
    length = timedelta(minutes=filling.random_source.choice([30, 60, 90, 720, 1500]))
    return {
        "BEGINN": begin,
        "ENDE": None if number % 20 == 6 else begin + length,
        "GANZTAGS": False,
        "VORLAGE": vorlage,
        "VORLAGE_ZEIT": rings,
    }
