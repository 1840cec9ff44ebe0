"""The type of a DSN at a site whose database compares it with case, or fills it up with blanks.

FlowFact takes two DSNs for the same that differ by case or by blanks at the end. So does a column without case, and
nothing of this module is used there. Where a column minds case, a value is looked for as it is, in lower case and in
upper case: three searches in the column's index instead of a conversion of the column, which no index would serve.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from sqlalchemy import BindParameter, ColumnElement, Dialect, Select, cast, func, literal, or_, type_coerce, union_all
from sqlalchemy.sql import operators
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import CHAR, NCHAR, String, TypeDecorator, TypeEngine, Unicode

_NOBODY = "-"  # a DSN that nothing has
Spelling = Literal["", "lower", "upper"]


class SiteKey(TypeDecorator[str]):
    """A DSN.

    ``cased``: the column is compared with case. ``padded``: it is a char of PostgreSQL, which takes it for another type
    than a varchar. ``national``: it holds Unicode on SQL Server. ``spelling``: how its values are spelled, and new ones
    are written; "": as they come. ``collation``: its name, where it has one of its own.
    """

    impl = String
    cache_ok = True

    def __init__(
        self,
        length: int | None = 36,
        *,
        cased: bool = False,
        padded: bool = False,
        national: bool = True,
        spelling: Spelling = "",
        collation: str = "",
    ) -> None:
        super().__init__(length)
        self.length = length
        self.cased = cased
        self.padded = padded
        self.national = national
        self.spelling: Spelling = spelling
        self.collation = collation

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the plain type, in which values are sent."""
        return dialect.type_descriptor(self.plain)

    @property
    def plain(self) -> String:
        """The column's own type."""
        if self.padded and self.length:
            return NCHAR(self.length) if self.national else CHAR(self.length)
        return Unicode(self.length) if self.national else String(self.length)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return a DSN as this column spells it."""
        if value is None or not self.spelling:
            return value
        return value.lower() if self.spelling == "lower" else value.upper()

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Return a DSN without the blanks that fill the column up."""
        return value.rstrip() if isinstance(value, str) else value

    class Comparator(TypeDecorator.Comparator[str], String.Comparator[str]):
        """Compares a DSN with another, or with several."""

        def operate(self, op: OperatorType, *other: Any, **kwargs: Any) -> ColumnElement[Any]:  # noqa: ANN401
            """Return ``=`` and ``IN`` as comparisons that do not mind case."""
            kind = self.expr.type
            if isinstance(kind, SiteKey) and other and other[0] is not None:
                if op is operators.eq:
                    return _equals(self.expr, kind, other[0])
                if op is operators.in_op:
                    return _among(self.expr, kind, other[0])
            return super().operate(op, *other, **kwargs)

    comparator_factory = Comparator


def _as_it_is(value: ColumnElement[Any], type_: TypeEngine[Any]) -> ColumnElement[Any]:
    return type_coerce(value, type_)


_RESPELLING: dict[str, Callable[..., ColumnElement[Any]]] = {"": _as_it_is, "lower": func.lower, "upper": func.upper}
"""How a DSN gets each of the spellings in which it is looked for."""


class _Spelled(TypeDecorator[str]):
    """A parameter that the database spells otherwise, each value of a list by itself."""

    impl = String
    cache_ok = True

    def __init__(self, spelling: str, kind: SiteKey) -> None:
        super().__init__(kind.length)
        self.spelling = spelling
        self.kind = kind

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the plain type."""
        return dialect.type_descriptor(self.kind.plain)

    def bind_expression(self, bindparam: BindParameter[Any]) -> ColumnElement[Any]:
        """Return the parameter in this spelling; a list must not be empty, see ``some``."""
        return _respelled(type_coerce(bindparam, self.kind.plain), self.kind, _RESPELLING[self.spelling])


def some(dsns: Iterable[str]) -> list[str]:
    """Return DSNs as the values of a parameter that is a list: sorted, and never none at all.

    SQLAlchemy writes an empty list as a query, around which no function can stand.
    """
    return sorted(dsns) or [_NOBODY]


def canonical(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a DSN so that two that are the same are equal texts, for UNION and DISTINCT."""
    if not isinstance(column.type, SiteKey):
        return column
    lower: ColumnElement[str] = func.lower(column, type_=column.type)
    return lower.label(str(column.key))


def _equals(column: ColumnElement[Any], kind: SiteKey, other: Any) -> ColumnElement[bool]:  # noqa: ANN401
    value = other if isinstance(other, ColumnElement) else literal(other, kind)
    if (its := getattr(value.type, "collation", None)) is not None and not isinstance(value, BindParameter):
        value = _collated(value, kind, its)
    plain = type_coerce(column, kind.plain)
    if not kind.cased:
        return plain == _respelled(value, kind, _as_it_is)
    return plain.in_([_respelled(value, kind, to) for to in _RESPELLING.values()])


def _collated(value: ColumnElement[Any], kind: SiteKey, its: str) -> ColumnElement[Any]:
    """Return a column to compare with one of another collation, which the database does by itself for none."""
    if its == kind.collation or not (its or kind.collation):
        return value
    return type_coerce(value, String).collate(kind.collation or "default")


def _among(column: ColumnElement[Any], kind: SiteKey, other: Any) -> ColumnElement[bool]:  # noqa: ANN401
    plain = type_coerce(column, kind.plain)
    spellings = _RESPELLING if kind.cased else ("",)
    if isinstance(other, BindParameter):
        spelled = (BindParameter(other.key, type_=_Spelled(to, kind), expanding=True) for to in spellings)
        return or_(*(plain.in_(one) for one in spelled))
    if isinstance(other, Select):
        (found,) = other.selected_columns
        queries = (
            other.with_only_columns(_respelled(found, kind, _RESPELLING[to]), maintain_column_froms=True)
            for to in spellings
        )
        return plain.in_(union_all(*queries))
    return plain.in_(
        [literal(value, _Spelled("", kind)) for value in sorted(_spellings(other) if kind.cased else other)]
    )


def _spellings(values: Iterable[Any]) -> set[Any]:
    return {spelled for value in values for spelled in (value, value.lower(), value.upper())}


def _respelled(value: ColumnElement[Any], kind: SiteKey, to: Callable[..., ColumnElement[Any]]) -> ColumnElement[Any]:
    """Return a value in another spelling, in the column's own type: its index serves no other."""
    its = value.type
    is_alike = isinstance(its, SiteKey) and (its.padded, its.length) == (kind.padded, kind.length)
    if to is _as_it_is and is_alike and not isinstance(value, BindParameter):
        return type_coerce(value, kind.plain)
    spelled = to(value, type_=kind.plain)
    return cast(spelled, kind.plain) if kind.padded and kind.length else type_coerce(spelled, kind.plain)
