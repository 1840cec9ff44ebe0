"""``[values]``: every site's codes count, every fault is named."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import SMALLINT, VARCHAR

from radicale_flowfact.crm.column_types import RealTypes
from radicale_flowfact.crm.columns import code_of, word_of
from radicale_flowfact.crm.names import NameMap
from radicale_flowfact.crm.tables import build_tables
from radicale_flowfact.crm.values import Values, ValuesError
from radicale_flowfact.database.site_values import SiteFlag


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({"RECHTE.RECHT.VOL": "1"}, "'RECHTE.RECHT.VOLL'"),
        ({"AD.ARCIV.true": "J"}, "'AD.ARCHIV.true'"),
        ({"True": 1}, "'true'"),
        ({"RECHTE.RECHT.VOLL": "1", "RECHTE.RECHT.LESEN": [1, 2]}, "'1' cannot be both VOLL and LESEN"),
        ({"true": "J", "AD.ARCHIV.false": "j "}, "AD.ARCHIV: 'J' cannot be both true and false"),
        ({"true": []}, "at least one value"),
    ],
)
def test_a_wrong_key_or_value_is_named(raw: dict[str, Any], told: str) -> None:
    with pytest.raises(ValuesError, match=told):
        Values.from_settings(raw)


def test_of_several_spellings_the_first_is_written() -> None:
    values = Values.from_settings({"RECHTE.RECHT.VOLL": ["RW", "ADM"], "RECHTE.TABELLE.AD": [10, "x"]})
    real: RealTypes = {("RECHTE", "RECHT"): VARCHAR(4), ("RECHTE", "TABELLE"): SMALLINT()}
    rights = build_tables(NameMap(), real, values).rights
    assert rights is not None
    assert [word_of(rights, "RECHT", code) for code in ("rw ", "ADM", "VOLL", "LESEN")] == ["VOLL", "VOLL", "", "LESEN"]
    assert (code_of(rights, "RECHT", "VOLL"), code_of(rights, "RECHT", "LESEN")) == ("RW", "LESEN")
    assert (code_of(rights, "TABELLE", "AD"), word_of(rights, "TABELLE", 10)) == (10, "AD")


@pytest.mark.parametrize(
    ("raw", "is_text", "written", "yes", "no"),
    [
        ({}, False, (1, 0), (1, -1, 2), (0,)),
        ({"true": -1}, False, (-1, 0), (1, -1), (0,)),
        ({"true": "J", "AD.ARCHIV.true": ["1", 2]}, False, (1, 0), (1, 2), (0,)),
        ({"true": 1, "false": 2}, False, (1, 2), (1, 0), (2,)),
        ({}, True, ("J", "N"), ("J", "y", "1 ", "X"), ("N", "0", "", "Q")),
        ({"true": "K", "false": "-"}, True, ("K", "-"), ("k",), ("J", "-")),
    ],
)
def test_a_flag_is_read_and_written_as_the_site_has_it(
    raw: dict[str, Any], *, is_text: bool, written: tuple[Any, Any], yes: tuple[Any, ...], no: tuple[Any, ...]
) -> None:
    real: RealTypes = {("AD", "ARCHIV"): VARCHAR(2) if is_text else SMALLINT()}
    kind = build_tables(NameMap(), real, Values.from_settings(raw)).address.c.ARCHIV.type
    assert isinstance(kind, SiteFlag)
    assert (kind.yes[0], kind.no[0]) == written
    assert all(kind.means_yes(value) for value in yes)
    assert not any(kind.means_yes(value) for value in no)
