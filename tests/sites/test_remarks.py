"""What the gateway cannot use as it is, is named by its column, with the line to write; what it can use, is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from radicale_flowfact.crm.site import check, real, remarks
from radicale_flowfact.crm.site.remarks import Remark, Weight
from tests.sites.kinds import Code, Dsn, Flag, Kind, Text, Time
from tests.sites.making import Made
from tests.sites.serving import Places
from tests.sites.ten import TEN, Extra, Site

_MIXED = Dsn(lambda dsn: dsn[:18].lower() + dsn[18:], cased=True)


@pytest.fixture
def places(tmp_path: Path, worker_id: str) -> Places:
    return Places(tmp_path, worker_id)


def said_of(made: Made) -> list[Remark]:
    """Return all that is said of a site."""
    site = real.Site(made.names, made.values, "Europe/Berlin")
    with made.engine.connect() as connection:
        assert check.check(connection, site.names) == []
        tables = site.read(connection)
        found = remarks.of_columns(connection, site.names, tables)
        return [*found, *(remark for column in remarks.of_values(connection, tables) for remark in column.remarks)]


@pytest.mark.parametrize("site", TEN, ids=lambda site: site.name)
def test_nothing_is_wrong_with_the_ten(site: Site, places: Places) -> None:
    said = said_of(places.make(site))
    assert [remark for remark in said if remark.weight is not Weight.NOTE] == []
    assert {remark.name for remark in said} == (set(_SHORTER) if site.name == "short" else set())


_SHORTER = (
    *("AD.TITEL", "AD.PLZ", "AKT.BETREFF", "ADTEL.NUMMER", "AD.STRASSE", "AD.FIRMA", "AD.KENNUNG", "AD.EMAIL"),
    *("AD.ORT", "ADTEL.BEMERKUNG"),
)


def _site(kinds: Mapping[str, Kind], **more: object) -> Site:
    return Site("odd", "One thing is wrong.", kinds=kinds, **more)  # type: ignore[arg-type]


def _nothing(made: Made) -> None:
    """Leave the site as it was made."""


def _close_view(made: Made) -> None:
    """Make a view that takes no changes."""
    place = made.place("ADMKM")
    made.run(f"DROP VIEW {place}")
    made.run(f'CREATE VIEW {place} AS SELECT DISTINCT * FROM {place[:-1]}_BASIS"')  # noqa: S608 - the test's own


@pytest.mark.parametrize(
    ("site", "change", "name", "weight", "told", "line"),
    [
        (
            _site({"AD.ARCHIV": Flag("CHAR(1)", "Q", "N")}),
            *(_nothing, "AD.ARCHIV", Weight.FAULT, "neither yes nor no", '"AD.ARCHIV.true" = "Q"'),
        ),
        (
            _site({"AKT.ERLEDIGT": Flag("SMALLINT", -1, 0)}),
            *(_nothing, "AKT.ERLEDIGT", Weight.IF_WRITING, "holds '-1' for true", '"AKT.ERLEDIGT.true" = -1'),
        ),
        (
            _site({"RECHTE.RECHT": Code("CHAR(2)", {"VOLL": "RW", "LESEN": "R"})}),
            *(_nothing, "RECHTE.RECHT", Weight.FAULT, "none of VOLL and LESEN", '"RECHTE.RECHT.VOLL" = "R'),
        ),
        (
            _site({"BENMKM.BEREICH": Code("SMALLINT", {"OUTLOOK": 1, "VORLAGE": 3})}),
            *(_nothing, "BENMKM.BEREICH", Weight.FAULT, "none of OUTLOOK and VORLAGE", '"BENMKM.BEREICH.OUTLOOK" = 1'),
        ),
        (
            _site({"AD.TOUCH": Time("date")}),
            *(_nothing, "AD.TOUCH", Weight.IF_WRITING, "no time of day", '"AD.TOUCH" = "…"'),
        ),
        (
            _site({"AKT.BEGINN": Time("text")}),
            lambda made: made.change("AKT", {"ARCHIV": True}, BEGINN="15.06.2026 12:00"),
            *("AKT.BEGINN", Weight.FAULT, "'15.06.2026 12:00' is no time", '"AKT.BEGINN" = "…"'),
        ),
        (
            _site({"dsns": _MIXED}),
            *(_nothing, "AD.DSN", Weight.NOTE, "small and capital letters", ""),
        ),
        (
            _site({}, extra={"AD": (Extra("Tenant"),)}),
            *(_nothing, "AD", Weight.IF_WRITING, "AD.Tenant must be filled", ""),
        ),
        (
            _site({}, views=frozenset({"ADMKM"})),
            *(_close_view, "ADMKM", Weight.IF_WRITING, "takes no changes", '"ADMKM" = "…"'),
        ),
        (
            _site({"AD.PLZ": Text(10)}),
            *(_nothing, "AD.PLZ", Weight.NOTE, "holds 10 characters, 20 are usual", ""),
        ),
    ],
    ids=["letters", "minus", "rights", "tabs", "touch", "no-time", "mixed", "filled", "view", "length"],
)
def test_what_is_wrong_is_named(
    site: Site, change: Callable[[Made], None], name: str, weight: Weight, told: str, line: str, places: Places
) -> None:
    empty = bool(site.extra)  # nothing can be added there, by the test neither
    made = places.make(site, rows=not empty)
    change(made)
    found = [remark for remark in said_of(made) if remark.name == name]
    assert [remark.weight for remark in found] == [weight]
    assert told in found[0].text
    assert found[0].line.startswith(line)
    assert bool(found[0].line) is bool(line)
