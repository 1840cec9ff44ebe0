"""A configuration in a folder, and what ``check`` says of its logins and web."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from radicale_flowfact.dav.admin.checking.findings import Finding, Report
from radicale_flowfact.server.checking.door import check_server
from radicale_flowfact.server.configuration import load_configuration
from radicale_flowfact.settings import Settings

SETTINGS = Settings(database_url="sqlite://", users={"anna": {"flowfact": "anna"}})  # type: ignore[dict-item] # parsed


@dataclass
class Configured:
    """A folder with ``radicale.ini``. ``auth``, ``server``: lines of these sections; ``users``: the password file."""

    folder: Path
    auth: list[str] = field(default_factory=lambda: ["type = htpasswd", "htpasswd_encryption = plain"])
    server: list[str] = field(default_factory=list)
    users: str | None = "anna:pw\n"

    def report(self, settings: Settings = SETTINGS) -> Report:
        """Return what is said."""
        passwords = self.folder / "users"
        passwords.unlink(missing_ok=True)
        if self.users is not None:
            passwords.write_text(self.users, encoding="utf-8")
            passwords.chmod(0o640)
        return self.report_as_it_is(settings)

    def report_as_it_is(self, settings: Settings = SETTINGS) -> Report:
        """Return what is said, with the password file that is there."""
        file, report = self.folder / "radicale.ini", Report()
        storage = "[storage]\ntype = radicale_flowfact.storage\nflowfact_config = flowfact.toml\n"
        auth = "\n".join(["[auth]", *self.auth, "htpasswd_filename = users", ""])
        file.write_text("\n".join(["[server]", *self.server, "", auth, storage]), encoding="utf-8")
        check_server(file, load_configuration(file), settings, report)
        return report


def only(report: Report, words: str, *, fault: bool) -> Finding:
    """Return the one finding with these words; it must be a fault or a note, and have a next step."""
    found = [finding for finding in report.findings if words in finding.text]
    assert len(found) == 1, report.findings
    assert found[0].is_fault is fault
    assert found[0].step
    return found[0]
