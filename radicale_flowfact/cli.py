"""The commands of ``radicale-flowfact``. Each says what it does, what went wrong and what to do next."""

from __future__ import annotations

import getpass
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from radicale.config import Configuration
from rich.console import Console
from rich.markup import escape
from rich.table import Table as View
from sqlalchemy.exc import DBAPIError

from radicale_flowfact import configuring, passwords, reports, serving
from radicale_flowfact.database import DatabaseError, dispose_engines
from radicale_flowfact.dav import admin, checking, device_status
from radicale_flowfact.dav import erase as erase_room
from radicale_flowfact.dav import grants as grants_room
from radicale_flowfact.dav import status as status_room
from radicale_flowfact.dav import undo as undo_room
from radicale_flowfact.dav import verify as verify_room
from radicale_flowfact.dav import why as why_room
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.session import Name, Session
from radicale_flowfact.demo import setup as demo_setup
from radicale_flowfact.secrecy import masked
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
    except Exception:
        errors.print(escape(masked(traceback.format_exc())))
        sys.exit(1)
    finally:
        dispose_engines()


@contextmanager
def faults_told() -> Iterator[None]:
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
        _serve(made.config, lambda: demo_setup.announce(made, host, port, console))


@app.command()
def serve(config: Config = None) -> None:
    """Serve the collections to the devices, until stopped."""
    with faults_told():
        configuration, settings = _load(config)
        _serve(configuring.find_configuration(config), lambda: _announce(configuration, settings))


def _serve(file: Path, on_ready: Callable[[], None]) -> None:
    configuration, settings = _load(file)
    try:
        serving.serve(file, configuration, settings.workers, on_ready)
    except RuntimeError as error:
        errors.print(
            escape(masked(f"The server cannot run: {error}.") + " Is the port in use? See [server] hosts."), style="red"
        )
        raise typer.Exit(1) from error


def _announce(configuration: Configuration, settings: Settings) -> None:
    hosts = ", ".join(f"{host}:{port}" for host, port in configuration.get("server", "hosts"))
    mode = "devices may change FlowFact" if settings.write else "read-only: write = false"
    console.print(escape(f"Serving {len(settings.users)} logins on {hosts} ({mode})."))


@app.command()
def check(
    config: Config = None,
    write_map: Annotated[
        bool, typer.Option("--write-map", help="Also print a [names] section drafted from the real schema.")
    ] = False,
) -> None:
    """Say what was found: database, name map, users with their Merkmale and records, own tables, grants.

    Changes nothing, neither in the database nor in a file. Exit status 1 with every fault named.
    """
    with faults_told():
        _, settings = _load(config)
        report = checking.check(settings, draft=write_map)
    for line in reports.check_lines(report):
        console.print(escape(line))
    if report.users:
        console.print(_users_view(report.users))
    for note in report.notes:
        console.print(escape(f"note: {note}"))
    for fault in report.faults:
        errors.print(escape(masked(f"fault: {fault}")), style="red")
    if report.draft:
        console.print("\nDrafted by likeness. Look at each line before you copy it into flowfact.toml:\n")
        console.print(escape("\n".join(report.draft)))
    if report.faults:
        errors.print(f"{len(report.faults)} faults. Names: check --write-map drafts them.")
        raise typer.Exit(1)
    console.print("No faults.")


@app.command()
def grants(
    config: Config = None,
    user: Annotated[str | None, typer.Option(help="The database user; without it, that of database_url.")] = None,
    tables_by_admin: Annotated[
        bool, typer.Option("--tables-by-admin", help="The gateway may not make its own tables; an administrator does.")
    ] = False,
) -> None:
    """Print the SQL that gives the gateway's database user exactly what it needs; `check` verifies it.

    It follows the settings: with write = false it may only read, with write = true only write what devices can change.
    """
    with faults_told():
        _, settings = _load(config)
        lines = grants_room.statements(settings, user, makes=not tables_by_admin)
    for line in lines or ["This database has no users: nothing to grant."]:
        console.print(escape(line))


def _users_view(mapped: Iterable[admin.MappedUser]) -> View:
    view = View()
    for title in ("login", "FlowFact user", "address Merkmale", "activity Merkmale", *Name):
        view.add_column(str(title), overflow="fold")
    for row in mapped:
        view.add_row(*(escape(cell) for cell in row.cells))
    return view


@users_app.callback()
def users(context: typer.Context, config: Config = None) -> None:
    """Show who is mapped, with which Merkmale and how many records, and a ready section for those who are not."""
    context.obj = config
    if context.invoked_subcommand:
        return
    with faults_told():
        _, settings = _load(config)
        overview = admin.users(Gateway(settings))
    console.print(_users_view(overview.mapped))
    for fault in overview.faults:
        errors.print(escape(masked(f"fault: {fault}")), style="red")
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


Since = Annotated[
    str | None, typer.Option(help="Only from this day or moment on, office time: 2026-11-24 or 2026-11-24T08:00.")
]


@app.command()
def history(
    user: Annotated[str | None, typer.Option(help="Only what this login did.")] = None,
    record: Annotated[str | None, typer.Option(help="Only this record, by its DSN.")] = None,
    since: Since = None,
    bodies: Annotated[bool, typer.Option(help="Show refused and deleted texts too.")] = False,
    config: Config = None,
) -> None:
    """Show what devices changed in FlowFact, and what was refused, newest first."""
    with faults_told():
        gateway = _gateway(config)
        with gateway.session() as session:
            found = undo_room.entries(session, login=user, record=record, since=_moment(gateway, since))
    for entry in found:
        console.print(escape(reports.entry_line(entry, gateway.settings.zone)))
        for line in reports.entry_details(entry, bodies=bodies):
            console.print(escape(f"      {line}"))
    if not found:
        console.print("Nothing.")


@app.command()
def undo(
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
    with faults_told():
        gateway = _gateway(config)
        outcomes = admin.undo(gateway, entries or [], user, _moment(gateway, since), dry_run=dry_run)
    for outcome in outcomes:
        console.print(escape(reports.entry_line(outcome.entry, gateway.settings.zone)))
        for text in outcome.done:
            console.print(escape(f"      {'would be' if dry_run else 'done'}: {text}"))
        for text in outcome.kept:
            console.print(escape(f"      not: {text}"))
    if not outcomes:
        errors.print("There is no such entry.")
        raise typer.Exit(1)


@app.command()
def status(config: Config = None) -> None:
    """Show each collection and device, safety stops, what is not shown fully, what only devices have, refusals."""
    with faults_told(), _gateway(config).session() as session:
        found = status_room.status(session)
        told = _devices(session)
    for one in found:
        console.print(escape(f"{one.login}/{one.name}: {one.items} items, {one.changes} changes so far"))
        if one.stop:
            console.print(escape(f"  STOPPED {one.stop}. To let it go: radicale-flowfact confirm {one.login}"))
        for item in one.faulty:
            console.print(escape(f"  shown in a minimal form: {item.record} {item.fault}"))
        for item in one.device_only:
            console.print(escape(f"  only on the devices ({item.device_only}): {item.href}"))
    if not found:
        console.print("No device has asked yet.")
    for line in told:
        console.print(escape(line))


def _devices(session: Session) -> list[str]:
    """Return the lines of ``status`` about devices, refused writes and what is kept of former logins."""
    zone, days = session.settings.zone, session.settings.status.warn_days
    lines = [line for device in device_status.device_status(session) for line in reports.device_lines(device, zone)]
    lines = ["", "Last syncs:", *lines] if lines else []
    if lines and (silent := device_status.without_device(session)):
        lines.append(f"No device yet: {', '.join(silent)}")
    if refused := [reports.refusal_line(one, days, zone) for one in device_status.refusals(session)]:
        lines += ["", "Refused writes (radicale-flowfact history --user <login>):", *refused]
    if former := device_status.not_mapped(session):
        lines += ["", f"Kept, but not mapped (radicale-flowfact erase <login>): {', '.join(former)}"]
    return lines


@app.command()
def verify(config: Config = None) -> None:
    """Check the gateway's tables, also against FlowFact; changes nothing. Exit status 1 with every fault named."""
    with faults_told():
        report = verify_room.verify(_gateway(config))
    for note in report.notes:
        console.print(escape(f"note: {note}"))
    for breach in report.breaches:
        detail = f" ({breach.detail})" if breach.detail else ""
        errors.print(escape(f"fault: {breach.where}: {breach.what}{detail}"), style="red")
        errors.print(escape(f"       next: {breach.step}"))
    if report.breaches:
        errors.print(f"{len(report.breaches)} faults.")
        raise typer.Exit(1)
    console.print(f"No faults in {report.collections} collections with {report.items} items.")


@app.command()
def confirm(
    login: Annotated[str, typer.Argument(help="Whose devices may lose what the safety stop holds back.")],
    config: Config = None,
) -> None:
    """Release the safety stop of a login: what vanished from his scope goes from his devices too."""
    with faults_told(), _gateway(config).administer() as session:
        released = status_room.confirm(session, login)
    if not released:
        errors.print(escape(f"Nothing is stopped for {login}."))
        raise typer.Exit(1)
    console.print(escape(f"Released: {', '.join(released)}. The devices hear of it at their next sync."))


@app.command()
def why(
    login: Annotated[str, typer.Argument(help="The DAV login.")],
    record: Annotated[str, typer.Argument(help="A DSN from FlowFact, or a UID from the device.")],
    config: Config = None,
) -> None:
    """Say why a record is on somebody's phone, or not, condition by condition."""
    with faults_told():
        for line in why_room.why(_gateway(config), login, record):
            console.print(escape(line))


@app.command()
def erase(
    login: Annotated[str, typer.Argument(help="The DAV login, or a former one as status names it.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also while the login is mapped.")] = False,
    config: Config = None,
) -> None:
    """Remove all that the gateway keeps of a login: what only his devices had, versions, devices, history.

    Nothing in FlowFact changes. It cannot be taken back.
    """
    with faults_told():
        configuration, settings = _load(config)
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
    if configuration.get("auth", "type") == "htpasswd" and passwords.has_login(file, login):
        console.print(escape(f"His password still stands in {file}: take the line out. The server's logs are yours."))


def _erased(gateway: Gateway, login: str, *, dry_run: bool) -> dict[str, int]:
    with gateway.administer() as session:
        savepoint = session.connection.begin_nested()
        found = erase_room.erase(session, login)
        if dry_run:
            savepoint.rollback()
    return found


def _gateway(config: Path | None) -> Gateway:
    return Gateway(_load(config)[1])


def _moment(gateway: Gateway, text: str | None) -> datetime | None:
    """Return a moment that the admin typed in office time, as UTC without zone."""
    if text is None:
        return None
    try:
        local = datetime.fromisoformat(text).replace(tzinfo=gateway.settings.zone)
    except ValueError as error:
        raise SettingsError(f"--since {text!r} is no date; write it as 2026-11-24 or 2026-11-24T08:00") from error
    return local.astimezone(UTC).replace(tzinfo=None)


def _ask_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise ValueError("the two entries differ")
    return first
