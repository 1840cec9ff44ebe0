"""The table of rules is complete and up to date."""

from __future__ import annotations

from tests.rules.sabotage import SABOTAGES
from tests.rules.table import RULES, TARGET, rule_tests, table


def test_each_rule_has_a_test_that_says_what_it_proves() -> None:
    tests = rule_tests()
    assert set(tests) == set(RULES)
    assert all(says for found in tests.values() for _, says in found)


def test_the_table_is_the_one_in_the_documentation() -> None:
    assert TARGET.read_text(encoding="utf-8") == table(), "run: python -m tests.rules.table"


def test_each_rule_has_a_sabotage_that_fits_the_code() -> None:
    assert {sabotage.rule for sabotage in SABOTAGES} == set(RULES)
    for sabotage in SABOTAGES:
        assert sabotage.text().count(sabotage.before) == 1, sabotage
