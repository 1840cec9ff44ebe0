"""Parses and validates ``flowfact.toml``; the error for an unknown key names the nearest known one."""

from __future__ import annotations

import codecs
import difflib
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, TypeGuard
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from radicale_flowfact.database.connections import Timeouts
from radicale_flowfact.database.lengths import utf16_units
from radicale_flowfact.database.secrets import SecretError, remember, resolved

PHONE_SLOTS = ("work", "cell", "home", "assistant", "work2", "home2", "pager", "car")
Private = Literal["device", "flowfact"]
_AT_LINE = re.compile(r"at line (\d+)")
Value = bool | int | str
_LONGEST_LOGIN = 200  # UTF-16 units; the column takes more, so that a former owner's DSN can be put behind it


class SettingsError(Exception):
    """The settings cannot be used; the message names the file, each fault and what to do."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class UserSettings(_Section):
    """Holds one DAV login: its FlowFact user (``BEN.LOGIN``) and, where BENMKM is not mapped, its Merkmale (rule 2)."""

    flowfact: str = Field(min_length=1)
    address_merkmale: tuple[str, ...] = ()
    activity_merkmale: tuple[str, ...] = ()


class AddressSettings(_Section):
    """Holds ``[addresses]``: private contacts (rule 12) and the phone slot of each position (rule 10)."""

    private: Private = "device"
    phone_slots: tuple[str, ...] = Field(default=PHONE_SLOTS, min_length=1, max_length=8)

    @field_validator("phone_slots")
    @classmethod
    def _known_slots(cls, slots: tuple[str, ...]) -> tuple[str, ...]:
        for slot in slots:
            if slot not in PHONE_SLOTS:
                raise ValueError(f"unknown slot {slot!r}; did you mean {_nearest(slot, PHONE_SLOTS)}?")
        if len(set(slots)) != len(slots):
            raise ValueError("each slot may be named once")
        return slots


class AppointmentSettings(_Section):
    """Holds ``[appointments]``: window in days (rule 4), subject (rule 16), private ones (rule 18), place, kind."""

    past_days: int = Field(default=90, ge=-1)
    subject: str = "{kind}: {subject}"
    private: Private = "device"
    series: Literal["device"] = "device"
    location: Literal["address", "none"] = "address"
    kind: str = "Termin"

    @field_validator("subject")
    @classmethod
    def _has_subject_once(cls, template: str) -> str:
        if template.count("{subject}") != 1 or template.count("{kind}") > 1:
            raise ValueError("must contain {subject} once and {kind} at most once")
        if re.search(r"[{}]", template.replace("{subject}", "").replace("{kind}", "")):
            raise ValueError("knows only {kind} and {subject}")
        return template


class TaskSettings(_Section):
    """Holds ``[tasks]``: the kind of a new one where the user has no preset (rule 21)."""

    kind: str = "Aufgabe"


class SafetySettings(_Section):
    """Holds ``[safety]``: when too much vanishes within a day, so that a refresh stops (rule 30): at both limits."""

    max_vanish_percent: float = Field(default=30, ge=0, le=100)
    max_vanish_items: int = Field(default=20, ge=0)


class TimeoutSettings(_Section):
    """Holds ``[timeouts]`` of the database, in seconds: to connect, to wait for a lock, to execute a statement."""

    connect: float = Field(default=Timeouts().connect, gt=0)
    lock: float = Field(default=Timeouts().lock, gt=0)
    statement: float = Field(default=Timeouts().statement, gt=0)


class LogSettings(_Section):
    """Holds ``[log]``: text or JSON, and whether each request has a line or only the refused ones."""

    format: Literal["text", "json"] = "text"
    requests: bool = True


class StatusSettings(_Section):
    """Holds ``[status]``: after how many days without a sync a device is warned of."""

    warn_days: int = Field(default=7, ge=1)


class MetricsSettings(_Section):
    """Holds ``[metrics]``: whoever has the token may read them; without one, programs on this machine."""

    token: str = ""


class UiSettings(_Section):
    """The language of commands and pages: ``de``, ``en``, or "" for that of the environment (LC_ALL, LANG)."""

    language: Literal["", "de", "en"] = ""


class Settings(_Section):
    """Holds everything in ``flowfact.toml``."""

    database_url: str = Field(repr=False)
    state_schema: str = ""
    write: bool = False
    timezone: str = "Europe/Berlin"
    refresh_seconds: float = Field(default=5, ge=0)
    history_days: int = Field(default=90, ge=1)
    workers: int = Field(default=2, ge=1, le=64)
    trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1")
    users: Mapping[str, UserSettings] = Field(default_factory=dict)
    addresses: AddressSettings = AddressSettings()
    appointments: AppointmentSettings = AppointmentSettings()
    tasks: TaskSettings = TaskSettings()
    safety: SafetySettings = SafetySettings()
    timeouts: TimeoutSettings = TimeoutSettings()

    log: LogSettings = LogSettings()
    status: StatusSettings = StatusSettings()
    metrics: MetricsSettings = MetricsSettings()
    ui: UiSettings = UiSettings()
    names: Mapping[str, str] = Field(default_factory=dict)
    values: Mapping[str, Value | tuple[Value, ...]] = Field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        """The office's time zone: FlowFact's times are wall-clock times in it."""
        return ZoneInfo(self.timezone)

    def login_named(self, text: str) -> str | None:
        """Return the login of ``[users]`` that is meant, whatever its case and blanks; None if there is none."""
        return text if text in self.users else _by_key(tuple(self.users)).get(login_key(text))

    @property
    def database_timeouts(self) -> Timeouts:
        """The database's time-outs, in seconds."""
        return Timeouts(self.timeouts.connect, self.timeouts.lock, self.timeouts.statement)

    @field_validator("users")
    @classmethod
    def _logins_are_distinct(cls, users: Mapping[str, UserSettings]) -> Mapping[str, UserSettings]:
        """Refuse logins that SQL Server or ``login_named`` takes for the same: they would share their collections."""
        known: dict[str, str] = {}
        for login in users:
            other = known.setdefault(login_key(login), login)
            if other != login:
                raise ValueError(f"the logins {other!r} and {login!r} are the same to SQL Server; keep one of them")
            if utf16_units(login) > _LONGEST_LOGIN:
                raise ValueError(f"the login {login[:20]!r}… is longer than {_LONGEST_LOGIN} characters")
        return users

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                ip_network(proxy, strict=False)
            except ValueError as error:
                raise ValueError(f"{proxy!r} is no address or network, such as 192.168.1.5 or 10.0.0.0/8") from error
        return proxies

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"unknown time zone {name!r}; use a name such as Europe/Berlin") from error
        return name


def _as_collated(login: str) -> str:
    """Return what a login is compared by in a collation such as Latin1_General_CI_AS, on every database alike.

    It knows no case, no width and no characters without weight, takes ß for ss and no account of blanks at the end.
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", login).casefold())
    return "".join(char for char in plain if unicodedata.category(char) != "Cf").rstrip(" ")


def login_key(login: str) -> str:
    """Return what logins are found by: ``_as_collated``, without outer blanks and with single ones inside."""
    return " ".join(_as_collated(login).split())


@lru_cache(maxsize=16)
def _by_key(logins: tuple[str, ...]) -> Mapping[str, str]:
    return {login_key(login): login for login in logins}


def load_settings(path: Path) -> Settings:
    """Read ``flowfact.toml``. A relative SQLite file is looked up beside the settings file.

    Raises SettingsError naming every fault.
    """
    text = text_of(path)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {_syntax_fault(text, str(error))}") from error
    faults = [*_unquoted(raw, "users"), *_unquoted(raw, "names")]
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        faults += [_fault(fault) for fault in error.errors()]
        lines = "\n".join(f"  {fault}" for fault in faults)
        raise SettingsError(f"{path}: cannot be used:\n{lines}") from None  # the error holds what was typed
    if faults:
        raise SettingsError("\n  ".join([f"{path}: cannot be used:", *faults]))
    token = _resolved(settings.metrics.token, "metrics.token", path)
    remember(token)
    return settings.model_copy(
        update={
            "database_url": _database_url(settings.database_url, path),
            "metrics": settings.metrics.model_copy(update={"token": token}),
        }
    )


def _resolved(text: str, key: str, path: Path) -> str:
    """Return a setting with its references to environment and files replaced. Raises SettingsError."""
    try:
        return resolved(text, path.parent.resolve())
    except SecretError as error:
        raise SettingsError(f"{path}: {key}: {error}") from None


def _database_url(url: str, path: Path) -> str:
    url = _resolved(url, "database_url", path)
    file = url.removeprefix("sqlite:///")
    if file != url and file not in ("", ":memory:") and not Path(file).is_absolute():
        return f"sqlite:///{(path.parent.resolve() / file).as_posix()}"
    return url


def text_of(path: Path, *, may_have_mark: bool = True) -> str:
    """Return the text of a settings file, which is UTF-8. Raises SettingsError saying in which way it is not.

    ``may_have_mark``: whether a byte order mark at its beginning does no harm.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}; mend the path or the file's rights") from error
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data:
        raise SettingsError(f"{path}: is in UTF-16; save it as UTF-8")
    if data.startswith(codecs.BOM_UTF8) and not may_have_mark:
        raise SettingsError(f"{path}: begins with a byte order mark (BOM); save it as UTF-8 without BOM")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{path}: line {line} is not in UTF-8 but perhaps in ANSI; save it as UTF-8") from None


def _syntax_fault(text: str, error: str) -> str:
    """Return what is wrong with a file that is no TOML, without what stands there."""
    found = _AT_LINE.search(error)
    number = int(found[1]) if found else text.count("\n") + 1
    line = [*text.split("\n"), ""][number - 1].strip()
    if login := re.fullmatch(r"\[users\.([^\]\"']+)\]?", line):
        return f'line {number}: a login with such characters needs quotes: [users."{login[1].strip()}"]'
    if "\\" in line:
        return f"line {number}: a backslash stands in single quotes only, as in 'C:\\x'; or write / instead"
    if re.match(r"[\w.\"-]+\s*=\s*[^\"'\[{\s]", line):
        return f"line {number} is no TOML: texts need quotes, true and false small letters, decimals a point"
    return f"line {number} is no TOML: {error.partition(' (at ')[0]}"


def _unquoted(raw: dict[str, Any], section: str) -> list[str]:
    """Take out of ``raw`` the keys of a section that have a dot without quotes, and return a fault for each."""
    there = raw.get(section)
    if not isinstance(there, dict):
        return []
    faults = []
    for key, value in list(there.items()):
        nested = next((name for name, inner in value.items() if isinstance(inner, dict)), None) if _is(value) else None
        if section == "users" and nested is not None:
            faults.append(f'[users.{key}.{nested}]: a login with a dot needs quotes: [users."{key}.{nested}"]')
            del there[key]
        elif section == "names" and _is(value):
            faults.append(f'[names] {key}.{next(iter(value), "")} needs quotes: "{key}.{next(iter(value), "")}" = "…"')
            del there[key]
    return faults


def _is(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict)


def _fault(fault: Mapping[str, Any]) -> str:
    """Return one fault of a value in words, without the value."""
    location, limits = tuple(str(part) for part in fault["loc"]), fault.get("ctx", {})
    key = ".".join(location)
    match str(fault["type"]).removesuffix("_parsing").removesuffix("_type"):
        case "extra_forbidden":
            if nearest := _nearest(location[-1], _known_keys(location)):
                return f"unknown key {key}; did you mean {nearest}?"
            return f"unknown key {key}"
        case "missing":
            return f"{key} is missing"
        case "string":
            return f"{key} must be a text in quotes"
        case "bool":
            return f"{key} must be true or false"
        case "int" | "float" | "int_from_float":
            return f"{key} must be a number"
        case "greater_than_equal" | "greater_than":
            return f"{key} must be at least {limits.get('ge', limits.get('gt'))}"
        case "less_than_equal":
            return f"{key} must be at most {limits['le']}"
        case "literal_error":
            return f"{key} must be {limits['expected'].replace(' or ', ' / ')}"
    message = str(limits.get("error") or fault["msg"])
    return f"{key}: {message}" if key else message


def shared_users(settings: Settings) -> dict[str, list[str]]:
    """Return the logins of each FlowFact user who has more than one, by his login there."""
    found: dict[str, list[str]] = {}
    for login, user in settings.users.items():
        found.setdefault(user.flowfact.strip().casefold(), []).append(login)
    return {user: logins for user, logins in found.items() if len(logins) > 1}


def language_named(path: Path) -> str:
    """Return ``[ui] language`` of a file, whatever else is wrong with it, so that its faults are told in it."""
    try:
        language = tomllib.loads(path.read_bytes().decode("utf-8-sig")).get("ui", {}).get("language", "")
    except (OSError, ValueError, AttributeError):
        return ""
    return language if isinstance(language, str) else ""


def _known_keys(location: tuple[str, ...]) -> tuple[str, ...]:
    """Return the keys that may stand where the last of ``location`` stands."""
    if len(location) == 1:
        return tuple(Settings.model_fields)
    if location[0] == "users":
        return tuple(UserSettings.model_fields)
    section = Settings.model_fields[location[0]].annotation
    return tuple(section.model_fields) if isinstance(section, type) and issubclass(section, BaseModel) else ()


def _nearest(name: str, known: tuple[str, ...]) -> str:
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.0)), "")
