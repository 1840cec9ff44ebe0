"""The commands that look and change nothing: grants, status, verify, why."""

from __future__ import annotations

from collections.abc import Set
from typing import Annotated

import typer

from radicale_flowfact.commands import reports
from radicale_flowfact.commands.shared import Config, complain, gateway_of, load, reported_faults, say
from radicale_flowfact.dav.admin import devices, grants, people
from radicale_flowfact.dav.admin.schema_watch import missing_now
from radicale_flowfact.dav.admin.status import status
from radicale_flowfact.dav.admin.verify import verify
from radicale_flowfact.dav.admin.why import why
from radicale_flowfact.dav.store.session import Session
from radicale_flowfact.dav.store.upkeep import clock as upkeep_clock
from radicale_flowfact.language.texts import _, ngettext, translated


def print_grants(
    config: Config = None,
    user: Annotated[str | None, typer.Option(help="The database user; without it, that of database_url.")] = None,
    tables_by_admin: Annotated[
        bool, typer.Option("--tables-by-admin", help="The gateway may not make its own tables; an administrator does.")
    ] = False,
) -> None:
    """Print the SQL that gives the gateway's database user exactly what it needs; `check` verifies it.

    It follows the settings: with write = false it may only read, with write = true only write what devices can change.
    """
    with reported_faults():
        settings = load(config)[1]
        lines = grants.statements(settings, user, makes=not tables_by_admin)
    for line in lines or [_("This database has no users: nothing to grant.")]:
        say(line)


def show_status(
    who: Annotated[str | None, typer.Argument(help="Only this login, or the users with this in their names.")] = None,
    config: Config = None,
) -> None:
    """Show each collection and device, safety stops, what is not shown fully, what only devices have, refusals."""
    with reported_faults():
        gateway = gateway_of(config)
        missing = missing_now(gateway)
        with gateway.session() as session:
            wanted = (
                None if who is None else set(people.logins_named(session, who) or [people.login_meant(session, who)])
            )
            found = [one for one in status(session) if wanted is None or one.login in wanted]
            doubt, zone = upkeep_clock.doubt(session), session.settings.zone
            told = _devices(session, wanted)
            noted = [item for one in found for item in (*one.faulty, *one.device_only)]
            titles = people.titles_of(session, (item.record for item in noted))
            named = people.device_only_titles(session, noted)
    for fault in missing:
        said = _("MISSING in FlowFact's database, devices are answered 503: {fault}")
        say(said.format(fault=translated(str(fault))))
    if missing:
        say(_("  Nothing is removed from devices meanwhile. Next: radicale-flowfact check"))
    for one in found:
        for line in reports.collection_lines(one, titles, named):
            say(line)
    if not found:
        say(_("No device has asked yet."))
    if doubt is not None:
        say(reports.doubt_line(doubt, zone))
    for line in told:
        say(line)
    if found or told:
        say(_("Times are those of {zone}.").format(zone=zone.key))


def _devices(session: Session, wanted: Set[str] | None) -> list[str]:
    """Return the lines of ``status`` about devices, refused writes and what is kept of former logins."""
    zone, days, names = session.settings.zone, session.settings.status.warn_days, people.names_of(session)

    def means(login: str) -> bool:
        return wanted is None or login in wanted

    there = [device for device in devices.device_status(session) if means(device.login)]
    lines = [line for device in there for line in reports.device_lines(device, zone, names)]
    lines = ["", _("Last syncs:"), *lines] if lines else []
    if lines and (silent := [login for login in devices.without_device(session) if means(login)]):
        shown = ", ".join(reports.login_and_name(login, names) for login in silent)
        lines.append(_("No device yet: {logins}").format(logins=shown))
    refusals = [one for one in devices.refusals(session) if means(one.login)]
    if refused := [reports.refusal_line(one, days, zone) for one in refusals]:
        lines += ["", _("Refused writes (radicale-flowfact history --user <login>):"), *refused]
    if former := [login for login in devices.not_mapped(session) if means(login)]:
        said = _("Kept, but not mapped (radicale-flowfact erase <login>): {logins}")
        lines += ["", said.format(logins=", ".join(former))]
    return lines


def run_verify(config: Config = None) -> None:
    """Check the gateway's tables, also against FlowFact; changes nothing. Exit status 1 with every fault named."""
    with reported_faults():
        report = verify(gateway_of(config))
    for note in report.notes:
        say(_("note: {fault}").format(fault=translated(note)))
    for breach in report.breaches:
        detail = f" ({translated(breach.detail)})" if breach.detail else ""
        fault = f"{translated(breach.where)}: {translated(breach.what)}{detail}"
        complain(_("fault: {fault}").format(fault=fault), is_fault=True)
        complain(_("       next: {step}").format(step=translated(breach.step)))
    if report.breaches:
        complain(ngettext("{count} fault.", "{count} faults.", len(report.breaches)).format(count=len(report.breaches)))
        raise typer.Exit(1)
    said = _("No faults in {collections} collections with {items} items.")
    say(said.format(collections=report.collections, items=report.items))


def explain(
    login: Annotated[str, typer.Argument(help="The DAV login, or part of its user's name.")],
    record: Annotated[
        list[str],
        typer.Argument(help="A DSN, a UID or href from the device, or part of a name, firm, number or subject."),
    ],
    config: Config = None,
) -> None:
    """Say why a record is on somebody's phone, or not, condition by condition; also what was refused, and why."""
    with reported_faults():
        gateway, what = gateway_of(config), " ".join(record)
        found = why(gateway, login, what)
    for line in reports.explanation_lines(found, what, gateway.settings.zone):
        say(line)
