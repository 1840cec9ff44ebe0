"""The name map and the check: every site's names work, every fault is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert, select, text

from radicale_flowfact.crm.names import OPTIONAL, TABLES, NameMap, NameMapError
from radicale_flowfact.crm.site.check import check, missing_features
from radicale_flowfact.crm.tables import build_tables
from tests.conftest import Database


def test_the_reference_schema_has_no_fault(database: Database) -> None:
    with database.engine.connect() as connection:
        assert check(connection, NameMap.from_overrides(database.names)) == []


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ({"AD.FIRMEN": "x"}, "'AD.FIRMA'"),
        ({"ADTELL": "x"}, "'ADTEL'"),
        ({"AD.DSN": ""}, "cannot do without"),
        ({"AKT": ""}, "cannot do without"),
    ],
)
def test_a_wrong_name_gets_the_nearest_known_one(overrides: dict[str, str], told: str) -> None:
    with pytest.raises(NameMapError, match=told):
        NameMap.from_overrides(overrides)


def test_other_names_and_absent_columns_work(tmp_path: Path) -> None:
    names = NameMap.from_overrides({"AD": "Adressen", "AD.FIRMA": "Firma 1", "AD.ARCHIV": "", "RECHTE": ""})
    tables = build_tables(names)
    engine = create_engine(f"sqlite:///{tmp_path / 'x.sqlite'}")
    tables.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(tables.address).values({tables.address.c.DSN: "A", tables.address.c.FIRMA: "f"}))
        assert connection.execute(text('SELECT "Firma 1" FROM "Adressen"')).scalar() == "f"
        assert connection.execute(select(tables.address.c.FIRMA).where(tables.address.c.DSN == "a")).scalar() == "f"
        assert check(connection, names) == []
    assert (tables.rights, "ARCHIV" in tables.address.c) == (None, False)
    assert len(missing_features(names)) == 2


def test_every_missing_table_column_and_wrong_type_is_named(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'x.sqlite'}")
    build_tables(NameMap()).metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE ADTEL"))
        connection.execute(text("ALTER TABLE AD RENAME COLUMN FIRMA TO Firma1"))
        connection.execute(text("ALTER TABLE AKT DROP COLUMN GANZTAGS"))
        connection.execute(text("ALTER TABLE MKM DROP COLUMN AKTIV"))
        connection.execute(text("ALTER TABLE MKM ADD COLUMN AKTIV DATETIME"))
        faults = check(connection, NameMap())
    told = {fault.name: str(fault) for fault in faults}
    assert set(told) == {"ADTEL", "AD.FIRMA", "AKT.GANZTAGS", "MKM.AKTIV"}
    assert '"AD.FIRMA" = "Firma1"' in told["AD.FIRMA"]
    assert 'or ""' in told["AKT.GANZTAGS"]
    assert "should be a bit" in told["MKM.AKTIV"]


def test_what_may_be_absent_is_known() -> None:
    known = {*TABLES, *(f"{table}.{column}" for table, columns in TABLES.items() for column in columns)}
    assert set(OPTIONAL) <= known
    build_tables(NameMap.from_overrides(dict.fromkeys(OPTIONAL, "")))
