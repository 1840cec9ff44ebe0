"""FlowFact's desktop and two devices of one program, at random: after every sync the device is right.

What a device sends without naming a version changes the one column that it changed itself, and no other.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests import payloads
from tests.conftest import Agency, Database, Server, empty
from tests.device import Device
from tests.office import Office, of_one_bucket
from tests.rules.model import Model

_WORDS = {"NAME": "Name", "STRASSE": "Weg", "ORT": "Ort"}
_LINES = {"NAME": ["N", "FN"], "STRASSE": ["ADR"], "ORT": ["ADR"], "BETREFF": ["SUMMARY"]}
# Thousands of steps: FLOWFACT_GAMES=2000 (each has up to 70); CI plays few.
_GAMES = int(os.environ.get("FLOWFACT_GAMES", "40"))
_KINDS = ["Besichtigung", "Termin", "Notar"]
dice = st.randoms(use_true_random=False)


class Mirror:
    """A device's copy of one collection, kept up to date by sync tokens alone."""

    def __init__(self, device: Device, name: str) -> None:
        self.device = device
        self.name = name
        self.token = ""
        self.texts: dict[str, str] = {}
        self.etags: dict[str, str] = {}
        self.dsns: dict[str, str] = {}

    def sync(self) -> None:
        """Sync, and sync again: the second must be empty."""
        synced = self.device.sync(self.name, self.token)
        for href in synced.gone:
            # It hears also of what came and went while it was not looking (RFC 6578 §3.5.2).
            self.etags.pop(href, None)
            self.texts.pop(href, None)
        changed = [href for href, etag in synced.changed.items() if self.etags.get(href) != etag]
        for href, (etag, text) in self.device.multiget(self.name, changed).items():
            self.etags[href], self.texts[href] = etag, text
        again = self.device.sync(self.name, synced.token)
        assert (again.changed, again.gone) == ({}, [])
        self.token = synced.token


class Machine(RuleBasedStateMachine):
    """The rules of the game; ``agency`` and ``server`` are given by the test."""

    agency: Agency
    server: Server

    def __init__(self) -> None:
        super().__init__()
        self.office: Office = self.agency.office
        self.team = self.office.merkmal("Team")
        self.office.syncs(self.agency.anna, self.team, "OUTLOOK")
        self.model = Model(self.office, self.agency.anna, self.agency.own, {self.agency.own, self.team})
        self.server.moment = datetime.fromisoformat("2026-06-15T10:00:00+00:00")
        devices = [self.server.device(agent=f"Device/{number}") for number in range(2)]
        self.mirrors = [Mirror(device, name) for device in devices for name in ("addresses", "appointments")]
        self.names = iter(f"Name{number}" for number in range(10_000))
        # What moves between records of one bucket shows in no sum over it.
        self.dsns = {table: iter(of_one_bucket(self.office, f"{table}-M", 40)) for table in ("AD", "AKT")}

    @property
    def now(self) -> datetime:
        """Office local time."""
        return self.server.moment.astimezone(ZoneInfo("Europe/Berlin")).replace(tzinfo=None)

    def pick(self, table: str, chance: random.Random) -> str | None:
        """Return the DSN of some record, or None if there is none."""
        rows = self.office.rows(self.office.tables.address if table == "AD" else self.office.tables.activity)
        # By the name: the database's own order, and the DSNs that the gateway makes, differ from game to game.
        rows.sort(key=lambda row: str(row["NAME" if table == "AD" else "BETREFF"]))
        return chance.choice(rows)["DSN"] if rows else None

    @rule(chance=dice)
    def office_adds_an_address(self, chance: random.Random) -> None:
        tags = chance.sample([self.agency.own, self.team, self.agency.bens], chance.randrange(3))
        name, phones = next(self.names), chance.randrange(3)
        numbers = [f"0221 {name[4:]}{position}" for position in range(phones)]
        place = {"STRASSE": f"Weg{name[4:]}", "ORT": f"Ort{name[4:]}"}
        self.office.address(tags, numbers, DSN=next(self.dsns["AD"], None), NAME=name, **place)

    @rule(chance=dice)
    def office_adds_an_appointment(self, chance: random.Random) -> None:
        begin = self.now + timedelta(days=chance.randrange(-100, 100))
        linked = self.pick("AD", chance) if chance.random() < 0.6 else None
        tags = chance.sample([self.agency.own, self.agency.bens], chance.randrange(3))
        values = {"DSN": next(self.dsns["AKT"], None), "BETREFF": next(self.names), "BEGINN": begin}
        dsn = self.office.activity(self.agency.visit, tags, [linked] if linked else [], **values)
        self.office.change(self.office.tables.activity, {"DSN": dsn}, ENDE=begin + timedelta(hours=1))

    @rule(chance=dice, table=st.sampled_from(["AD", "AKT"]))
    def office_changes_a_record(self, chance: random.Random, table: str) -> None:
        dsn = self.pick(table, chance)
        rows = self.office.tables.address if table == "AD" else self.office.tables.activity
        column = chance.choice(sorted(_WORDS)) if table == "AD" else "BETREFF"
        touch = {"TOUCH": self.now} if chance.random() < 0.5 else {}
        if dsn:
            self.office.change(rows, {"DSN": dsn}, **{column: self.word(column)}, **touch)

    @rule(chance=dice, table=st.sampled_from(["AD", "AKT"]))
    def office_archives_or_deletes(self, chance: random.Random, table: str) -> None:
        dsn = self.pick(table, chance)
        rows = self.office.tables.address if table == "AD" else self.office.tables.activity
        if dsn and chance.random() < 0.4:
            self.office.remove(rows, DSN=dsn)
        elif dsn:
            self.office.change(rows, {"DSN": dsn}, ARCHIV=chance.random() < 0.5)

    @rule(chance=dice, table=st.sampled_from(["AD", "AKT"]))
    def office_changes_merkmale(self, chance: random.Random, table: str) -> None:
        dsn = self.pick(table, chance)
        tables = self.office.tables
        tags, column = (tables.address_merkmal, "AD_DSN") if table == "AD" else (tables.activity_merkmal, "AKT_DSN")
        merkmal = chance.choice([self.agency.own, self.team] if table == "AD" else [self.agency.own])
        if dsn and self.office.rows(tags, **{column: dsn, "MKM_DSN": merkmal}):
            self.office.remove(tags, **{column: dsn, "MKM_DSN": merkmal})
        elif dsn:
            self.office.add(tags, **{column: dsn, "MKM_DSN": merkmal})

    @rule(chance=dice, table=st.sampled_from(["AD", "AKT"]))
    def office_changes_rights(self, chance: random.Random, table: str) -> None:
        dsn = self.pick(table, chance)
        assert self.office.tables.rights is not None
        if dsn:
            self.office.remove(self.office.tables.rights, TABELLE=table, OBJ_DSN=dsn)
            if chance.random() < 0.6:
                user = chance.choice([self.agency.anna, self.agency.ben])
                self.office.restrict(table, dsn, chance.choice(["VOLL", "LESEN"]), user=user)

    @rule(chance=dice)
    def office_links_or_unlinks(self, chance: random.Random) -> None:
        address, activity = self.pick("AD", chance), self.pick("AKT", chance)
        links = self.office.tables.activity_address
        if address and activity:
            if self.office.rows(links, AKT_DSN=activity, AD_DSN=address):
                self.office.remove(links, AKT_DSN=activity, AD_DSN=address)
            else:
                self.office.add(links, AKT_DSN=activity, AD_DSN=address)

    @rule(chance=dice, sort=st.sampled_from(["colleague", "customer", "phone", "right"]))
    def office_moves_a_row_to_another_record(self, chance: random.Random, sort: str) -> None:
        tables = self.office.tables
        assert tables.rights is not None
        table, column, records = {
            "colleague": (tables.activity_merkmal, "AKT_DSN", "AKT"),
            "customer": (tables.activity_address, "AKT_DSN", "AKT"),
            "phone": (tables.phone, "AD_DSN", "AD"),
            "right": (tables.rights, "OBJ_DSN", "AKT"),
        }[sort]
        # Nothing else happens between two looks, or that would give the move away.
        mirror = self.mirrors[1]
        mirror.sync()
        rows = [row for row in self.office.rows(table) if row.get("MKM_DSN") != self.agency.own]
        rows = [row for row in rows if row.get("TABELLE", "AKT") == "AKT"]
        rows.sort(key=lambda row: [str(value) for value in row.values()])
        target = self.pick(records, chance)
        if rows and target:
            row = chance.choice(rows)
            keys = [key.key for key in table.primary_key.columns] or list(row)
            if not self.office.rows(table, **{key: {**row, column: target}[key] for key in keys}):
                self.office.change(table, {key: row[key] for key in keys if row[key] is not None}, **{column: target})
        mirror.sync()
        self.check(mirror)

    @rule(name=st.sampled_from(_KINDS))
    def office_renames_the_kind(self, name: str) -> None:
        self.office.change(self.office.tables.kind, {"DSN": self.agency.visit}, NAME=name)

    @rule(hours=st.integers(-2, 200))
    def time_passes(self, hours: int) -> None:
        self.server.moment += timedelta(hours=hours)

    @rule(which=st.integers(0, 3))
    def a_device_syncs(self, which: int) -> None:
        mirror = self.mirrors[which]
        mirror.sync()
        self.check(mirror)

    @rule(which=st.integers(0, 3), chance=dice)
    def a_device_deletes(self, which: int, chance: random.Random) -> None:
        mirror = self.mirrors[which]
        mirror.sync()
        self.check(mirror)
        if not mirror.etags:
            return
        href = chance.choice(sorted(mirror.etags))
        table, dsn = self.record_of(mirror, href)
        answer = mirror.device.delete(f"{mirror.name}/{href}", mirror.etags[href])
        assert answer.status == (200 if self.model.may_write(table, dsn) else 403)
        if answer.status == 200:
            self.model.deleted(table, dsn, self.now)

    @rule(which=st.integers(0, 3), chance=dice)
    def a_device_edits(self, which: int, chance: random.Random) -> None:
        mirror = self.mirrors[which]
        mirror.sync()
        self.check(mirror)
        if not mirror.etags:
            return
        href, name = chance.choice(sorted(mirror.etags)), next(self.names)
        table, dsn = self.record_of(mirror, href)
        rows = self.office.tables.address if table == "AD" else self.office.tables.activity
        column = "NAME" if table == "AD" else "BETREFF"
        before = str(self.office.row(rows, DSN=dsn)[column])
        sent = re.sub(rf"\b{before}\b", name, mirror.texts[href])
        answer = mirror.device.put(f"{mirror.name}/{href}", sent, mirror.etags[href])
        if self.model.may_write(table, dsn):
            assert answer.status == 204
            assert self.office.row(rows, DSN=dsn)[column] == name
        else:
            assert answer.status == 403

    @rule(which=st.integers(0, 3), chance=dice, condition=st.sampled_from(["", "*"]))
    def a_device_sends_what_it_had_without_naming_a_version(
        self, which: int, chance: random.Random, condition: str
    ) -> None:
        """Change one column of what it fetched at any time; the other device may have done so meanwhile."""
        mirror = self.mirrors[which]
        there = sorted(mirror.dsns.keys() & mirror.texts.keys())  # what it deleted since its last sync is no more
        if not there:
            return
        href = chance.choice(there)
        column = chance.choice(sorted(_WORDS)) if mirror.name == "addresses" else "BETREFF"
        word = self.word(column)
        kind = f"(?:{'|'.join(_LINES[column])})"
        sent = re.sub(rf"(?m)^({kind}[;:].*?)\b{_WORDS.get(column, 'Name')}\d+\b", rf"\g<1>{word}", mirror.texts[href])
        if sent == mirror.texts[href]:
            return
        dsn = mirror.dsns[href]
        if chance.random() < 0.7:  # the office changes another column meanwhile, which only the other device hears of
            rows = self.office.tables.address if mirror.name == "addresses" else self.office.tables.activity
            other = chance.choice(sorted({*_WORDS, "FIRMA"} - {column})) if mirror.name == "addresses" else "NOTIZ"
            self.office.change(rows, {"DSN": dsn}, **{other: self.word(other)})
            self.mirrors[(which + 2) % 4].sync()
        before, others = self.columns(mirror, dsn)
        answer = mirror.device.put(f"{mirror.name}/{href}", sent, condition)
        assert answer.status in (201, 204, 403, 412), answer.text
        after, others_after = self.columns(mirror, dsn)
        assert others_after == others
        if answer.status in (403, 412):
            assert after == before
            return
        self.model.hidden.discard(dsn)
        assert after == {**before, column: word}, "what the device did not change is as the office has it"
        mirror.texts[href], mirror.etags[href] = sent, answer.etag

    def columns(self, mirror: Mirror, dsn: str) -> tuple[dict[str, object], list[dict[str, object]]]:
        """Return the columns of a record that a device may change, and its numbers."""
        tables = self.office.tables
        rows = self.office.rows(tables.address if mirror.name == "addresses" else tables.activity, DSN=dsn)
        numbers = self.office.rows(tables.phone, AD_DSN=dsn)
        numbers.sort(key=lambda row: int(row["POS"]))
        return {name: value for row in rows for name, value in row.items() if not name.startswith("TOUCH")}, numbers

    def word(self, column: str) -> str:
        """Return a new value of a column, which nothing else has."""
        return f"{_WORDS.get(column, 'Name')}{next(self.names)[4:]}"

    @rule(which=st.integers(0, 1))
    def a_device_makes_a_contact(self, which: int) -> None:
        mirror, name = self.mirrors[2 * which], next(self.names)
        text = payloads.vcard(f"made-{name.lower()}", name=f"{name};;;;").replace("Eva Meier", name)
        assert mirror.device.put(f"addresses/{name}.vcf", text, new=True).status == 201
        assert len(self.office.rows(self.office.tables.address, NAME=name)) == 1

    def record_of(self, mirror: Mirror, href: str) -> tuple[str, str]:
        """Return table and DSN of an item, found by the name that it shows."""
        table = "AD" if mirror.name == "addresses" else "AKT"
        rows = self.office.tables.address if table == "AD" else self.office.tables.activity
        column = "NAME" if table == "AD" else "BETREFF"
        words = re.split(r"[\s;:]", mirror.texts[href])
        found = [str(row["DSN"]) for row in self.office.rows(rows) if row[column] in words]
        assert len(found) == 1, f"{href} shows no present record: {mirror.texts[href]}"
        return table, found[0]

    def check(self, mirror: Mirror) -> None:
        """Compare what the device has with the scope computed from scratch."""
        scope = self.model.addresses if mirror.name == "addresses" else self.model.appointments
        mirror.dsns = {href: self.record_of(mirror, href)[1] for href in mirror.etags}
        has = set(mirror.dsns.values())
        assert len(has) == len(mirror.etags), "a record twice"
        assert has == scope(self.now)
        if mirror.name == "appointments":
            for href, text in mirror.texts.items():
                self.check_section(text, self.record_of(mirror, href)[1])

    def check_section(self, text: str, dsn: str) -> None:
        """Compare what an appointment tells of others, and whether it is private, with FlowFact's rows."""
        unfolded = re.sub("\r?\n ", "", text).replace("\\,", ",").replace("\\;", ";")
        told = set(re.findall(r"(?:Teilnehmer|Adresse): .*?(?=\\n|\r?\n)", unfolded))
        assert told == self.model.section(dsn)
        places = re.findall(r"(?m)^LOCATION:(.*?)\r?$", unfolded)
        assert places == [place for place in [self.model.place(dsn)] if place]
        assert ("CLASS:PRIVATE" in unfolded) == self.model.is_private(dsn)

    def teardown(self) -> None:
        """Let every device sync a last time."""
        for mirror in self.mirrors:
            mirror.sync()
            self.check(mirror)


def machine_for(database: Database, server: Server, make: Callable[[Office], Agency]) -> type[Machine]:
    """Return a machine that starts each game with an empty office."""

    class Game(Machine):
        def __init__(self) -> None:
            empty(database)
            self.agency = make(Office(database.engine, database.tables))
            self.server = server
            server.gateway.forget()
            super().__init__()

    return Game


def test_rule_06_desktop_and_devices_at_random(
    database: Database, server: Server, make_agency: Callable[[Office], Agency]
) -> None:
    """For thousands of random steps of the desktop and two devices, each device has after each sync just its scope."""
    server.start("[safety]\nmax_vanish_items = 1000\n")
    run_state_machine_as_test(
        machine_for(database, server, make_agency),
        settings=hypothesis.settings(
            max_examples=_GAMES,
            phases=[hypothesis.Phase.generate],  # shrinking such a game would take longer than reading it
            stateful_step_count=70,
            deadline=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )
