"""The command ``setup``: from nothing to a configuration that ``check`` finds good, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from radicale_flowfact.commands import check, users
from radicale_flowfact.commands.setup import database, files, naming
from radicale_flowfact.commands.setup.answers import Answers
from radicale_flowfact.commands.setup.files import Folder
from radicale_flowfact.commands.shared import console, errors, load, reported_faults
from radicale_flowfact.database.secrets import masked
from radicale_flowfact.dav.admin import candidates, grants
from radicale_flowfact.dav.admin.candidates import Candidate
from radicale_flowfact.language.texts import _
from radicale_flowfact.server import htpasswd, settings_file
from radicale_flowfact.settings import Settings


def run_setup(
    folder: Annotated[Path, typer.Argument(help="Where the configuration lies, or is to lie.")] = Path(),
    answers_file: Annotated[
        Path | None, typer.Option("--answers", help="A TOML file with the answers; then nothing is asked.")
    ] = None,
) -> None:
    """Set the gateway up, step by step: database, name map, files, users with passwords, grants, check.

    Asks only what it cannot find out, and changes no file that is there without a yes. It can be run again: what the
    files say is kept. Without a terminal it asks nothing and names each answer that is missing. Exit status 1 if check
    finds a fault or a user could not be mapped.
    """
    place = Folder(folder)
    with reported_faults():
        answers = Answers(answers_file)
        if not answers.can_ask and answers.given("users.map") is None:
            raise answers.missing(["users.map"])
        place.make()
        known = place.known()
        _heading(1, _("The database"))
        found, url = database.choose(answers, known, place.path)
        _heading(2, _("Name map"))
        names = naming.complete(answers, url, found.state_schema, _texts(known.get("names", {})))
        _heading(3, _("Files"))
        files.write(place, answers, found, names, answers.section("values"))
        _heading(4, _("The users"))
        status = 0 if _map_users(place, answers) else 1
        _heading(5, _("Grants"))
        _configuration, settings = load(place.radicale)
        _print_grants(settings)
    _heading(6, _("Check"))
    try:
        check.run_check(config=place.radicale)
    except typer.Exit as end:
        status = max(status, end.exit_code)
    _heading(7, _("What is left to do"))
    for number, line in enumerate(_left(place, settings), 1):
        console.print(escape(f"  {number}. {line}"))
    if status:
        raise typer.Exit(status)


def _heading(number: int, title: str) -> None:
    console.print(escape(f"\n{number}/7 {title}"), style="bold")


def _texts(section: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in section.items()}


def _map_users(place: Folder, answers: Answers) -> bool:
    """Map who is wanted, and give those a password who have none; return whether everybody named could be mapped."""
    configuration, settings = load(place.radicale)
    given = answers.section("users.settings")
    document = settings_file.read(place.flowfact)
    for login, mapping in given.items():
        if login not in settings.users:
            settings_file.section(document, "users")[login] = dict(mapping)
    if set(given) - set(settings.users):
        settings_file.save(place.flowfact, document)
        _configuration, settings = load(place.radicale)
    found = candidates.candidates(settings)
    wanted, refused = _wanted(answers, found, settings)
    if wanted:
        users.map_users(place.flowfact, wanted)
    for line in refused:
        errors.print(escape(masked(line)), style="red")
    _configuration, settings = load(place.radicale)
    console.print(escape(_("Mapped: {logins}").format(logins=", ".join(settings.users) or _("nobody"))))
    is_done = not refused or answers.given("users.map") in (None, "all")
    if configuration.get("auth", "type") != "htpasswd":
        return is_done
    passwords = users.password_file(configuration)
    without = [login for login in settings.users if not htpasswd.has_login(passwords, login)]
    question = _("Make a password for each of: {logins}?").format(logins=", ".join(without))
    if without and _generates(answers, question):
        for login in without:
            password = htpasswd.generated()
            htpasswd.set_password(passwords, login, password)
            console.print(escape(f"  {login}  {password}"))
    return is_done


def _generates(answers: Answers, question: str) -> bool:
    if answers.can_ask:
        return answers.yes("", question, default=True)
    return answers.choice("users.passwords", question, ("generate", "none"), "none") == "generate"


def _wanted(answers: Answers, found: list[Candidate], settings: Settings) -> tuple[list[Candidate], list[str]]:
    """Return who is to be mapped beside those who are, and why others cannot be."""
    given = answers.given("users.map")
    if given is None:
        fit, _refused = users.chosen(found, settings, [], everybody=True)
        if not fit:
            return [], []
        told = ", ".join(f"{one.login} ({one.name})" for one in fit)
        console.print(escape(_("Who could be mapped: {told}").format(told=told)))
        given = answers.text("users.map", _("Whom? Logins with blanks between, all, or none"), "all")
    logins: Sequence[str] = given.split() if isinstance(given, str) else [str(one) for one in given]
    if list(logins) == ["none"]:
        return [], []
    everybody = list(logins) == ["all"]
    return users.chosen(found, settings, [] if everybody else logins, everybody=everybody)


def _print_grants(settings: Settings) -> None:
    lines = grants.statements(settings)
    if not lines:
        console.print(_("This database has no users, so there is nothing to grant."))
        return
    console.print(_("For an administrator of the database; check names what of it is missing:"))
    for line in lines:
        console.print(escape(f"  {line}"))


def _left(place: Folder, settings: Settings) -> list[str]:
    """Return what is left to do, in its order."""
    config = place.radicale
    left = [] if settings.users else [_("Map users: radicale-flowfact users add --all --config {config}")]
    left += [
        _("Let only the service's user read {folder} (on Debian: chown -R to it); its files hold passwords"),
        _("Start it: radicale-flowfact serve --config {config}; as a service: radicale-flowfact init, --service"),
        _("HTTPS with a certificate, by a reverse proxy (init --service caddy or nginx) or [server] ssl"),
        _("Try it from outside: radicale-flowfact try https://dav.example.com/ LOGIN"),
        _("A page for each user: radicale-flowfact users sheet LOGIN --address https://dav.example.com/"),
    ]
    if not settings.write:
        left.append(_("When phones show what they should: write = true in flowfact.toml, grants again, restart"))
    return [line.format(config=config, folder=place.path.resolve()) for line in left]
