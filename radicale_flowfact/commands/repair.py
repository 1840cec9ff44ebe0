"""The commands that repair: history, undo, confirm, erase."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radicale_flowfact.commands import reports
from radicale_flowfact.commands.shared import (
    Config,
    Since,
    complain,
    gateway_of,
    load,
    moment_of,
    reported_faults,
    require_file,
    say,
)
from radicale_flowfact.crm import lookup
from radicale_flowfact.crm.explain import find_records
from radicale_flowfact.dav.admin import overview, people
from radicale_flowfact.dav.admin.erase import erase
from radicale_flowfact.dav.admin.status import confirm
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.store.session import Session
from radicale_flowfact.dav.store.upkeep import clock as upkeep_clock
from radicale_flowfact.dav.writing.undo import entries as history_entries
from radicale_flowfact.language.texts import _, translated
from radicale_flowfact.server import htpasswd
from radicale_flowfact.settings import SettingsError


def show_history(
    user: Annotated[str | None, typer.Option(help="Only what this login did; also part of its user's name.")] = None,
    record: Annotated[
        str | None, typer.Option(help="Only this record: its DSN, or part of a name, firm, number or subject.")
    ] = None,
    since: Since = None,
    bodies: Annotated[bool, typer.Option(help="Show refused and deleted texts too.")] = False,
    config: Config = None,
) -> None:
    """Show what devices changed in FlowFact, and what was refused, newest first."""
    with reported_faults():
        gateway = gateway_of(config)
        with gateway.session() as session:
            login, dsn = _login(session, user), _dsn(session, record)
            found = history_entries(session, login=login, record=dsn, since=moment_of(gateway, since))
            titles = people.titles_of(session, (entry.record for entry in found))
    zone = gateway.settings.zone
    for entry in found:
        say(reports.entry_line(entry, zone, titles))
        for line in reports.entry_details(entry, bodies=bodies):
            say(f"      {line}")
    say(_("Times are those of {zone}.").format(zone=zone.key) if found else _("Nothing."))


def _login(session: Session, text: str | None) -> str | None:
    """Return the login that an admin named, also by its user's name. Raises SettingsError if none or several fit."""
    return None if text is None else people.login_meant(session, text, by_name=True)


def _dsn(session: Session, text: str | None) -> str | None:
    """Return the DSN that an admin named, also by a name or title. Raises SettingsError if several may be meant."""
    if text is None or history_entries(session, record=text) or find_records(session.connection, session.tables, text):
        return text
    found = lookup.find_candidates(session.connection, session.tables, text)
    if len(found) > 1:
        lines = "".join(f"\n  {one.record}  {one.title}" for one in found[: lookup.MOST])
        raise SettingsError(f"{text!r} may be any of these, name one by its DSN:{lines}")
    return found[0].record.dsn if found else text


def take_back(
    entries: Annotated[list[int] | None, typer.Argument(help="Numbers from radicale-flowfact history.")] = None,
    user: Annotated[
        str | None, typer.Option(help="Everything that this login did …; also part of its user's name.")
    ] = None,
    record: Annotated[
        str | None, typer.Option(help="… or only to this record: its DSN, or part of a name, firm, number or subject.")
    ] = None,
    since: Since = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    config: Config = None,
) -> None:
    """Take back what devices did, newest first, unless FlowFact changed it since."""
    if not entries and not ((user or record) and since):
        complain(_("Name entries by their numbers, or --user or --record together with --since."))
        raise typer.Exit(2)
    with reported_faults():
        gateway = gateway_of(config)
        with gateway.session() as session:
            login, dsn = _login(session, user), _dsn(session, record)
        moment = moment_of(gateway, since)
        outcomes = overview.undo(gateway, entries or [], login, moment, dry_run=dry_run, record=dsn)
        with gateway.session() as session:
            titles = people.titles_of(session, (outcome.entry.record for outcome in outcomes))
    for outcome in outcomes:
        say(reports.entry_line(outcome.entry, gateway.settings.zone, titles))
        for text in outcome.done:
            said = _("would be: {step}") if dry_run else _("done: {step}")
            say(f"      {said.format(step=translated(text))}")
        for text in outcome.kept:
            say("      " + _("not: {reason}").format(reason=translated(text)))
    if not outcomes:
        complain(_("There is no such entry."))
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
        complain(_("Name a login, or say --clock."))
        raise typer.Exit(2)
    if clock:
        _trust_clock(config)
        return
    with reported_faults(), gateway_of(config).administer() as session:
        login = people.login_meant(session, login)
        released = confirm(session, login)
    if not released:
        complain(_("Nothing is stopped for {login}.").format(login=login))
        raise typer.Exit(1)
    said = _("Released: {collections}. The devices hear of it at their next sync.")
    say(said.format(collections=", ".join(released)))


def _trust_clock(config: Config) -> None:
    with reported_faults(), gateway_of(config).administer() as session:
        was_doubted = upkeep_clock.trust(session)
    if not was_doubted:
        complain(_("The clock is not doubted."))
        raise typer.Exit(1)
    say(_("Confirmed. The next upkeep drops what is old by this clock."))


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
        require_file(settings)
        gateway = Gateway(settings)
        with gateway.session() as session:
            login = people.login_meant(session, login)
        if login in settings.users and not (force or dry_run):
            raise SettingsError(
                f"{login} is mapped: his devices would bring everything back but what only they had. "
                f"Take [users.{login}] out of flowfact.toml and restart the gateway first, or use --force"
            )
        found = _erased(gateway, login, dry_run=True)
        if not dry_run and any(found.values()):
            if not yes:
                say(reports.erased_line(login, found))
                typer.confirm(_("Remove it for good?"), abort=True)
            found = _erased(gateway, login, dry_run=False)
    if not any(found.values()):
        complain(_("Nothing is kept of {login}.").format(login=login))
        raise typer.Exit(1)
    said = _("Would remove: {what}") if dry_run else _("Removed: {what}")
    say(said.format(what=reports.erased_line(login, found)))
    file = Path(configuration.get("auth", "htpasswd_filename"))
    if configuration.get("auth", "type") == "htpasswd" and htpasswd.has_login(file, login):
        said = _("His password still stands in {file}: take the line out. The server's logs are yours.")
        say(said.format(file=file))


def _erased(gateway: Gateway, login: str, *, dry_run: bool) -> dict[str, int]:
    with gateway.administer() as session:
        savepoint = session.connection.begin_nested()
        found = erase(session, login)
        if dry_run:
            savepoint.rollback()
    return found
