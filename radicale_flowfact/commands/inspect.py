"""The commands that look and change nothing: grants, status, verify, why."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from radicale_flowfact.commands import reports
from radicale_flowfact.commands.shared import Config, console, errors, gateway_of, load, reported_faults
from radicale_flowfact.dav.admin import devices, grants
from radicale_flowfact.dav.admin.schema_watch import missing_now
from radicale_flowfact.dav.admin.status import status
from radicale_flowfact.dav.admin.verify import verify
from radicale_flowfact.dav.admin.why import why
from radicale_flowfact.dav.reading.whole_texts import CUT
from radicale_flowfact.dav.store.items import MENDED
from radicale_flowfact.dav.store.session import Session
from radicale_flowfact.dav.store.upkeep import clock as upkeep_clock
from radicale_flowfact.language.texts import _, translated


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
        _, settings = load(config)
        lines = grants.statements(settings, user, makes=not tables_by_admin)
    for line in lines or ["This database has no users: nothing to grant."]:
        console.print(escape(line))


def show_status(config: Config = None) -> None:
    """Show each collection and device, safety stops, what is not shown fully, what only devices have, refusals."""
    with reported_faults():
        gateway = gateway_of(config)
        missing = missing_now(gateway)
        with gateway.session() as session:
            found, doubt = status(session), upkeep_clock.doubt(session)
            told = _devices(session)
    for fault in missing:
        line = _("MISSING in FlowFact's database, devices are answered 503: {fault}").format(
            fault=translated(str(fault))
        )
        console.print(escape(line))
    if missing:
        console.print(_("  Nothing is removed from devices meanwhile. Next: radicale-flowfact check"))
    for one in found:
        console.print(escape(f"{one.login}/{one.name}: {one.items} items, {one.changes} changes so far"))
        if one.stop:
            console.print(escape(f"  STOPPED {one.stop}. To let it go: radicale-flowfact confirm {one.login}"))
        if one.has_other_settings:
            console.print(
                "  made with another timezone, subject, location or phone_slots than here: by another gateway,"
            )
            console.print("  or no device asked since they changed here")
        for item in one.faulty:
            is_whole = item.fault.startswith((CUT, MENDED))
            said = item.fault if is_whole else f"shown in a minimal form: {item.fault}"
            console.print(escape(f"  {item.href} ({item.record}) {said}"))
        for item in one.device_only:
            console.print(escape(f"  only on the devices ({item.device_only}): {item.href}"))
    if not found:
        console.print("No device has asked yet.")
    if doubt is not None:
        console.print(
            f"STOPPED since {doubt.since:%Y-%m-%d %H:%M} UTC: the upkeep drops nothing, since it ran last at "
            f"{doubt.ran:%Y-%m-%d %H:%M} UTC. If the clock is right: radicale-flowfact confirm --clock"
        )
    for line in told:
        console.print(escape(line))


def _devices(session: Session) -> list[str]:
    """Return the lines of ``status`` about devices, refused writes and what is kept of former logins."""
    zone, days = session.settings.zone, session.settings.status.warn_days
    lines = [line for device in devices.device_status(session) for line in reports.device_lines(device, zone)]
    lines = ["", "Last syncs:", *lines] if lines else []
    if lines and (silent := devices.without_device(session)):
        lines.append(f"No device yet: {', '.join(silent)}")
    if refused := [reports.refusal_line(one, days, zone) for one in devices.refusals(session)]:
        lines += ["", "Refused writes (radicale-flowfact history --user <login>):", *refused]
    if former := devices.not_mapped(session):
        lines += ["", f"Kept, but not mapped (radicale-flowfact erase <login>): {', '.join(former)}"]
    return lines


def run_verify(config: Config = None) -> None:
    """Check the gateway's tables, also against FlowFact; changes nothing. Exit status 1 with every fault named."""
    with reported_faults():
        report = verify(gateway_of(config))
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


def explain(
    login: Annotated[str, typer.Argument(help="The DAV login.")],
    record: Annotated[str, typer.Argument(help="A DSN from FlowFact, or a UID from the device.")],
    config: Config = None,
) -> None:
    """Say why a record is on somebody's phone, or not, condition by condition."""
    with reported_faults():
        for line in why(gateway_of(config), login, record):
            console.print(escape(line))
