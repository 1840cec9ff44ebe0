"""What every command shares: the option that names the configuration, where it prints, how faults are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from radicale.config import Configuration
from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import DBAPIError

from radicale_flowfact.database.engines import DatabaseError
from radicale_flowfact.database.secrets import masked
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.server.configuration import load_configuration, settings_of
from radicale_flowfact.settings import Settings, SettingsError

Config = Annotated[
    Path | None,
    typer.Option("--config", "-C", help="Radicale's configuration file; without it, where Radicale looks."),
]
Since = Annotated[
    str | None, typer.Option(help="Only from this day or moment on, office time: 2026-11-24 or 2026-11-24T08:00.")
]
console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def reported_faults() -> Iterator[None]:
    """Turn faults of settings and database into a message and exit status 1."""
    try:
        yield
    except (SettingsError, DatabaseError) as error:
        errors.print(escape(masked(str(error))), style="red")
        raise typer.Exit(1) from error
    except DBAPIError as error:
        errors.print(escape(masked(f"The database refused: {error.orig}")), style="red")
        errors.print("Check database_url in flowfact.toml, that the server runs, and the user's grants.")
        raise typer.Exit(1) from error


def load(config: Path | None) -> tuple[Configuration, Settings]:
    """Return Radicale's configuration and the gateway's settings. Raises SettingsError."""
    configuration = load_configuration(config)
    return configuration, settings_of(configuration)


def gateway_of(config: Path | None) -> Gateway:
    """Return a gateway for the settings that the configuration names. Raises SettingsError, DatabaseError."""
    return Gateway(load(config)[1])


def moment_of(gateway: Gateway, text: str | None) -> datetime | None:
    """Return a moment that the admin typed in office time, as UTC without zone."""
    if text is None:
        return None
    try:
        local = datetime.fromisoformat(text).replace(tzinfo=gateway.settings.zone)
    except ValueError as error:
        raise SettingsError(f"--since {text!r} is no date; write it as 2026-11-24 or 2026-11-24T08:00") from error
    return local.astimezone(UTC).replace(tzinfo=None)
