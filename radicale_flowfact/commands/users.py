"""The commands about logins: who is mapped, who could be, and passwords."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.markup import escape

from radicale_flowfact.commands.shared import Config, console, errors, gateway_of, load, reported_faults, table
from radicale_flowfact.database.secrets import masked
from radicale_flowfact.dav.admin import overview
from radicale_flowfact.dav.admin.overview import MappedUser
from radicale_flowfact.dav.admin.rename import rename
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.store.request import RefusedError
from radicale_flowfact.dav.store.session import Name
from radicale_flowfact.language.texts import _
from radicale_flowfact.server import htpasswd
from radicale_flowfact.settings import SettingsError


def show_users(context: typer.Context, config: Config = None) -> None:
    """Show who is mapped, with which Merkmale and how many records, and a ready section for those who are not."""
    context.obj = config
    if context.invoked_subcommand:
        return
    with reported_faults():
        settings = load(config)[1]
        found = overview.users(Gateway(settings))
    console.print(users_view(found.mapped))
    for fault in found.faults:
        errors.print(escape(masked(f"fault: {fault}")), style="red")
    if found.sections:
        console.print("\nNot mapped; copy what you need into flowfact.toml:\n")
        console.print(escape("\n".join(found.sections)))
    if found.faults:
        raise typer.Exit(1)


def users_view(mapped: Iterable[MappedUser]) -> RenderableType:
    """Return the table of mapped users."""
    titles = (_("login"), _("FlowFact user"), _("address Merkmale"), _("activity Merkmale"), *map(str, Name))
    return table(titles, [row.cells for row in mapped])


def set_password(
    context: typer.Context,
    login: Annotated[str, typer.Argument(help="The DAV login, as in [users.<login>].")],
    config: Config = None,
) -> None:
    """Set a login's password in Radicale's htpasswd file; asks for it, or reads it from standard input."""
    with reported_faults():
        configuration, settings = load(config or context.obj)
        if configuration.get("auth", "type") != "htpasswd":
            raise SettingsError("[auth] type is not htpasswd; passwords are kept elsewhere")
        file = Path(configuration.get("auth", "htpasswd_filename"))
        if login not in settings.users:
            errors.print(escape(f"Note: {login} is not mapped yet; add [users.{login}] to flowfact.toml."))
        try:
            htpasswd.set_password(file, login, _ask_password())
        except (OSError, ValueError) as error:
            raise SettingsError(f"the password was not set: {error}") from error
    console.print(escape(f"Password of {login} written to {file}."))


def rename_login(
    context: typer.Context,
    old: Annotated[str, typer.Argument(help="The DAV login as it was called.")],
    new: Annotated[str, typer.Argument(help="The name that it has in flowfact.toml now.")],
    config: Config = None,
) -> None:
    """Move what is kept of a login to its new name: collections, devices, history. Refuses if that has data."""
    with reported_faults():
        gateway = gateway_of(config or context.obj)
        if new not in gateway.settings.users:
            raise SettingsError(f"{new} is not mapped: rename [users.{old}] in flowfact.toml first")
        try:
            with gateway.administer() as session:
                moved = rename(session, old, new)
        except RefusedError as error:
            raise SettingsError(error.reason) from error
    console.print(escape(f"{new} has what {old} had: {', '.join(f'{count} {what}' for what, count in moved.items())}."))


def _ask_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise ValueError("the two entries differ")
    return first
