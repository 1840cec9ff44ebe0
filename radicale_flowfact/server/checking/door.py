"""Checks what Radicale's configuration says of logins and web, and adds that to a report."""

from __future__ import annotations

from pathlib import Path

from radicale.config import Configuration

from radicale_flowfact.dav.admin.checking.findings import Report
from radicale_flowfact.server.checking.logins import check_logins
from radicale_flowfact.server.checking.web import check_web
from radicale_flowfact.settings import Settings


def check_server(file: Path, configuration: Configuration, settings: Settings, report: Report) -> None:
    """Add facts and findings about logins and web. ``file``: Radicale's configuration, whose lines steps name."""
    check_logins(file, configuration, settings, report)
    check_web(configuration, settings, report)
