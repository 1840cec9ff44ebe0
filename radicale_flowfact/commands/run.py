"""The commands that serve: the demo and the server, and the one that writes the configuration to begin with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from radicale.config import Configuration

from radicale_flowfact.commands.shared import Config, complain, console, load, reported_faults, require_file, say
from radicale_flowfact.database.engines import dispose_engines
from radicale_flowfact.dav.admin.people import without_access
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.demo import setup
from radicale_flowfact.language.texts import _, ngettext, translated
from radicale_flowfact.server import start
from radicale_flowfact.server.configuration import find_configuration
from radicale_flowfact.server.shipped_files import Service, write_configuration
from radicale_flowfact.settings import Settings, shared_users


def run_demo(
    users: Annotated[int, typer.Option(min=1, max=500, help="How many users.")] = 5,
    addresses: Annotated[int, typer.Option(min=0, help="How many addresses.")] = 2000,
    activities: Annotated[int, typer.Option(min=0, help="How many appointments and tasks.")] = 1500,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to serve on.")] = 5232,
    host: Annotated[str, typer.Option(help="Address to serve on; 0.0.0.0 lets a phone in.")] = "127.0.0.1",
    directory: Annotated[Path, typer.Option(help="Where demo.sqlite and its configuration lie.")] = Path(),
) -> None:
    """Make a demo FlowFact if there is none, serve it, and print what to type into a phone."""
    size = setup.Size(users, addresses, activities)
    with reported_faults():
        made = setup.prepare(directory, size, date.today(), f"{host}:{port}", console)
        _serve(made.config, lambda: setup.announce(made, host, port, console))


def run_server(config: Config = None) -> None:
    """Serve the collections to the devices, until stopped."""
    with reported_faults():
        configuration, settings = load(config)
        require_file(settings)
        _serve(find_configuration(config), lambda: _announce(configuration, settings))


def _serve(file: Path, on_ready: Callable[[], None]) -> None:
    configuration, settings = load(file)
    try:
        start.serve(file, configuration, settings.workers, on_ready)
    except RuntimeError as error:
        complain(_("The server cannot run: {error}.").format(error=translated(str(error))), is_fault=True)
        raise typer.Exit(1) from error


def _announce(configuration: Configuration, settings: Settings) -> None:
    hosts = ", ".join(f"{host}:{port}" for host, port in configuration.get("server", "hosts"))
    mode = _("devices may change FlowFact") if settings.write else _("read-only: write = false")
    refused, count = without_access(Gateway(settings)), len(settings.users)
    dispose_engines()  # the server's processes have connections of their own
    if refused:
        said = _("Serving {served} of {count} logins on {hosts} ({mode}); not:")
    else:
        said = ngettext(
            "Serving {count} login on {hosts} ({mode}).", "Serving {count} logins on {hosts} ({mode}).", count
        )
    say(said.format(served=count - len(refused), count=count, hosts=hosts, mode=mode))
    for login, reason in refused.items():
        say(f"  {login}: {translated(reason)}")
    for user, logins in shared_users(settings).items():
        said = _(
            "Note: the logins {logins} are one FlowFact user, {user}; each keeps for itself what only its devices "
            "have. Take out of flowfact.toml what is not meant."
        )
        say(said.format(logins=", ".join(logins), user=user))


def write_files(
    folder: Annotated[Path, typer.Argument(help="Where to; made if it is not there.")],
    service: Annotated[
        Service | None, typer.Option(help="Also write what runs or publishes the gateway on this system.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
) -> None:
    """Write commented configuration files into a folder, to begin with."""
    with reported_faults():
        written = write_configuration(folder, service, replace=force)
    for file in written:
        say(_("Written: {file}").format(file=file))
    said = _(
        """Next:
  1. Set database_url in {settings}.
  2. radicale-flowfact check --config {radicale}
     names what is called otherwise in your FlowFact.
  3. radicale-flowfact users --config {radicale}
     prints a ready section for each user; copy those you want into flowfact.toml.
  4. radicale-flowfact users password <login> --config {radicale}
  5. radicale-flowfact serve --config {radicale}"""
    )
    say(said.format(settings=folder / "flowfact.toml", radicale=folder / "radicale.ini"))
