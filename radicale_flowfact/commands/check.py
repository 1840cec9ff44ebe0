"""The command ``check``: whatever can be wrong, before a phone finds it."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from radicale.config import Configuration
from rich.markup import escape
from sqlalchemy.exc import DBAPIError

from radicale_flowfact.commands import check_report
from radicale_flowfact.commands.shared import Config, console, errors, load, reported_faults
from radicale_flowfact.commands.users import users_view
from radicale_flowfact.crm.names import NameMapError
from radicale_flowfact.database import faults
from radicale_flowfact.database.engines import DatabaseError
from radicale_flowfact.dav.admin.check import Report, check
from radicale_flowfact.dav.admin.checking.findings import Group
from radicale_flowfact.language.texts import _
from radicale_flowfact.server.checking.door import check_server
from radicale_flowfact.server.configuration import find_configuration
from radicale_flowfact.settings import Settings, SettingsError


def run_check(
    config: Config = None,
    write_map: Annotated[
        bool, typer.Option("--write-map", help="Also print a [names] section drafted from the real schema.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for a program that watches.")] = False,
) -> None:
    """Say what was found: database, names, values, users and their records, logins, web, writing, own tables, grants.

    Changes nothing in FlowFact. Exit status 1 with every fault named, each with the line to write or the next step;
    notes alone are no fault.
    """
    if as_json:
        raise typer.Exit(_print_json(config, draft=write_map))
    with reported_faults():
        configuration, settings = load(config)
        report = whole_report(config, configuration, settings, draft=write_map)
    _print(report)
    if report.faults:
        raise typer.Exit(1)


def whole_report(config: Config, configuration: Configuration, settings: Settings, *, draft: bool) -> Report:
    """Return what is found in database and configuration; a database that cannot be used hides nothing else."""
    try:
        report = check(settings, draft=draft)
    except NameMapError as error:
        report = Report()
        for fault in str(error).split("; [names] "):
            report.fault(Group.NAMES, fault if fault.startswith("[names]") else f"[names] {fault}")
    except DatabaseError as error:
        report = Report()
        report.fault(Group.DATABASE, str(error))
    except DBAPIError as error:
        report = Report()
        step = "database_url in flowfact.toml; that the server runs; the user's grants: radicale-flowfact grants"
        report.fault(Group.DATABASE, f"The database refused: {faults.told(error)}", step)
    check_server(find_configuration(config), configuration, settings, report)
    return report


def _print_json(config: Config, *, draft: bool) -> int:
    """Print the report as JSON; return the exit status."""
    try:
        configuration, settings = load(config)
        report, error = whole_report(config, configuration, settings, draft=draft), ""
    except SettingsError as fault:
        report, error = Report(), str(fault)
    # Not through the console: it would break lines.
    typer.echo(json.dumps(check_report.as_json(report, error), ensure_ascii=False, indent=2))
    return 1 if error or report.faults else 0


def _print(report: Report) -> None:
    """Print one screen: faults, then notes, then what is there."""
    for line in check_report.problem_lines(report, faults=True):
        errors.print(escape(line), style="red")
    for line in check_report.problem_lines(report, faults=False):
        console.print(escape(line))
    console.print()
    for line in check_report.fact_lines(report):
        console.print(escape(line))
    if report.users:
        console.print(users_view(report.users))
    for line in check_report.count_lines(report):
        console.print(escape(line))
    if report.draft:
        console.print("\n" + _("Drafted by likeness. Look at each line before you copy it into flowfact.toml:") + "\n")
        console.print(escape("\n".join(report.draft)))
    (errors if report.faults else console).print(check_report.summary(report))
