"""Describes the ten FlowFacts: each says what it is for, and how it differs from the reference schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from radicale_flowfact.crm.names import OPTIONAL
from tests.crm.renamings import ENGLISH, GERMAN
from tests.sites.kinds import Code, Dsn, Flag, Kind, Text, Time

ValuesSection = Mapping[str, str | int | list[str | int]]


@dataclass(frozen=True)
class Extra:
    """A column that the gateway does not know: it must be filled, by its default if it has one."""

    name: str
    type: str = "INTEGER"
    default: str | None = None


@dataclass(frozen=True)
class Site:
    """One FlowFact.

    ``names`` and ``values`` are the reference answers for ``[names]`` and ``[values]``. ``kinds``: kinds by the logical
    name of a column (``AD.TITEL``), of a column of all tables (``*.TITEL``), or by ``flags``, ``times``, ``dsns``.
    ``views``: tables that are views with INSTEAD OF triggers; ``touching``: tables with an AFTER trigger that moves
    the Touch. ``lists``: the Merkmale of users stand in flowfact.toml.
    """

    name: str
    why: str
    names: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    values: ValuesSection = field(default_factory=dict)
    extra: Mapping[str, tuple[Extra, ...]] = field(default_factory=dict)
    views: frozenset[str] = frozenset()
    touching: frozenset[str] = frozenset()
    lists: bool = False


REFERENCE = Site("reference", "The reference schema itself: what all others are compared with.")

SHORT = Site(
    "short",
    "Columns shorter than the reference's: longer texts are cut there and kept whole for the device (rule 28).",
    kinds={
        "*.TITEL": Text(50),
        "*.PLZ": Text(10),
        "AKT.BETREFF": Text(200),
        "ADTEL.NUMMER": Text(25),
        "AD.STRASSE": Text(40),
        "AD.FIRMA": Text(60),
        "AD.KENNUNG": Text(60),
        "AD.EMAIL": Text(80),
        "AD.ORT": Text(40),
        "ADTEL.BEMERKUNG": Text(100),
        "AD.NOTIZ": Text(2000),
        "AKT.NOTIZ": Text(2000),
    },
)

PERFORMER = Site(
    "performer",
    "Long German names, and flags as an Access front end writes them: smallint with -1 for yes.",
    names=GERMAN,
    kinds={"flags": Flag("SMALLINT", -1, 0)},
    values={"true": -1, "false": 0},
)

LETTERS = Site(
    "letters",
    "Flags are one letter, J or N.",
    kinds={"flags": Flag("CHAR(1)", "J", "N")},
    values={"true": "J", "false": "N"},
)

_LOWER, _UPPER = Dsn(str.lower, cased=True, padded=True), Dsn(str.upper, cased=True, padded=True)
CASES = Site(
    "cases",
    "DSNs are char, compared with case: upper case where the records are, lower case in the tables that name them.",
    kinds={
        "dsns": _LOWER,
        "AD.DSN": _UPPER,
        "AKT.DSN": _UPPER,
        "MKM.DSN": _UPPER,
        "BEN.DSN": _UPPER,
        "Aktivitätenarten.DSN": _UPPER,
        "BENMKM.MKM_DSN": Dsn(str.upper, cased=True),
    },
)

CODES = Site(
    "codes",
    "Tabs, rights and tables have other codes, some of them numbers; flags are whole numbers.",
    kinds={
        "BENMKM.BEREICH": Code("SMALLINT", {"OUTLOOK": 1, "VORLAGE": 3}),
        "RECHTE.RECHT": Code("CHAR(4)", {"VOLL": "RW", "LESEN": "R"}),
        "RECHTE.TABELLE": Code("INTEGER", {"AD": 10, "AKT": 20}),
        "flags": Flag("INTEGER"),
    },
    values={
        "BENMKM.BEREICH.OUTLOOK": 1,
        "BENMKM.BEREICH.VORLAGE": ["3", "4"],
        "RECHTE.RECHT.VOLL": ["RW", "ADM"],
        "RECHTE.RECHT.LESEN": "R",
        "RECHTE.TABELLE.AD": 10,
        "RECHTE.TABELLE.AKT": 20,
    },
)

TIMES = Site(
    "times",
    "Times with a zone, as a date, and as ISO text.",
    kinds={
        "*.TOUCH": Time("timestamptz"),
        "*.ANGELEGT": Time("date"),
        "AKT.BEGINN": Time("text"),
        "AKT.ENDE": Time("text"),
        "AKT.VORLAGE": Time("timestamptz"),
    },
)

BARE = Site(
    "bare",
    "No optional table or column at all; whose Merkmale are synced stands in flowfact.toml.",
    names=dict.fromkeys(OPTIONAL, ""),
    lists=True,
)

VIEWS = Site(
    "views",
    "The records and their tags are views with INSTEAD OF triggers over tables of other names.",
    views=frozenset({"AD", "ADTEL", "ADMKM", "AKT", "AKTMKM"}),
)

TRIGGERS = Site(
    "triggers",
    "English names; further columns that must be filled and have a default; AFTER triggers that move the Touch.",
    names=ENGLISH,
    extra={
        "AD": (Extra("Tenant", default="1"), Extra("Guid", "VARCHAR(40)", default="''")),
        "AKT": (Extra("Tenant", default="1"),),
        "ADMKM": (Extra("Weight", default="0"),),
    },
    touching=frozenset({"AD", "AKT"}),
)

TEN: tuple[Site, ...] = (REFERENCE, SHORT, PERFORMER, LETTERS, CASES, CODES, TIMES, BARE, VIEWS, TRIGGERS)
