"""What sqlglot lets pass as T-SQL and SQL Server does not run: specimens of each fault, and some that are none."""

from __future__ import annotations

import pytest
import sqlglot

from tests.mssql import t_sql

_MANY_ROWS = ", ".join(["(1)"] * 1001)
_MANY_PARAMETERS = ", ".join("?" * 2098)
_LONG_NAME = "x" * 129
SPECIMENS = {
    "condition_as_value": [
        "SELECT a FROM t WHERE CHARINDEX(?, x) > 0 = 1",
        "SELECT a FROM t WHERE (x = 1) = 1",
        "SELECT a FROM t WHERE b = 2 OR (x > 1 AND y < 2) != 0",
        "SELECT COALESCE(a, 0) = 1 AS b FROM t",
        "SELECT a FROM t WHERE COALESCE(x = 1, 0) = 1",
        "SELECT a FROM t ORDER BY a IS NULL",
        "SELECT COUNT(*) AS n FROM t GROUP BY a > 1",
        "SELECT EXISTS (SELECT 1 AS b FROM u) AS a FROM t",
        "SELECT CASE WHEN a = 1 THEN b = 2 END AS c FROM t",
        "UPDATE t SET a = (b = 2) WHERE c = 1",
        "INSERT INTO t (a) VALUES (1 > 2)",
    ],
    "value_as_condition": [
        "SELECT a FROM t WHERE live",
        "SELECT a FROM t WHERE b = 1 AND live",
        "SELECT a FROM t WHERE NOT (live)",
        "SELECT a FROM t JOIN u ON u.live",
        "SELECT CASE WHEN live THEN 1 ELSE 0 END AS a FROM t",
        "SELECT a FROM t WHERE ?",
    ],
    "truth_literal": ["SELECT a FROM t WHERE live = true", "INSERT INTO t (a) VALUES (FALSE)"],
    "is_with_a_value": ["SELECT a FROM t WHERE live IS 1", "SELECT a FROM t WHERE live IS TRUE"],
    "row_of_values": ["SELECT a FROM t WHERE (a, b) IN ((1, 2), (3, 4))", "SELECT a FROM t WHERE (a, b) > (?, ?)"],
    "ordered_part": [
        "SELECT a FROM (SELECT a FROM t ORDER BY a) AS u",
        "WITH m AS (SELECT a FROM t ORDER BY a) SELECT a FROM m",
        "SELECT a FROM t WHERE a IN (SELECT b FROM u ORDER BY b)",
    ],
    "top_with_offset": ["SELECT TOP 3 a FROM t ORDER BY a OFFSET 5 ROWS"],
    "offset_without_order": ["SELECT a FROM t OFFSET 5 ROWS"],
    "window_without_order": ["SELECT ROW_NUMBER() OVER (PARTITION BY b) AS n FROM t"],
    "grouped_by_parameter": ["SELECT (a % ?) AS b, COUNT(*) AS n FROM t GROUP BY (a % ?)"],
    "not_grouped": [
        "SELECT a, b, COUNT(*) AS n FROM t GROUP BY a",
        "SELECT a, MAX(b) AS m FROM t",
        "SELECT UPPER(b) AS c, COUNT(*) AS n FROM t GROUP BY a",
    ],
    "aggregate_of_a_query": [
        "SELECT MAX((SELECT COUNT(*) AS n FROM u)) AS m FROM t",
        "SELECT a FROM t WHERE MAX(a) = 1",
    ],
    "distinct_in_another_order": [
        "SELECT DISTINCT a FROM t ORDER BY b",
        "SELECT a FROM t UNION SELECT a FROM u ORDER BY b",
    ],
    "too_many_rows": ["INSERT INTO t (a) VALUES " + _MANY_ROWS],  # noqa: S608 - the test's own
    "too_many_parameters": [f"SELECT a FROM t WHERE a IN ({_MANY_PARAMETERS})"],  # noqa: S608 - the test's own
    "long_text_compared": [
        "SELECT a FROM t WHERE NOTIZ = ?",
        "SELECT NOTIZ FROM t ORDER BY NOTIZ",
        "SELECT DISTINCT NOTIZ FROM t",
        "SELECT NOTIZ FROM t UNION SELECT NOTIZ FROM u",
        "SELECT COALESCE(NOTIZ, ?) AS n FROM t",
        "SELECT MAX(NOTIZ) AS n FROM t",
    ],
    "union_of_texts": ["SELECT NAME FROM t UNION SELECT NAME FROM u", "SELECT NAME FROM t UNION ALL SELECT ORT FROM u"],
    "unnamed_or_twice": [
        "WITH m AS (SELECT a, a FROM t) SELECT 1 AS b FROM m",
        "SELECT a FROM (SELECT t.a, u.A FROM t JOIN u ON t.b = u.b) AS m",
        "SELECT n FROM (SELECT COUNT(*) FROM t) AS m",
    ],
    "aggregate_of_bits": ["SELECT MAX(live) AS m FROM t", "SELECT SUM(ERLEDIGT) AS m FROM t"],
    "small_sum": ["SELECT SUM(a) AS m FROM t", "SELECT SUM(CAST(a AS INTEGER)) AS m FROM t"],
    "joined_with_null": ["SELECT a || b AS c FROM t", "SELECT CAST(a AS nvarchar(9)) + NCHAR(31) + b AS c FROM t"],
    "bad_name": ["SELECT a FROM t WHERE user = 1", f"SELECT {_LONG_NAME} FROM t"],  # noqa: S608 - the test's own
    "other_function": ["SELECT LENGTH(a) AS b FROM t", "SELECT substr(a, 1) AS b FROM t", "SELECT NOW() AS a"],
}
NONE = [
    "SELECT a FROM t WHERE CHARINDEX(?, x) > 0 OR NOT (a = 1) AND a IN (1, 2) AND b IS NOT NULL",
    "SELECT CASE WHEN (a = 1) THEN ? ELSE ? END AS b FROM t",
    "SELECT a FROM t WHERE a IN (NULL) AND (1 != 1)",
    "SELECT TOP 3 a FROM t ORDER BY a",
    "SELECT a.DSN FROM a WHERE (EXISTS (SELECT * FROM u)) AND a.b = 1 UNION ALL (SELECT v.DSN FROM v WHERE (v.b = 1))",
    "SELECT a FROM (SELECT TOP 3 a FROM t ORDER BY a) AS u",
    "SELECT a FROM t ORDER BY a OFFSET ? ROWS FETCH NEXT ? ROWS ONLY",
    "SELECT ? AS p, a, COUNT(*) AS n, SUM(CAST(b AS bigint)) AS m FROM t GROUP BY a",
    "SELECT COALESCE(CONVERT(nvarchar(max), NOTIZ), NCHAR(30)) + NCHAR(31) AS a FROM t",
    "SELECT NOTIZ, [user] FROM t WHERE NOTIZ IS NOT NULL",
    "UPDATE t SET NOTIZ = ?, live = 1 WHERE a = ? AND live = 0",
    "SELECT AD_DSN FROM t UNION SELECT AD_DSN FROM u",
    "INSERT INTO dav.t (a, b) OUTPUT inserted.a VALUES (?, ?)",
]


@pytest.mark.parametrize(("fault", "sql"), [(fault, sql) for fault, all_ in SPECIMENS.items() for sql in all_])
def test_each_fault_is_found(fault: str, sql: str) -> None:
    assert fault in t_sql.faults(sqlglot.parse_one(sql, dialect="tsql"), sql)


def test_each_fault_has_a_specimen() -> None:
    assert set(SPECIMENS) == {fault.__name__ for fault in t_sql.FAULTS} | {"other_function"}


@pytest.mark.parametrize("sql", NONE)
def test_what_the_server_runs_is_no_fault(sql: str) -> None:
    assert not t_sql.faults(sqlglot.parse_one(sql, dialect="tsql"), sql)
