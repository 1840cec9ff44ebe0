"""Converts parameters between vCard 3.0 and 4.0: TYPE=PREF and PREF=1, TYPE=INTERNET, what one version lacks."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from radicale_flowfact.content.vcard.properties import (
    GROUP_MEMBER,
    IN_BOTH,
    KEPT_3,
    KEPT_4,
    ONLY_3,
    ONLY_4,
    Parameter,
    Property,
    is_kept,
)

_IN_3 = frozenset({"LANGUAGE", "ENCODING", "CHARSET", "CONTEXT"})
_IN_4 = frozenset(
    [
        *("LANGUAGE", "PREF", "ALTID", "PID", "MEDIATYPE", "CALSCALE", "SORT-AS", "GEO", "TZ", "LABEL", "CC"),
        *("INDEX", "LEVEL", "AUTHOR", "AUTHOR-NAME", "CREATED", "DERIVED", "PHONETIC", "PROP-ID", "SCRIPT"),
        *("SERVICE-TYPE", "USERNAME", "JSPTR"),
    ]  # RFC 6350 §5, RFC 6715, RFC 9554, RFC 9555
)
_VALUES = frozenset({"text", "uri", "date", "time", "date-time", "boolean", "integer", "float", "utc-offset"})
_VALUES_3 = _VALUES | {"binary", "vcard", "phone-number"}
_VALUES_4 = _VALUES | {"date-and-or-time", "timestamp", "language-tag"}
_CACHED_LENGTH = 100  # characters: short heads are few and repeat


def params_to_3(params: Iterable[Parameter]) -> list[Parameter]:
    """Return parameters of 4.0 as 3.0 has them; TYPE and PREF=1, which belong together, are the caller's."""
    return [_converted(param, KEPT_3, KEPT_4, _IN_3, _VALUES_3) for param in params]


def params_to_4(params: Iterable[Parameter]) -> list[Parameter]:
    """Return parameters of 3.0 as 4.0 has them; TYPE, which says PREF too, is the caller's."""
    return [_converted(param, KEPT_4, KEPT_3, _IN_4, _VALUES_4) for param in params]


def _converted(param: Parameter, own: str, other: str, names: frozenset[str], values: frozenset[str]) -> Parameter:
    """Return a parameter in a version that has these ``names`` and ``values`` of VALUE.

    ``own``: the prefix under which the other version kept those of this one; ``other``: the prefix for what is kept.
    """
    key, value = param
    name = key.upper()
    if is_kept(name, own):
        return key[len(own) :], value
    is_known = value is None or name == "TYPE" or name in names or name.startswith("X-")
    if is_known or (name == "VALUE" and _is_among(value, values)):
        return key, value
    return f"{other}{key}", value


def _is_among(value: str | None, known: frozenset[str]) -> bool:
    plain = (value or "").strip('"').lower()
    return plain in known or plain.startswith("x-")


def kept_in_3(found: Property) -> Property:
    """Return a property that has no form in 3.0 under a name that comes back, and so its parameters."""
    return Property(found.group, f"{KEPT_4}{found.name}", params_to_3(found.params), found.value)


def kept_in_4(found: Property) -> Property:
    """Return a property that has no form in 4.0 under a name that comes back, and so its parameters: TYPE says PREF."""
    params = [(f"{KEPT_3}{key}" if key.upper() == "TYPE" else key, value) for key, value in found.params]
    return Property(found.group, f"{KEPT_3}{found.name}", params_to_4(params), found.value)


def head_to_3(head: str) -> str:
    """Return what stands before the value of a property of 4.0, as 3.0 has it."""
    return (_head_to_3_cached if len(head) <= _CACHED_LENGTH else _head_to_3)(head)


def _head_to_3(head: str) -> str:
    found = Property.of_head(head)
    name = found.name.upper()
    if is_kept(name, KEPT_3):
        found.name, found.params = found.name[len(KEPT_3) :], params_to_3(found.params)
        return found.head
    if name.startswith(KEPT_4) or name in ONLY_3:
        return head
    if name not in IN_BOTH and name != "MEMBER" and not name.startswith("X-"):
        return kept_in_3(found).head
    if name == "MEMBER":
        found.name = GROUP_MEMBER
    retype_to_3(found)
    return found.head


_head_to_3_cached = lru_cache(maxsize=512)(_head_to_3)


def retype_to_3(found: Property) -> None:
    """Convert the parameters of a property of 4.0 to 3.0."""
    types = found.types
    is_preferred = (found.param("PREF") or "").strip() == "1"
    wanted = list(types)
    if is_preferred:
        found.params = found.without("PREF")
        wanted += [] if _has(types, "PREF") else ["PREF"]
    if found.name.upper() == "EMAIL" and not (_has(types, "INTERNET") or _has(types, "X400")):
        wanted.insert(0, "INTERNET")
    found.params = params_to_3(found.params)
    is_quoted = any(value is not None and '"' in value for key, value in found.params if key.upper() == "TYPE")
    if wanted != types or is_quoted:
        found.retype(wanted, upper=True)


def head_to_4(head: str) -> str:
    """Return what stands before the value of a property of 3.0, as 4.0 has it."""
    return (_head_to_4_cached if len(head) <= _CACHED_LENGTH else _head_to_4)(head)


def _head_to_4(head: str) -> str:
    found = Property.of_head(head)
    name = found.name.upper()
    if is_kept(name, KEPT_4):
        found.name, found.params = found.name[len(KEPT_4) :], params_to_4(found.params)
        return found.head
    if name.startswith(KEPT_3) or name in ONLY_4:
        return head
    if name not in IN_BOTH and not name.startswith("X-"):
        return kept_in_4(found).head
    if name == GROUP_MEMBER:
        found.name = "MEMBER"
    retype_to_4(found)
    return found.head


_head_to_4_cached = lru_cache(maxsize=512)(_head_to_4)


def retype_to_4(found: Property) -> None:
    """Convert the parameters of a property of 3.0 to 4.0."""
    types = found.types
    wanted = [one for one in types if one.upper() != "PREF"]
    if found.name.upper() == "EMAIL":
        wanted = [one for one in wanted if one.upper() != "INTERNET"]
    found.params = params_to_4(found.params)
    if wanted != types or any(value is None for _, value in found.params):
        found.retype(wanted, upper=False)
    if _has(types, "PREF") and found.param("PREF") is None:
        at = next((at + 1 for at, (key, _) in enumerate(found.params) if key.upper() == "TYPE"), 0)
        found.params.insert(at, ("PREF", "1"))


def _has(types: Iterable[str], wanted: str) -> bool:
    return any(one.upper() == wanted for one in types)
