"""What T-SQL does not take although its parser does: one function for each error of the server, by its number.

sqlglot reads more than SQL Server runs. Each function here gets a statement as sqlglot read it and says what is
wrong with it, or nothing; a specimen of each fault stands in test_t_sql.py.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

from sqlglot import exp

MAX_PARAMETERS = 2097  # 2,100, of which sp_prepexec takes three
MAX_ROWS = 1000
_LONG_TEXTS = {"NOTIZ"}  # may be ntext
_BITS = {"KALENDER", "AUFGABE", "MAIL", "ARCHIV", "AKTIV", "GANZTAGS", "ERLEDIGT", "live", "hidden", "lasting"}
_FUNCTIONS = {"CAST", "CHARINDEX", "COALESCE", "CONVERT", "COUNT", "HASHBYTES", "LTRIM", "MAX", "NCHAR", "REPLACE"}
_FUNCTIONS |= {"LOWER", "ROW_NUMBER", "RTRIM", "SUBSTRING", "SUM", "UPPER", "NVARCHAR", "VARBINARY"}
_WORDS_BEFORE_A_BRACKET = {"ALL", "AND", "AS", "ELSE", "EXISTS", "FROM", "HAVING", "IN", "JOIN", "NOT", "ON", "OR"}
_WORDS_BEFORE_A_BRACKET |= {"OVER", "SELECT", "THEN", "UNION", "VALUES", "WHEN", "WHERE"}
_SETS = exp.Union | exp.Except | exp.Intersect
_RESERVED_WORDS = """
    ADD ALL ALTER AND ANY AS ASC AUTHORIZATION BACKUP BEGIN BETWEEN BREAK BROWSE BULK BY CASCADE CASE CHECK
    CHECKPOINT CLOSE CLUSTERED COALESCE COLLATE COLUMN COMMIT COMPUTE CONSTRAINT CONTAINS CONTAINSTABLE
    CONTINUE CONVERT CREATE CROSS CURRENT CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER CURSOR
    DATABASE DBCC DEALLOCATE DECLARE DEFAULT DELETE DENY DESC DISK DISTINCT DISTRIBUTED DOUBLE DROP DUMP ELSE
    END ERRLVL ESCAPE EXCEPT EXEC EXECUTE EXISTS EXIT EXTERNAL FETCH FILE FILLFACTOR FOR FOREIGN FREETEXT
    FREETEXTTABLE FROM FULL FUNCTION GOTO GRANT GROUP HAVING HOLDLOCK IDENTITY IDENTITY_INSERT IDENTITYCOL IF
    IN INDEX INNER INSERT INTERSECT INTO IS JOIN KEY KILL LEFT LIKE LINENO LOAD MERGE NATIONAL NOCHECK
    NONCLUSTERED NOT NULL NULLIF OF OFF OFFSETS ON OPEN OPENDATASOURCE OPENQUERY OPENROWSET OPENXML OPTION OR
    ORDER OUTER OVER PERCENT PIVOT PLAN PRECISION PRIMARY PRINT PROC PROCEDURE PUBLIC RAISERROR READ READTEXT
    RECONFIGURE REFERENCES REPLICATION RESTORE RESTRICT RETURN REVERT REVOKE RIGHT ROLLBACK ROWCOUNT
    ROWGUIDCOL RULE SAVE SCHEMA SECURITYAUDIT SELECT SEMANTICKEYPHRASETABLE SESSION_USER SET SETUSER SHUTDOWN
    SOME STATISTICS SYSTEM_USER TABLE TABLESAMPLE TEXTSIZE THEN TO TOP TRAN TRANSACTION TRIGGER TRUNCATE
    TRY_CONVERT TSEQUAL UNION UNIQUE UNPIVOT UPDATE UPDATETEXT USE USER VALUES VARYING VIEW WAITFOR WHEN WHERE
    WHILE WITH WITHIN WRITETEXT
"""  # learn.microsoft.com/sql/t-sql/language-elements/reserved-keywords-transact-sql
_RESERVED = frozenset(_RESERVED_WORDS.split())

Fault = Callable[[exp.Expr], bool]


def is_truth(node: exp.Expr | None) -> bool:
    """Whether a node is a condition, which T-SQL has no values of."""
    return isinstance(node, exp.Predicate | exp.Connector | exp.Not) and not isinstance(node, exp.Boolean)


def _bare(node: exp.Expr | None) -> exp.Expr | None:
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def _conditions(statement: exp.Expr) -> Iterator[exp.Expr | None]:
    """Give what stands where T-SQL wants a condition."""
    for node in statement.find_all(exp.Where, exp.Having, exp.Not, exp.Connector, exp.Join, exp.If):
        if isinstance(node, exp.Join):
            if "on" in node.args:
                yield _bare(node.args["on"])
        elif isinstance(node, exp.If):
            is_simple = isinstance(node.parent, exp.Case) and node.parent.this is not None
            yield None if is_simple else _bare(node.this)
        else:
            yield _bare(node.this)
            if isinstance(node, exp.Connector):
                yield _bare(node.expression)


def value_as_condition(statement: exp.Expr) -> bool:
    """4145: a bit, a number or TRUE where a condition is wanted."""
    return any(found is not None and not is_truth(found) for found in _conditions(statement))


def condition_as_value(statement: exp.Expr) -> bool:
    """102: a condition in a list of columns, in a comparison, as an argument, in SET, ORDER BY or GROUP BY."""
    wanted = {id(found) for found in _conditions(statement)}
    for node in statement.walk():
        is_assignment = isinstance(node, exp.EQ) and isinstance(node.parent, exp.Update)
        if is_truth(node) and not is_assignment and id(node) not in wanted:
            return True
    return False


def truth_literal(statement: exp.Expr) -> bool:
    """207: TRUE and FALSE are names of columns to the server."""
    return statement.find(exp.Boolean) is not None


def is_with_a_value(statement: exp.Expr) -> bool:
    """102: IS knows NULL only."""
    return any(not isinstance(found.expression, exp.Null) for found in statement.find_all(exp.Is))


def row_of_values(statement: exp.Expr) -> bool:
    """4145: no comparison of (a, b)."""
    inside = (found for found in statement.find_all(exp.Tuple) if not isinstance(found.parent, exp.Values))
    return any(not isinstance(found.parent, exp.Group) for found in inside)


def ordered_part(statement: exp.Expr) -> bool:
    """1033: ORDER BY in a view, a derived table, a CTE or a subquery, without TOP or OFFSET."""
    for order in statement.find_all(exp.Order):
        query = order.parent
        if (
            isinstance(query, exp.Query)
            and query is not statement
            and not (_part(query, "limit") or _part(query, "offset"))
        ):
            return True
    return False


def top_with_offset(statement: exp.Expr) -> bool:
    """10741: TOP and OFFSET in one query."""
    queries = statement.find_all(exp.Select)
    return any(isinstance(one.args.get("limit"), exp.Limit) and one.args.get("offset") is not None for one in queries)


def offset_without_order(statement: exp.Expr) -> bool:
    """102: OFFSET is a part of ORDER BY."""
    return any(one.args.get("offset") and not one.args.get("order") for one in statement.find_all(exp.Query))


def window_without_order(statement: exp.Expr) -> bool:
    """4112: a function that ranks wants to know in which order."""
    windows = statement.find_all(exp.Window)
    return any(
        not isinstance(one.this, exp.AggFunc) or one.this.is_type("rank") for one in windows if not _part(one, "order")
    )


def _part(node: exp.Expr, name: str) -> object:
    return node.args.get(name)


def grouped_by_parameter(statement: exp.Expr) -> bool:
    """164, 8120: each ? is another expression: what is grouped by with one and selected with another is not grouped."""
    return any(one.find(exp.Placeholder) or not one.find(exp.Column) for one in _groups(statement))


def _groups(statement: exp.Expr) -> Iterator[exp.Expr]:
    for group in statement.find_all(exp.Group):
        yield from group.expressions


def not_grouped(statement: exp.Expr) -> bool:
    """8120: a column beside an aggregate that is neither aggregated nor grouped by."""
    for select in statement.find_all(exp.Select):
        group = select.args.get("group")
        by = {one.sql("tsql") for one in (group.expressions if group else ())}
        if not by and not any(one.find(exp.AggFunc) for one in select.expressions):
            continue
        for column in select.expressions:
            for found in column.unalias().find_all(exp.Column):
                if found.find_ancestor(exp.AggFunc):
                    continue
                if not any(one.sql("tsql") in by for one in [found, *_ancestors(found, column)]):
                    return True
    return False


def _ancestors(node: exp.Expr, last: exp.Expr) -> Iterator[exp.Expr]:
    while node is not last and node.parent is not None:
        node = node.parent
        yield node


def aggregate_of_a_query(statement: exp.Expr) -> bool:
    """130: no aggregate over an aggregate or a subquery; 147: none in WHERE."""
    for found in statement.find_all(exp.AggFunc):
        if any(True for one in found.find_all(exp.AggFunc, exp.Query) if one is not found):
            return True
        where = found.find_ancestor(exp.Where, exp.Select)
        if isinstance(where, exp.Where):
            return True
    return False


def distinct_in_another_order(statement: exp.Expr) -> bool:
    """145, 104: with DISTINCT or UNION an order is one of the selected columns."""
    for query in statement.find_all(exp.Query):
        order = query.args.get("order")
        if order is None or not (isinstance(query, _SETS) or query.args.get("distinct")):
            continue
        listed = {one.sql("tsql") for column in query.selects for one in (column, column.unalias())}
        listed |= {column.alias_or_name for column in query.selects}
        if any(one.this.sql("tsql") not in listed for one in order.expressions):
            return True
    return False


def too_many_rows(statement: exp.Expr) -> bool:
    """10738: VALUES takes 1,000 rows."""
    return any(len(values.expressions) > MAX_ROWS for values in statement.find_all(exp.Values))


def too_many_parameters(statement: exp.Expr) -> bool:
    """8003: 2,100 parameters, and the call itself needs some."""
    return sum(1 for _ in statement.find_all(exp.Placeholder)) > MAX_PARAMETERS


def long_text_compared(statement: exp.Expr) -> bool:
    """402, 306, 421: ntext is neither compared, sorted, grouped, made distinct nor given to a function but CONVERT."""
    for column in statement.find_all(exp.Column):
        if column.name not in _LONG_TEXTS:
            continue
        parent, query = column.parent, column.find_ancestor(exp.Select)
        if isinstance(parent, exp.Cast | exp.Convert | exp.Is | exp.Substring):
            continue
        is_assigned = isinstance(parent, exp.EQ) and isinstance(parent.parent, exp.Update) and parent.this is column
        is_listed = parent is query or (isinstance(parent, exp.Alias) and parent.parent is query)
        if not is_assigned and not (is_listed and not _is_distinct(query)):
            return True
    return False


def _is_distinct(query: exp.Expr | None) -> bool:
    if query is None:
        return False
    above = query.find_ancestor(exp.Union, exp.Except, exp.Intersect)
    return bool(query.args.get("distinct")) or (above is not None and bool(above.args.get("distinct")))


def union_of_texts(statement: exp.Expr) -> bool:
    """457: columns of two collations are not united; only keys, which the joins compare anyway, and numbers are."""
    for union in statement.find_all(exp.Union):
        for select in (union.left, union.right):
            for column in getattr(select, "selects", ()):
                value = column.unalias()
                if isinstance(value, exp.Column) and not value.name.endswith(("DSN", "BUCKET")):
                    return True
    return False


def unnamed_or_twice(statement: exp.Expr) -> bool:
    """8155, 8156: each column of a CTE or a derived table has a name of its own."""
    for table in statement.find_all(exp.CTE, exp.Subquery):
        query = table.this
        if isinstance(table, exp.Subquery) and not isinstance(table.parent, exp.From | exp.Join):
            continue
        named = exp.Alias | exp.Column | exp.Star
        names = [one.alias_or_name.casefold() if isinstance(one, named) else "" for one in query.selects]
        if "" in names or max(Counter(names).values(), default=0) > 1:
            return True
    return False


def aggregate_of_bits(statement: exp.Expr) -> bool:
    """8117: a bit has no maximum and no sum."""
    found = (one.this for one in statement.find_all(exp.Max, exp.Min, exp.Sum, exp.Avg))
    return any(isinstance(one, exp.Column) and one.name in _BITS for one in found)


def small_sum(statement: exp.Expr) -> bool:
    """8115: the sum of ints is an int and runs over; of bigints it is a bigint."""
    sums = statement.find_all(exp.Sum, exp.Avg)
    return any(not isinstance(one.this, exp.Cast) or one.this.to.this != exp.DataType.Type.BIGINT for one in sums)


def joined_with_null(statement: exp.Expr) -> bool:
    """No error, but worse: a text + NULL is NULL, and || is none before SQL Server 2025."""
    if statement.find(exp.DPipe):
        return True
    for add in statement.find_all(exp.Add):
        if isinstance(add.parent, exp.Add):
            continue
        parts = [_bare(one) for one in add.flatten()]
        is_text = any(isinstance(one, exp.Expr) and one.sql("tsql").upper().startswith("NCHAR(") for one in parts)
        is_text |= any(isinstance(one, exp.Literal) and one.is_string for one in parts)
        if is_text and any(isinstance(one, exp.Column | exp.Cast | exp.Convert | exp.Placeholder) for one in parts):
            return True
    return False


def bad_name(statement: exp.Expr) -> bool:
    """103, 156: a name has 128 characters at most, and a reserved word is one only in brackets."""
    for name in statement.find_all(exp.Identifier):
        if len(name.this) > 128 or (not name.quoted and name.this.upper() in _RESERVED):
            return True
    return False


def other_function(statement: exp.Expr, sql: str) -> bool:
    """195: a function that SQL Server does not have, or that nobody has looked up there yet."""
    plain = re.sub(r"'[^']*'|\[[^]]*\]|\bINSERT INTO \S+ ", "", sql)
    called = {name.upper() for name in re.findall(r"\b([A-Za-z_]\w*)\s*\(", plain)}
    tables = {one.alias_or_name.upper() for one in statement.find_all(exp.Table)}
    return bool(called - _FUNCTIONS - _WORDS_BEFORE_A_BRACKET - tables)


FAULTS: tuple[Fault, ...] = (
    value_as_condition,
    condition_as_value,
    truth_literal,
    is_with_a_value,
    row_of_values,
    ordered_part,
    top_with_offset,
    offset_without_order,
    window_without_order,
    grouped_by_parameter,
    not_grouped,
    aggregate_of_a_query,
    distinct_in_another_order,
    too_many_rows,
    too_many_parameters,
    long_text_compared,
    union_of_texts,
    unnamed_or_twice,
    aggregate_of_bits,
    small_sum,
    joined_with_null,
    bad_name,
)


def faults(statement: exp.Expr, sql: str) -> list[str]:
    """Return the names of what the server would not take of a statement."""
    found = [fault.__name__ for fault in FAULTS if fault(statement)]
    return found + ["other_function"] * other_function(statement, sql)
