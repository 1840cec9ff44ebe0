"""The ten FlowFacts are what their descriptions say, with the rows of the demo office."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from tests.sites.kinds import Dsn
from tests.sites.making import Made, demo_rows, kind_of, make
from tests.sites.ten import TEN, Site


def made_at(site: Site, folder: Path, worker_id: str) -> Made:
    """Make a site in the database of the tests."""
    url = os.environ.get("FLOWFACT_TEST_URL", "") or f"sqlite:///{(folder / 'site.sqlite').as_posix()}"
    return make(site, url, f"flowfact_{worker_id}_{site.name}")


@pytest.mark.parametrize("site", TEN, ids=lambda site: site.name)
def test_each_holds_the_rows_of_the_demo_office(site: Site, tmp_path: Path, worker_id: str) -> None:
    made = made_at(site, tmp_path, worker_id)
    for table, rows in demo_rows().items():
        if not made.names.get(table, table):
            continue
        there = made.rows(table)
        assert len(there) == len(rows), table
        for column in there[0] if there else ():
            kind = kind_of(site, table, column)
            wanted = {kind.read(kind.stored(row[column], "postgresql")) for row in rows}
            assert {row[column] for row in there} == wanted, f"{table}.{column}"
            if isinstance(kind, Dsn) and kind.spelled is str.lower:
                assert all(str(row[column]).lower() == str(row[column]) for row in there if row[column])


def test_the_answers_are_a_whole_settings_file(tmp_path: Path, worker_id: str) -> None:
    made = made_at(TEN[5], tmp_path, worker_id)
    settings = tomllib.loads(made.toml(sections="[tasks]\nkind = 'Aufgabe'\n"))
    assert settings["values"]["RECHTE.RECHT.VOLL"] == ["RW", "ADM"]
    assert settings["users"]["anna"] == {"flowfact": "anna"}
    assert settings["write"] is True
