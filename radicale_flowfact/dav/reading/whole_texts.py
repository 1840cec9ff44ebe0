"""Cuts texts that are longer than FlowFact's columns, and keeps them whole for the user's devices (rules 25 and 28).

The sidecar holds the whole text with the hash of the beginning that FlowFact has. While FlowFact still has that
beginning, devices are served the whole text. What the office writes instead takes precedence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from radicale_flowfact.actions import CreateRecord, CrmAction, SetField, SetPhone, Value
from radicale_flowfact.content.contentlines import escape, split_components
from radicale_flowfact.crm import columns
from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.maps.ical_fields import text_hash
from radicale_flowfact.records import Activity, Address, RecordKey

CUT = "FlowFact has only the beginning of"
"""How the warning for the admin begins."""
_MARK = "X-FLOWFACT-WHOLE:"
_PHONE = "phone "
_NO_TEXT = frozenset({"kind"})  # a key


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole text, and the hash of its beginning in FlowFact.

    ``field``: the attribute of the record, or ``phone 1`` and so on for the number at a position.
    """

    field: str
    beginning: str
    text: str

    @property
    def line(self) -> str:
        """Return the sidecar line."""
        return f"{_MARK}{self.field};{self.beginning};{escape(self.text)}"


def restored(record: Address | Activity, sidecar: Sequence[str]) -> tuple[Any, str]:
    """Return a record with its texts whole, and a warning that names them for the admin, or an empty text."""
    valid = [whole for whole in _wholes(sidecar) if text_hash(text_of(record, whole.field) or "") == whole.beginning]
    if not valid:
        return record, ""
    texts = {whole.field: whole.text for whole in valid}
    if isinstance(record, Address):
        numbers = tuple(
            replace(phone, number=texts.get(f"{_PHONE}{phone.position}", phone.number)) for phone in record.phones
        )
        record = replace(record, phones=numbers)
    fields: dict[str, Any] = {name: text for name, text in texts.items() if not name.startswith(_PHONE)}
    return replace(record, **fields), f"{CUT} {', '.join(sorted(texts))}"


def text_of(record: Address | Activity, field: str) -> str | None:
    """Return the text that FlowFact has in a field, or as the number at a position; None: there is no such number."""
    if not field.startswith(_PHONE):
        return str(getattr(record, field, ""))
    phones = record.phones if isinstance(record, Address) else ()
    return next((phone.number for phone in phones if f"{_PHONE}{phone.position}" == field), None)


def cut(
    tables: Tables, record: Address | Activity | None, actions: Iterable[CrmAction], sidecar: Sequence[str]
) -> tuple[tuple[CrmAction, ...], tuple[str, ...]]:
    """Return the actions with texts cut to the length of their columns, and the sidecar with the whole ones.

    ``record``: the record as FlowFact has it, None for a new one. A beginning that FlowFact has already is not written
    again.
    """
    fitted: list[CrmAction] = []
    wholes: dict[str, Whole | None] = {}
    for action in actions:
        if isinstance(action, CreateRecord):
            fitting = [(name, _fitting(tables, action.record, name, value)) for name, value in action.fields]
            wholes |= _kept(action.fields, fitting)
            fitted.append(replace(action, fields=tuple(fitting)))
        elif isinstance(action, SetField | SetPhone):
            field = action.field if isinstance(action, SetField) else f"{_PHONE}{action.position}"
            after = _fitting(tables, action.record, field, action.after)
            wholes |= _kept([(field, action.after)], [(field, after)])
            fitted += _written(action, field, record, after)
        else:
            fitted.append(action)
    others = [line for line in sidecar if not line.startswith(_MARK) or _field_in(line) not in wholes]
    return tuple(fitted), (*others, *(whole.line for whole in wholes.values() if whole is not None))


def _written(
    action: SetField | SetPhone, field: str, record: Address | Activity | None, after: Value
) -> list[CrmAction]:
    """Return the action that writes a fitting text; none if FlowFact has that text already."""
    is_text = record is not None and isinstance(action.before, str) and field not in _NO_TEXT
    before = text_of(record, field) if record is not None and is_text else action.before
    if isinstance(after, str) and after == before:
        return []
    changed: Any = {"before": before, "after": after}
    return [replace(action, **changed)]


def _kept(sent: Iterable[tuple[str, Value]], fitting: Iterable[tuple[str, Value]]) -> dict[str, Whole | None]:
    """Return for each written field the whole text to keep; None: it fits."""
    return {
        field: Whole(field, text_hash(str(after)), str(value)) if value != after else None
        for (field, value), (_, after) in zip(sent, fitting, strict=True)
    }


def _fitting(tables: Tables, record: RecordKey, field: str, value: Value) -> Value:
    if not isinstance(value, str) or field in _NO_TEXT:
        return value
    if field.startswith(_PHONE):
        limit = columns.limit_of(tables.phone, "NUMMER")
    else:
        limit = columns.limit_of(columns.table_of(tables, record.table), columns.OF_TABLE[record.table][field])
    return value if limit is None else limit.cut(value)


def _wholes(sidecar: Sequence[str]) -> Iterator[Whole]:
    for line in sidecar:
        if line.startswith(_MARK):
            parts = split_components(line.removeprefix(_MARK))
            if len(parts) == 3:
                yield Whole(*parts)


def _field_in(line: str) -> str:
    return line.removeprefix(_MARK).partition(";")[0]
