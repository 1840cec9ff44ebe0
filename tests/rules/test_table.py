"""The page of rules is complete and up to date."""

from __future__ import annotations

from tests.rules.sabotage import SABOTAGES
from tests.rules.sentences import RULES
from tests.rules.table import TARGET, page, rule_tests


def test_each_rule_has_a_test_that_says_what_it_proves() -> None:
    tests = rule_tests()
    assert set(tests) == set(RULES)
    assert all(says for found in tests.values() for _, says in found)


def test_the_page_is_the_one_in_the_documentation() -> None:
    assert TARGET.read_text(encoding="utf-8") == page(), "run: python -m tests.rules.table"


def test_the_page_has_each_rule_with_its_sentence_and_each_test_with_what_it_says() -> None:
    joined = " ".join(page().split())
    for number, rule in RULES.items():
        assert f"### {number}. {rule.name} {rule.sentence} * " in joined
    for found in rule_tests().values():
        for test, says in found:
            assert f"* {says}<br> `{test}`" in joined


def test_no_line_of_the_page_is_longer_than_one_can_read() -> None:
    assert max(map(len, page().splitlines())) < 120


def test_each_rule_has_a_sabotage_that_fits_the_code() -> None:
    assert {sabotage.rule for sabotage in SABOTAGES} == set(RULES)
    for sabotage in SABOTAGES:
        assert sabotage.text().count(sabotage.before) == 1, sabotage
