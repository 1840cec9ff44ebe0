"""The commands that repair: history, undo, confirm, erase."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from radicale_flowfact.commands import reports
from radicale_flowfact.commands.shared import (
    Config,
    Since,
    console,
    errors,
    gateway_of,
    load,
    moment_of,
    reported_faults,
)
from radicale_flowfact.dav.admin import overview
from radicale_flowfact.dav.admin.erase import erase
from radicale_flowfact.dav.admin.status import confirm
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.store.upkeep import clock as upkeep_clock
from radicale_flowfact.dav.writing.undo import entries as history_entries
from radicale_flowfact.server import htpasswd
from radicale_flowfact.settings import SettingsError


def show_history(
    user: Annotated[str | None, typer.Option(help="Only what this login did.")] = None,
    record: Annotated[str | None, typer.Option(help="Only this record, by its DSN.")] = None,
    since: Since = None,
    bodies: Annotated[bool, typer.Option(help="Show refused and deleted texts too.")] = False,
    config: Config = None,
) -> None:
    """Show what devices changed in FlowFact, and what was refused, newest first."""
    with reported_faults():
        gateway = gateway_of(config)
        with gateway.session() as session:
            found = history_entries(session, login=user, record=record, since=moment_of(gateway, since))
    for entry in found:
        console.print(escape(reports.entry_line(entry, gateway.settings.zone)))
        for line in reports.entry_details(entry, bodies=bodies):
            console.print(escape(f"      {line}"))
    if not found:
        console.print("Nothing.")


def take_back(
    entries: Annotated[list[int] | None, typer.Argument(help="Numbers from radicale-flowfact history.")] = None,
    user: Annotated[str | None, typer.Option(help="Everything that this login did …")] = None,
    since: Since = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    config: Config = None,
) -> None:
    """Take back what devices did, newest first, unless FlowFact changed it since."""
    if not entries and not (user and since):
        errors.print("Name entries by their numbers, or --user together with --since.")
        raise typer.Exit(2)
    with reported_faults():
        gateway = gateway_of(config)
        outcomes = overview.undo(gateway, entries or [], user, moment_of(gateway, since), dry_run=dry_run)
    for outcome in outcomes:
        console.print(escape(reports.entry_line(outcome.entry, gateway.settings.zone)))
        for text in outcome.done:
            console.print(escape(f"      {'would be' if dry_run else 'done'}: {text}"))
        for text in outcome.kept:
            console.print(escape(f"      not: {text}"))
    if not outcomes:
        errors.print("There is no such entry.")
        raise typer.Exit(1)


def release_stop(
    login: Annotated[str, typer.Argument(help="Whose devices may lose what the safety stop holds back.")] = "",
    clock: Annotated[bool, typer.Option("--clock", help="The clock is right, though it was set far ahead.")] = False,
    config: Config = None,
) -> None:
    """Release the safety stop of a login: what vanished from his scope goes from his devices too.

    With --clock: let the upkeep drop what is old by a clock that was set far ahead.
    """
    if clock == bool(login):
        errors.print("Name a login, or say --clock.")
        raise typer.Exit(2)
    if clock:
        _trust_clock(config)
        return
    with reported_faults(), gateway_of(config).administer() as session:
        released = confirm(session, login)
    if not released:
        errors.print(escape(f"Nothing is stopped for {login}."))
        raise typer.Exit(1)
    console.print(escape(f"Released: {', '.join(released)}. The devices hear of it at their next sync."))


def _trust_clock(config: Config) -> None:
    with reported_faults(), gateway_of(config).administer() as session:
        was_doubted = upkeep_clock.trust(session)
    if not was_doubted:
        errors.print("The clock is not doubted.")
        raise typer.Exit(1)
    console.print("Confirmed. The next upkeep drops what is old by this clock.")


def erase_login(
    login: Annotated[str, typer.Argument(help="The DAV login, or a former one as status names it.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also while the login is mapped.")] = False,
    config: Config = None,
) -> None:
    """Remove all that the gateway keeps of a login: what only his devices had, versions, devices, history.

    Nothing in FlowFact changes. It cannot be taken back.
    """
    with reported_faults():
        configuration, settings = load(config)
        if login in settings.users and not (force or dry_run):
            raise SettingsError(
                f"{login} is mapped: his devices would bring everything back but what only they had. "
                f"Take [users.{login}] out of flowfact.toml and restart the gateway first, or use --force"
            )
        found = _erased(Gateway(settings), login, dry_run=True)
        if not dry_run and any(found.values()):
            if not yes:
                console.print(escape(reports.erased_line(login, found)))
                typer.confirm("Remove it for good?", abort=True)
            found = _erased(Gateway(settings), login, dry_run=False)
    if not any(found.values()):
        errors.print(escape(f"Nothing is kept of {login}."))
        raise typer.Exit(1)
    console.print(escape(f"{'Would remove' if dry_run else 'Removed'}: {reports.erased_line(login, found)}"))
    file = Path(configuration.get("auth", "htpasswd_filename"))
    if configuration.get("auth", "type") == "htpasswd" and htpasswd.has_login(file, login):
        console.print(escape(f"His password still stands in {file}: take the line out. The server's logs are yours."))


def _erased(gateway: Gateway, login: str, *, dry_run: bool) -> dict[str, int]:
    with gateway.administer() as session:
        savepoint = session.connection.begin_nested()
        found = erase(session, login)
        if dry_run:
            savepoint.rollback()
    return found
