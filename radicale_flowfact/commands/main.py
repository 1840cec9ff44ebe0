"""The command line of ``radicale-flowfact``: which commands there are. Each says what went wrong and what is next."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from radicale_flowfact.commands import check, inspect, repair, run, try_access, users
from radicale_flowfact.commands.setup.command import run_setup
from radicale_flowfact.commands.shared import complain, say
from radicale_flowfact.database.engines import dispose_engines
from radicale_flowfact.language.texts import _, choose, preferred, translated

_COMMANDS: dict[str, Callable[..., None]] = {
    "demo": run.run_demo,
    "init": run.write_files,
    "setup": run_setup,
    "serve": run.run_server,
    "check": check.run_check,
    "try": try_access.try_access,
    "grants": inspect.print_grants,
    "status": inspect.show_status,
    "verify": inspect.run_verify,
    "why": inspect.explain,
    "history": repair.show_history,
    "undo": repair.take_back,
    "confirm": repair.release_stop,
    "erase": repair.erase_login,
}
_USERS_COMMANDS: dict[str, Callable[..., None]] = {
    "add": users.add_users,
    "password": users.set_password,
    "sheet": users.print_sheet,
    "rename": users.rename_login,
}


def main() -> None:
    """Run the command line."""
    choose(preferred())
    try:
        command = get_command(_app())
        if isinstance(command, TyperCommand | TyperGroup):
            _translate(command)
        command()
    except Exception:
        complain(traceback.format_exc())
        complain(_("This is a fault of the gateway. Please report it with these lines; passwords are masked."))
        sys.exit(1)
    finally:
        dispose_engines()


def _translate(command: TyperCommand | TyperGroup) -> None:
    """Put the help of a command, its options and its subcommands into the reader's language."""
    command.help = translated_help(command.help)
    for parameter in command.params:
        if isinstance(parameter, TyperOption | TyperArgument):
            parameter.help = translated_help(parameter.help)
    for one in command.commands.values() if isinstance(command, TyperGroup) else ():
        if isinstance(one, TyperCommand | TyperGroup):
            _translate(one)


def translated_help(text: str | None) -> str | None:
    """Return a help text in the reader's language; its lines are those of a docstring."""
    return "\n\n".join(translated(" ".join(part.split())) for part in text.split("\n\n")) if text else text


def _app() -> typer.Typer:
    """Return the application with every command."""
    app = typer.Typer(
        help="Shows FLOWFACT records on phones through CalDAV and CardDAV.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.callback()(_common)
    for name, command in _COMMANDS.items():
        app.command(name)(command)
    of_users = typer.Typer(
        help="Show who may sync what; write passwords.", invoke_without_command=True, rich_markup_mode=None
    )
    of_users.callback()(users.show_users)
    for name, command in _USERS_COMMANDS.items():
        of_users.command(name)(command)
    app.add_typer(of_users, name="users")
    return app


def _print_version(*, wanted: bool) -> None:
    if wanted:
        say(f"radicale-flowfact {version('radicale-flowfact')}")
        raise typer.Exit


def _common(
    show_version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and stop.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    pass
