"""Holds one property of a vCard with its parameters as written, and the names that the two versions share.

What a version has no name for goes under an X- name there, and comes back in the other version as it was: the property
``RELATED`` of 4.0 is ``X-VCARD4-RELATED`` in 3.0, ``AGENT`` of 3.0 is ``X-VCARD3-AGENT`` in 4.0; so are parameters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from radicale_flowfact.content.contentlines import Line, parts_outside_quotes

KEPT_3, KEPT_4 = "X-VCARD3-", "X-VCARD4-"
FRAME = frozenset({"BEGIN", "END", "VERSION"})
_NEVER_KEPT = FRAME | {"", "UID"}
IN_BOTH = frozenset(
    [
        *("SOURCE", "FN", "N", "NICKNAME", "PHOTO", "BDAY", "ADR", "TEL", "EMAIL", "TZ", "GEO", "TITLE", "ROLE"),
        *("LOGO", "ORG", "CATEGORIES", "NOTE", "PRODID", "REV", "SOUND", "UID", "URL", "KEY"),
        *("IMPP", "FBURL", "CALURI", "CALADRURI"),  # RFC 4770, RFC 2739
    ]
)
ONLY_3 = frozenset({"NAME", "PROFILE", "LABEL", "MAILER", "AGENT", "SORT-STRING", "CLASS", "CAPURI"})
ONLY_4 = frozenset(
    [
        *("KIND", "XML", "ANNIVERSARY", "GENDER", "LANG", "MEMBER", "RELATED", "CLIENTPIDMAP"),
        *("BIRTHPLACE", "DEATHPLACE", "DEATHDATE"),  # RFC 6474
        *("EXPERTISE", "HOBBY", "INTEREST", "ORG-DIRECTORY"),  # RFC 6715
        *("CONTACT-URI", "CREATED", "GRAMGENDER", "LANGUAGE", "PRONOUNS", "SOCIALPROFILE", "JSPROP"),
    ]  # RFC 8605, RFC 9554, RFC 9555
)
GROUP_KIND, GROUP_MEMBER = "X-ADDRESSBOOKSERVER-KIND", "X-ADDRESSBOOKSERVER-MEMBER"
"""What Apple calls KIND and MEMBER in its groups, which are vCard 3.0."""
SHOWN_AS = "X-ABSHOWAS"
"""Apple's name for a card that is a company's: COMPANY."""
ANNIVERSARY_3 = "X-ANNIVERSARY"
_USUAL_TYPES = frozenset(
    [
        *("WORK", "HOME", "CELL", "VOICE", "FAX", "PAGER", "VIDEO", "TEXT", "TEXTPHONE", "PREF", "INTERNET", "CAR"),
        *("ISDN", "MSG", "BBS", "MODEM", "PCS", "DOM", "INTL", "POSTAL", "PARCEL"),
    ]
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
Parameter = tuple[str, str | None]
"""A name and a value as they are written; None: a name alone, as in vCard 2.1."""


@dataclass(slots=True)
class Property:
    """Holds a content line in parts: ``group`` with its dot, ``value`` as it is written."""

    group: str
    name: str
    params: list[Parameter]
    value: str

    @classmethod
    def of(cls, line: Line) -> Property:
        """Parse a line."""
        return cls.of_head(line.text[: len(line.text) - len(line.value) - 1], line.value)

    @classmethod
    def of_head(cls, head: str, value: str = "") -> Property:
        """Parse what stands before a value."""
        first, *raw = parts_outside_quotes(head, ";")
        group, dot, name = first.rpartition(".")
        return cls(group + dot, name, [_parameter(part) for part in raw], value)

    @property
    def head(self) -> str:
        """What stands before the value."""
        params = "".join(f";{key}" if value is None else f";{key}={value}" for key, value in self.params)
        return f"{self.group}{self.name}{params}"

    @property
    def text(self) -> str:
        """The unfolded line."""
        return f"{self.head}:{self.value}"

    def param(self, name: str) -> str | None:
        """Return the value of the first parameter of this name (upper case), without quotes; None: there is none."""
        found = (unquoted(value) for key, value in self.params if value is not None and key.upper() == name)
        return next(found, None)

    def without(self, *names: str) -> list[Parameter]:
        """Return the parameters but those of these names (upper case)."""
        return [(key, value) for key, value in self.params if key.upper() not in names]

    @property
    def types(self) -> list[str]:
        """The TYPE values as they are written, from lists, quoted or not, and from names alone."""
        found: list[str] = []
        for key, value in self.params:
            if value is None:
                found.append(key)
            elif key.upper() == "TYPE":
                found += [part.strip() for part in value.replace('"', "").split(",")]
        return [one for one in found if one]

    def retype(self, types: Iterable[str], *, upper: bool) -> None:
        """Write these TYPE values as one list in place of those that there are; usual ones in one case."""
        parts = [_in_case(one, upper=upper) for one in types]
        listed = ",".join(quoted(one) if ";" in one or ":" in one else one for one in parts)
        at = next((at for at, (key, value) in enumerate(self.params) if value is None or key.upper() == "TYPE"), 0)
        kept = [(key, value) for key, value in self.params if value is not None and key.upper() != "TYPE"]
        self.params = [*kept[:at], *([("TYPE", listed)] if listed else []), *kept[at:]]


def _parameter(part: str) -> Parameter:
    key, equals, value = part.partition("=")
    return key.strip(), value if equals else None


def _in_case(one: str, *, upper: bool) -> str:
    if one.upper() not in _USUAL_TYPES:
        return one
    return one.upper() if upper else one.lower()


def is_kept(name: str, prefix: str) -> bool:
    """Return whether a name (upper case) stands for one of the other version; VERSION and UID have no such name."""
    return name.startswith(prefix) and name[len(prefix) :] not in _NEVER_KEPT


def has_scheme(value: str) -> bool:
    """Return whether a value begins as a URI does."""
    return _SCHEME.match(value) is not None


def unquoted(value: str) -> str:
    """Return a parameter's value without the quotes around it."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def quoted(value: str) -> str:
    """Return a parameter's value in quotes."""
    return f'"{value}"'
