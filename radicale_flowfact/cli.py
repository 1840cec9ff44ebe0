"""The commands of ``radicale-flowfact``. Each says what it does, what went wrong and what to do next."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from radicale.config import Configuration
from rich.console import Console
from rich.markup import escape
from rich.table import Table as View
from sqlalchemy.exc import DBAPIError

from radicale_flowfact import configuring, passwords, serving
from radicale_flowfact.database import DatabaseError, dispose_engines
from radicale_flowfact.dav import admin
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.demo import setup as demo_setup
from radicale_flowfact.settings import Settings, SettingsError

app = typer.Typer(
    help="Shows FLOWFACT records on phones through CalDAV and CardDAV.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
users_app = typer.Typer(
    help="Show who may sync what; write passwords.", invoke_without_command=True, rich_markup_mode=None
)
app.add_typer(users_app, name="users")

Config = Annotated[
    Path | None,
    typer.Option("--config", "-C", help="Radicale's configuration file; without it, where Radicale looks."),
]
console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def main() -> None:
    """Run the command line."""
    try:
        app()
    finally:
        dispose_engines()


@contextmanager
def faults_told() -> Iterator[None]:
    """Turn faults of settings and database into a message and exit status 1."""
    try:
        yield
    except (SettingsError, DatabaseError) as error:
        errors.print(escape(str(error)), style="red")
        raise typer.Exit(1) from error
    except DBAPIError as error:
        errors.print(escape(f"The database refused: {error.orig}"), style="red")
        errors.print("Check database_url in flowfact.toml, that the server runs, and the user's grants.")
        raise typer.Exit(1) from error


def _load(config: Path | None) -> tuple[Configuration, Settings]:
    configuration = configuring.load_configuration(config)
    return configuration, configuring.settings_of(configuration)


@app.command()
def demo(
    users: Annotated[int, typer.Option(min=1, max=500, help="How many users.")] = 5,
    addresses: Annotated[int, typer.Option(min=0, help="How many addresses.")] = 2000,
    activities: Annotated[int, typer.Option(min=0, help="How many appointments and tasks.")] = 1500,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to serve on.")] = 5232,
    host: Annotated[str, typer.Option(help="Address to serve on; 0.0.0.0 lets a phone in.")] = "127.0.0.1",
    directory: Annotated[Path, typer.Option(help="Where demo.sqlite and its configuration lie.")] = Path(),
) -> None:
    """Make a demo FlowFact if there is none, serve it, and print what to type into a phone."""
    size = demo_setup.Size(users, addresses, activities)
    with faults_told():
        made = demo_setup.prepare(directory, size, date.today(), f"{host}:{port}", console)
        configuration = configuring.load_configuration(made.config)
        _serve(configuration, lambda: demo_setup.announce(made, host, port, console))


@app.command()
def serve(config: Config = None) -> None:
    """Serve the collections to the devices, until stopped."""
    with faults_told():
        configuration, settings = _load(config)
        _serve(configuration, lambda: _announce(configuration, settings))


def _serve(configuration: Configuration, on_ready: Callable[[], None]) -> None:
    try:
        serving.serve(configuration, on_ready)
    except RuntimeError as error:
        errors.print(escape(f"The server cannot run: {error}. Is the port in use? See [server] hosts."), style="red")
        raise typer.Exit(1) from error


def _announce(configuration: Configuration, settings: Settings) -> None:
    hosts = ", ".join(f"{host}:{port}" for host, port in configuration.get("server", "hosts"))
    mode = "devices may change FlowFact" if settings.write else "read-only: write = false"
    console.print(escape(f"Serving {len(settings.users)} logins on {hosts} ({mode})."))


@app.command()
def check(config: Config = None) -> None:
    """Check connection, name map, the gateway's tables, users and Merkmale; exit status 1 with every fault named."""
    with faults_told():
        _, settings = _load(config)
        report = admin.check(settings)
    for note in report.notes:
        console.print(escape(f"note: {note}"))
    for fault in report.faults:
        errors.print(escape(f"fault: {fault}"), style="red")
    if report.faults:
        errors.print(f"{len(report.faults)} faults.")
        raise typer.Exit(1)
    console.print("No faults.")


@users_app.callback()
def users(context: typer.Context, config: Config = None) -> None:
    """Show who is mapped, with which Merkmale and how many records, and a ready section for those who are not."""
    context.obj = config
    if context.invoked_subcommand:
        return
    with faults_told():
        _, settings = _load(config)
        overview = admin.users(Gateway(settings))
    view = View("login", "FlowFact user", "address Merkmale", "activity Merkmale", "addresses", "appointments", "tasks")
    for row in overview.mapped:
        view.add_row(*(escape(cell) for cell in row.cells))
    console.print(view)
    for fault in overview.faults:
        errors.print(escape(f"fault: {fault}"), style="red")
    if overview.sections:
        console.print("\nNot mapped; copy what you need into flowfact.toml:\n")
        console.print(escape("\n".join(overview.sections)))
    if overview.faults:
        raise typer.Exit(1)


@users_app.command()
def password(
    context: typer.Context,
    login: Annotated[str, typer.Argument(help="The DAV login, as in [users.<login>].")],
    config: Config = None,
) -> None:
    """Set a login's password in Radicale's htpasswd file; asks for it, or reads it from standard input."""
    with faults_told():
        configuration, settings = _load(config or context.obj)
        if configuration.get("auth", "type") != "htpasswd":
            raise SettingsError("[auth] type is not htpasswd; passwords are kept elsewhere")
        file = Path(configuration.get("auth", "htpasswd_filename"))
        if login not in settings.users:
            errors.print(escape(f"Note: {login} is not mapped yet; add [users.{login}] to flowfact.toml."))
        try:
            passwords.set_password(file, login, _ask_password())
        except (OSError, ValueError) as error:
            raise SettingsError(f"the password was not set: {error}") from error
    console.print(escape(f"Password of {login} written to {file}."))


def _ask_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise ValueError("the two entries differ")
    return first
