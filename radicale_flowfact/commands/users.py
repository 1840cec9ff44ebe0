"""The commands about logins: who is mapped, who could be, passwords, and the page that a user gets."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from radicale.config import Configuration
from rich.console import RenderableType
from rich.markup import escape

from radicale_flowfact.commands import sheet
from radicale_flowfact.commands.shared import Config, console, errors, gateway_of, load, reported_faults, table
from radicale_flowfact.database.secrets import masked
from radicale_flowfact.dav.admin import candidates, overview, people
from radicale_flowfact.dav.admin.candidates import Candidate
from radicale_flowfact.dav.admin.overview import MappedUser
from radicale_flowfact.dav.admin.rename import rename
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.store.request import RefusedError
from radicale_flowfact.dav.store.session import Name
from radicale_flowfact.language.texts import _, translated
from radicale_flowfact.server import htpasswd, settings_file
from radicale_flowfact.server.configuration import settings_path
from radicale_flowfact.settings import Settings, SettingsError

Login = Annotated[str, typer.Argument(help="The DAV login, as in [users.<login>].")]
Generate = Annotated[bool, typer.Option("--generate", help="Make a random password and print it, once.")]
FromInput = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


def show_users(context: typer.Context, config: Config = None) -> None:
    """Show who is mapped, with which Merkmale and how many records, and a ready section for those who are not."""
    context.obj = config
    if context.invoked_subcommand:
        return
    with reported_faults():
        _configuration, settings = load(config)
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


def add_users(
    context: typer.Context,
    logins: Annotated[list[str] | None, typer.Argument(help="FlowFact's logins (BEN.LOGIN), or users' names.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Every active user who would get in.")] = False,
    generate: Generate = False,
    config: Config = None,
) -> None:
    """Map FlowFact users to logins of their own in flowfact.toml, all at once; --generate gives them passwords too."""
    if everybody == bool(logins):
        errors.print(_("Name logins, or say --all."))
        raise typer.Exit(2)
    with reported_faults():
        configuration, settings = load(config or context.obj)
        passwords = password_file(configuration) if generate else None
        found = candidates.candidates(settings)
        wanted, refused = chosen(found, settings, logins or [], everybody=everybody)
        if wanted:
            map_users(settings_path(configuration), wanted)
        for one in wanted:
            password = ""
            if passwords is not None:
                password = htpasswd.generated()
                _write_password(passwords, one.login, password)
            line = _("{login}: mapped to {name}").format(login=one.login, name=one.name or one.flowfact)
            console.print(escape(f"{line}  {password}".rstrip()))
    for line in refused:
        errors.print(escape(masked(line)), style="red")
    if wanted:
        console.print(_("Restart the gateway, so that it reads flowfact.toml anew."))
    elif not refused:
        console.print(_("Everybody who could be mapped is mapped already."))
    if refused and not everybody:
        raise typer.Exit(1)


def chosen(
    found: list[Candidate], settings: Settings, logins: Iterable[str], *, everybody: bool
) -> tuple[list[Candidate], list[str]]:
    """Return who is to be mapped, and a line for each who cannot be; who is mapped already is in neither list."""
    mapped = {mapping.flowfact.strip().casefold() for mapping in settings.users.values()}
    wanted, refused = [], []
    for login in logins:
        meant = candidates.named(found, login)
        if not meant:
            refused.append(_("{login}: FlowFact has no user of that login or name").format(login=login))
        elif len(meant) > 1:
            several = ", ".join(one.flowfact for one in meant)
            refused.append(_("{login}: several users are meant: {several}").format(login=login, several=several))
        wanted += meant if len(meant) == 1 else []
    wanted = [one for one in found if one.active] if everybody else wanted
    taken = {settings.login_named(one.login) for one in wanted}
    fit: dict[str, Candidate] = {}
    for one in wanted:
        if one.flowfact.casefold() in mapped:
            continue
        fault = one.fault
        if not fault and (one.login in fit or one.login in taken):
            fault = _("another user has the login {login} already; write this section by hand").format(login=one.login)
        if fault:
            refused.append(_("{login}: not mapped: {fault}").format(login=one.flowfact, fault=translated(fault)))
        else:
            fit[one.login] = one
    return list(fit.values()), refused


def map_users(path: Path, wanted: Iterable[Candidate]) -> None:
    """Write a section for each into flowfact.toml. Raises SettingsError."""
    document = settings_file.read(path)
    for one in wanted:
        settings_file.add_user(document, one.login, one.flowfact, [one.merkmal] if one.merkmal else [])
    settings_file.save(path, document)


def set_password(context: typer.Context, login: Login, generate: Generate = False, config: Config = None) -> None:
    """Set a login's password in Radicale's htpasswd file; asks for it, or reads it from standard input.

    It counts from the next request on; the gateway need not be restarted.
    """
    with reported_faults():
        configuration, settings = load(config or context.obj)
        file = password_file(configuration)
        login = _login_meant(settings, login)
        try:
            password = _password(generate=generate)
        except ValueError as error:
            raise SettingsError(f"the password was not set: {error}") from error
        _write_password(file, login, password)
    console.print(escape(_("Password of {login} written to {file}.").format(login=login, file=file)))
    if generate:
        console.print(escape(_("It is: {password}").format(password=password)))


def print_sheet(
    context: typer.Context,
    login: Login,
    address: Annotated[str, typer.Option("--address", help="How phones reach the gateway: https://dav.example.com/")],
    device: Annotated[sheet.Device, typer.Option(help="What he uses.")] = sheet.Device.IPHONE,
    language: Annotated[sheet.Language, typer.Option(help="The language of the page.")] = sheet.Language.GERMAN,
    output: Annotated[
        Path | None, typer.Option(help="The file to write; without it, LOGIN.html in this folder.")
    ] = None,
    generate: Annotated[bool, typer.Option("--generate", help="Set a random password; it stands on the page.")] = False,
    password_stdin: FromInput = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")] = False,
    config: Config = None,
) -> None:
    """Write a page to print for a user: address, login, password, a QR code and the steps on his device.

    The password stands on it only if it is set with this command; else there is a line to write it on.
    """
    if generate and password_stdin:
        errors.print(_("Say --generate or --password-stdin, not both."))
        raise typer.Exit(2)
    with reported_faults():
        configuration, settings = load(config or context.obj)
        login = _login_meant(settings, login)
        target = output or Path(f"{login}.html")
        if target.exists() and not force:
            raise SettingsError(
                _("{file}: there already. Name another with --output, or say --force").format(file=target)
            )
        root = sheet.root_of(address)
        password = ""
        if generate or password_stdin:
            file = password_file(configuration)
            password = htpasswd.generated() if generate else sys.stdin.readline().rstrip("\r\n")
            _write_password(file, login, password)
        settings_file.write(target, sheet.page(root, login, password, device, language))
    console.print(escape(_("File written: {file}").format(file=target)))


def rename_login(
    context: typer.Context,
    old: Annotated[str, typer.Argument(help="The DAV login as it was called.")],
    new: Annotated[str, typer.Argument(help="The name that it has in flowfact.toml now.")],
    config: Config = None,
) -> None:
    """Move what is kept of a login to its new name: collections, devices, history. Refuses if that has data."""
    with reported_faults():
        gateway = gateway_of(config or context.obj)
        mapped = gateway.settings.login_named(new)
        if mapped is None:
            raise SettingsError(f"{new} is not mapped: rename [users.{old}] in flowfact.toml first")
        new = mapped
        try:
            with gateway.administer() as session:
                old = people.login_meant(session, old, former_first=True)
                if old == new:
                    raise SettingsError(f"what is kept of {new} is called so already; nothing is to be moved")
                moved = rename(session, old, new)
        except RefusedError as error:
            raise SettingsError(error.reason) from error
    console.print(escape(f"{new} has what {old} had: {', '.join(f'{count} {what}' for what, count in moved.items())}."))


def password_file(configuration: Configuration) -> Path:
    """Return Radicale's htpasswd file. Raises SettingsError if passwords are kept elsewhere."""
    if configuration.get("auth", "type") != "htpasswd":
        raise SettingsError("[auth] type is not htpasswd; passwords are kept elsewhere")
    return Path(configuration.get("auth", "htpasswd_filename"))


def _login_meant(settings: Settings, written: str) -> str:
    """Return the mapped login; note it if there is none."""
    login = settings.login_named(written)
    if login is None:
        errors.print(escape(f"Note: {written} is not mapped yet; add [users.{written}] to flowfact.toml."))
    return login or written


def _write_password(file: Path, login: str, password: str) -> None:
    try:
        htpasswd.set_password(file, login, password)
    except (OSError, ValueError) as error:
        raise SettingsError(f"the password was not set: {error}") from error


def _password(*, generate: bool) -> str:
    if generate:
        return htpasswd.generated()
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise ValueError("the two entries differ")
    return first
