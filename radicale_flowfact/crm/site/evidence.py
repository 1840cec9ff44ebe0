"""Judges by the values in a column whether it can be a column of the reference schema, for the draft of a name map.

Values speak for a column (1), against it (0), or say nothing (None): too few, or texts that any column may hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime

FOR, AGAINST = 1.0, 0.0
_FEWEST = 3
_MOST_CODES = 12
_YES_NO = frozenset({"0", "1", "-1", "true", "false", "j", "n", "y", "t", "f", "ja", "nein", "yes", "no"})
_PHONE = re.compile(r"[+(]?[\d /().\-–+]{5,}")
_POSTCODE = re.compile(r"(?:[A-Z]{1,3}[- ]?)?\d{4,5}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_KEY = re.compile(r"\{?[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}\}?")
Judgement = float | None

_FLAGS = frozenset({"AKTIV", "ARCHIV", "GANZTAGS", "VORLAGE_ZEIT", "ERLEDIGT", "KALENDER", "AUFGABE", "MAIL"})
_TIMES = frozenset({"ANGELEGT", "TOUCH", "BEGINN", "ENDE", "VORLAGE", "ZEIT"})
_CODES = frozenset({"BEREICH", "RECHT", "TABELLE"})
REFERS = {
    "MKM_DSN": "MKM",
    "BEN_DSN": "BEN",
    "GRP_DSN": "GRP",
    "AD_DSN": "AD",
    "AKT_DSN": "AKT",
    "ART_DSN": "Aktivitätenarten",
    "ART_TERMIN_DSN": "Aktivitätenarten",
    "ART_AUFGABE_DSN": "Aktivitätenarten",
    "ANGELEGT_VON": "BEN",
    "TOUCH_VON": "BEN",
    "ABSENDER": "BEN",
}
"""Which table a column refers to by its key."""


def judge(column: str, values: Sequence[object]) -> Judgement:
    """Return what the values of a physical column say about its being this logical column (``EMAIL``)."""
    known = [value for value in values if value is not None and str(value).strip()]
    if column == "DSN" and len(known) < len(values):
        return AGAINST  # a key is never empty
    if len(known) < _FEWEST:
        return None
    if column in _FLAGS:
        return None if takes(column, known) else AGAINST
    if column in _TIMES:
        return None if takes(column, known) else AGAINST
    if column in _CODES:
        return None if len({_text(value) for value in known}) <= _MOST_CODES else AGAINST
    if column == "DSN" or column in REFERS or column == "OBJ_DSN":
        return _as_key(column, known)
    test = _SPECIFIC.get(column)
    return test(known) if test is not None else _as_words(known)


def takes(column: str, values: Sequence[object]) -> bool:
    """Return whether values of another type than the reference's can be read as this column: J and N, ISO times, codes.

    That is said only of columns that have values.
    """
    known = [value for value in values if value is not None and str(value).strip()]
    if not known:
        return False
    if column in _FLAGS:
        spelled = {_text(value).casefold() for value in known}
        return len(spelled) <= len(("yes", "no")) and spelled <= _YES_NO
    if column in _TIMES:
        return all(map(_is_time, known))
    return column in _CODES and len({_text(value) for value in known}) <= _MOST_CODES


def refers(values: Sequence[object], keys: frozenset[str], *, all_keys: bool) -> Judgement:
    """Return what a column's values say about its referring to a table with these keys (as ``keys_of`` gives them).

    ``all_keys``: whether these are all of the table's; else a value that is not among them says nothing.
    """
    known = keys_of(values)
    if len(known) < 1 or not keys:
        return None
    share = len(known & keys) / len(known)
    if share >= 0.5:
        return FOR
    return AGAINST if all_keys and share == 0 else None


def keys_of(values: Sequence[object]) -> frozenset[str]:
    """Return keys in the form in which they are compared: without case and blanks."""
    return frozenset(_text(value).casefold() for value in values if value is not None and _text(value))


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value).strip()


def _share(known: Sequence[object], test: Callable[[str], object]) -> float:
    return sum(bool(test(_text(value))) for value in known) / len(known)


def _is_time(value: object) -> bool:
    if isinstance(value, date):  # a datetime is one
        return True
    try:
        datetime.fromisoformat(_text(value))
    except ValueError:
        return False
    return not _text(value).isdigit()


def _as_key(column: str, known: Sequence[object]) -> Judgement:
    if any(isinstance(value, date | float) for value in known) or _share(known, lambda text: " " in text) > 0.2:
        return AGAINST
    if column == "DSN" and len(keys_of(known)) < len(known):
        return AGAINST
    return None


def _as_words(known: Sequence[object]) -> Judgement:
    """Judge a column of names and other words: keys, times and addresses are none."""
    if any(isinstance(value, date) for value in known):
        return AGAINST
    is_other = max(_share(known, _KEY.fullmatch), _share(known, _EMAIL.fullmatch))
    return AGAINST if is_other > 0.5 or _share(known, str.isdigit) > 0.8 else None


def _likely(pattern: re.Pattern[str]) -> Callable[[Sequence[object]], Judgement]:
    def test(known: Sequence[object]) -> Judgement:
        share = _share(known, pattern.fullmatch)
        return FOR if share >= 0.7 else AGAINST if share < 0.2 else None

    return test


def _as_position(known: Sequence[object]) -> Judgement:
    numbers = [_text(value) for value in known]
    return None if all(number.lstrip("-").isdigit() and int(number) < 100 for number in numbers) else AGAINST


def _as_note(known: Sequence[object]) -> Judgement:
    return AGAINST if _share(known, _KEY.fullmatch) > 0.5 else None


def _as_login(known: Sequence[object]) -> Judgement:
    spelled = [_text(value).casefold() for value in known]
    return None if len(set(spelled)) == len(spelled) and _share(known, _KEY.fullmatch) < 0.5 else AGAINST


def _as_identifier(known: Sequence[object]) -> Judgement:
    return None if len(keys_of(known)) > 0.6 * len(known) and _share(known, _KEY.fullmatch) < 0.5 else AGAINST


_SPECIFIC: dict[str, Callable[[Sequence[object]], Judgement]] = {
    "EMAIL": _likely(_EMAIL),
    "PLZ": _likely(_POSTCODE),
    "FAX": _likely(_PHONE),
    "NUMMER": _likely(_PHONE),
    "POS": _as_position,
    "PRIORITAET": _as_position,
    "NOTIZ": _as_note,
    "BETREFF": _as_note,
    "BEMERKUNG": _as_note,
    "LOGIN": _as_login,
    "KENNUNG": _as_identifier,
}
