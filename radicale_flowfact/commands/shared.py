"""What every command shares: the option that names the configuration, where it prints, how faults are told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from radicale.config import Configuration
from rich.cells import cell_len, set_cell_size
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import DBAPIError

from radicale_flowfact.crm.names import NameMapError
from radicale_flowfact.database.engines import DatabaseError
from radicale_flowfact.database.faults import told
from radicale_flowfact.database.secrets import masked
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.language.texts import _, choose, preferred, shown_time, translated
from radicale_flowfact.server.configuration import load_configuration, settings_of, settings_path
from radicale_flowfact.settings import Settings, SettingsError, language_named

Config = Annotated[
    Path | None,
    typer.Option("--config", "-C", help="Radicale's configuration file; without it, where Radicale looks."),
]
Since = Annotated[
    str | None, typer.Option(help="Only from this day or moment on, office time: 2026-11-24 or 2026-11-24T08:00.")
]
console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Print what was found or done, as it is: nothing in it is taken for markup."""
    console.print(text, markup=False, emoji=False)


def complain(text: str, *, is_fault: bool = False) -> None:
    """Print to the error output what is wrong or to be done, without passwords; a fault in red on a terminal."""
    errors.print(masked(text), markup=False, emoji=False, style="red" if is_fault else None)


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> RenderableType:
    """Return a table: with borders on a terminal, else in plain columns, which no line break divides."""
    if console.is_terminal:
        view = Table()
        for title in titles:
            view.add_column(escape(title), overflow="fold")
        for row in rows:
            view.add_row(*map(escape, row))
        return view
    widths = [max(map(cell_len, column)) for column in zip(titles, *rows, strict=True)]
    lines = ("  ".join(map(set_cell_size, line, widths)).rstrip() for line in (titles, *rows))
    return Text("\n".join(lines))


def office_time(moment: datetime, zone: ZoneInfo) -> str:
    """Return a moment (UTC without zone) as every screen shows it: in the office's time zone."""
    return shown_time(moment.replace(tzinfo=UTC).astimezone(zone))


@contextmanager
def reported_faults() -> Iterator[None]:
    """Turn faults of settings and database into a message and exit status 1."""
    try:
        yield
    except (SettingsError, DatabaseError, NameMapError) as error:
        complain(translated(str(error)), is_fault=True)
        raise typer.Exit(1) from error
    except DBAPIError as error:
        complain(_("The database refused: {error}").format(error=told(error)), is_fault=True)
        complain(_("Check database_url in flowfact.toml, that the server runs, and the user's grants."))
        raise typer.Exit(1) from error


def load(config: Path | None) -> tuple[Configuration, Settings]:
    """Return Radicale's configuration and the gateway's settings. Raises SettingsError."""
    configuration = load_configuration(config)
    choose(preferred(language_named(settings_path(configuration))))
    return configuration, settings_of(configuration)


def gateway_of(config: Path | None) -> Gateway:
    """Return a gateway for the settings that the configuration names. Raises SettingsError, DatabaseError."""
    settings = load(config)[1]
    require_file(settings)
    return Gateway(settings)


def require_file(settings: Settings) -> None:
    """Raise DatabaseError for an SQLite file that does not exist: connecting would make it, empty."""
    file = settings.database_url.removeprefix("sqlite:///")
    if file not in (settings.database_url, "", ":memory:") and not Path(file).is_file():
        raise DatabaseError(f"there is no database file {file}; correct database_url in flowfact.toml")


def moment_of(gateway: Gateway, text: str | None) -> datetime | None:
    """Return a moment that the admin typed in office time, as UTC without zone."""
    if text is None:
        return None
    try:
        local = datetime.fromisoformat(text).replace(tzinfo=gateway.settings.zone)
    except ValueError as error:
        raise SettingsError(f"--since {text!r} is no date; write it as 2026-11-24 or 2026-11-24T08:00") from error
    return local.astimezone(UTC).replace(tzinfo=None)
