"""What the values in a column say about its being a column of the reference schema."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import pytest

from radicale_flowfact.crm.names import NameMap
from radicale_flowfact.crm.site import check, drafting, evidence
from radicale_flowfact.crm.site.drafting import Found
from radicale_flowfact.crm.site.evidence import AGAINST, FOR
from radicale_flowfact.crm.tables import build_tables

_KEYS = [f"{number:08X}-0000-0000-0000-000000000000" for number in range(5)]


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("EMAIL", ["a@b.de", "c@d.com", "", "e@f.org"], FOR),
        ("EMAIL", ["Köln", "Bonn", "Ulm"], AGAINST),
        ("PLZ", ["50667", "D-53111", "1010", None], FOR),
        ("FAX", ["0221/4711", "+49 221 1", "(0221) 12-3"], FOR),
        ("FAX", ["Köln", "Bonn", "Ulm"], AGAINST),
        ("ORT", ["Köln", "Bonn", "Ulm"], None),
        ("ORT", _KEYS, AGAINST),
        ("ORT", ["a@b.de", "c@d.com", "e@f.org"], AGAINST),
        ("AKTIV", [1, 0, 1], None),
        ("AKTIV", ["J", "N", "J"], None),
        ("AKTIV", [-1, 0, -1], None),
        ("AKTIV", [3, 4, 5], AGAINST),
        ("TOUCH", [datetime(2026, 1, 1), date(2026, 1, 1), "2026-01-01T10:00:00"], None),
        ("TOUCH", ["gestern", "heute", "morgen"], AGAINST),
        ("TOUCH", ["20260101", "20260102", "20260103"], AGAINST),
        ("DSN", _KEYS, None),
        ("DSN", [*_KEYS, _KEYS[0]], AGAINST),
        ("DSN", ["", "", "", ""], AGAINST),
        ("DSN", ["Anna Albers", "Ben Berg", "Carl Cohn"], AGAINST),
        ("RECHT", ["VOLL", "LESEN", "VOLL"], None),
        ("RECHT", [str(number) for number in range(20)], AGAINST),
        ("POS", [1, 2, 3], None),
        ("POS", [2026, 4711, 3], AGAINST),
        ("EMAIL", ["a@b.de"], None),
    ],
)
def test_values_speak_for_or_against_a_column(column: str, values: Sequence[object], said: float | None) -> None:
    assert evidence.judge(column, values) == said


def test_keys_tell_which_table_a_column_refers_to() -> None:
    keys = evidence.keys_of([*_KEYS, f" {_KEYS[0].lower()} "])
    assert len(keys) == len(_KEYS), "case and blanks do not count"
    assert evidence.refers(_KEYS[:2], keys, all_keys=True) == FOR
    assert evidence.refers(["X", "Y"], keys, all_keys=True) == AGAINST
    assert evidence.refers(["X", "Y"], keys, all_keys=False) is None
    assert evidence.refers([None, ""], keys, all_keys=True) is None


def site_of(values: dict[str, list[object]]) -> list[Found]:
    """Return the reference schema as it may be found, with other columns in AD, and values."""
    found = []
    for table in build_tables(NameMap()).metadata.tables.values():
        columns = {column.name: column.type for column in table.columns}
        if table.name == "AD":
            text = columns.pop("EMAIL")
            columns = {**columns, **dict.fromkeys(values, text)}
        found.append(Found(table.name, columns, values if table.name == "AD" else {}))
    return found


def test_values_find_a_column_that_its_name_does_not() -> None:
    values: dict[str, list[object]] = {
        "Feld17": ["a@b.de", "c@d.com", "e@f.org"], "EMailHinweis": ["nur werktags", "nie", "gern"]
    }  # fmt: skip
    guesses = {guess.logical: guess for guess in drafting.draft(NameMap(), site_of(values), check.fits)}
    assert guesses["AD.EMAIL"].physical == "Feld17"
    assert not guesses["AD.EMAIL"].is_sure
    without = {name: list[object]() for name in values}
    guesses = {guess.logical: guess for guess in drafting.draft(NameMap(), site_of(without), check.fits)}
    assert guesses["AD.EMAIL"].physical != "Feld17"


def test_what_may_be_absent_is_not_taken_when_in_doubt() -> None:
    """A table of rights of which a column is missing: it is named, not taken."""
    there = [one for one in site_of({}) if one.name != "RECHTE"]
    text = next(one for one in there if one.name == "MKM").columns["NAME"]
    there.append(Found("Berechtigungsprotokoll", {"ObjektId": text, "BenutzerId": text, "Recht": text}))
    guesses = {guess.logical: guess for guess in drafting.draft(NameMap(), there, check.fits)}
    assert guesses["RECHTE"].physical == ""
    assert (guesses["RECHTE"].in_doubt, guesses["RECHTE"].nearest) == (True, "Berechtigungsprotokoll")
    assert "RECHTE.RECHT" not in guesses
    told = drafting.toml(guesses.values())
    assert any(line.startswith('"RECHTE" = ""  # in doubt: perhaps Berechtigungsprotokoll') for line in told)


def test_a_name_that_is_told_to_be_absent_is_not_guessed() -> None:
    names = NameMap.from_overrides({"RECHTE": "", "AD.ARCHIV": ""})
    guesses = {guess.logical: guess for guess in drafting.draft(names, site_of({}), check.fits)}
    assert (guesses["RECHTE"].physical, guesses["AD.ARCHIV"].physical) == ("", "")
    assert not guesses["RECHTE"].in_doubt
    assert "RECHTE.RECHT" not in guesses


def test_a_hint_is_by_the_same_measure_as_the_draft() -> None:
    there = site_of({})
    renamed = [Found("Adressen", one.columns) if one.name == "AD" else one for one in there]
    assert drafting.hint(NameMap(), "AD", renamed, check.fits) == "Adressen"
    assert drafting.hint(NameMap(), "AD", [one for one in there if one.name != "AD"], check.fits) == ""
    text = there[0].columns["NAME"]
    found = Found("AD", {**dict.fromkeys(("DSN", "Unternehmen", "Postleitzahl", "Strasse"), text)})
    assert drafting.hint(NameMap(), "AD.PLZ", [found], check.fits) == "Postleitzahl"
    assert drafting.hint(NameMap(), "AD.FIRMA", [found], check.fits) == "Unternehmen"
    assert drafting.hint(NameMap(), "AD.TOUCH", [found], check.fits) == ""
