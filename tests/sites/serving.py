"""Serves a site over HTTP, as the other tests serve the reference schema."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from radicale_flowfact.crm.names import NameMap
from radicale_flowfact.crm.tables import build_tables
from tests.conftest import Database, Server
from tests.sites.making import LOGINS, Made, make, reference_of
from tests.sites.ten import Site


@dataclass
class SiteServer(Server):
    """A gateway that serves a FlowFact with the reference answers."""

    made: Made | None = None

    def _toml(self) -> str:
        assert self.made is not None
        top, _, sections = self.settings.partition("[")
        defaults = {"write": "true", "refresh_seconds": "0"}
        given = "".join(f"{key} = {value}\n" for key, value in defaults.items() if f"{key} =" not in top)
        return self.made.toml(given + top, f"[{sections}" if sections else "")


@dataclass(frozen=True)
class Places:
    """Where a test makes its sites: a folder for files, and the name of its process for schemas."""

    folder: Path
    worker: str

    def make(self, site: Site, *, rows: bool = True) -> Made:
        """Make a site."""
        return make(site, self._url(site.name), f"flowfact_{self.worker}_{site.name}", rows=rows)

    def reference_of(self, site: Site) -> Made:
        """Make the reference schema with what this site has."""
        return reference_of(site, self._url(f"as_{site.name}"), f"flowfact_{self.worker}_as_{site.name}")

    def _url(self, name: str) -> str:
        return os.environ.get("FLOWFACT_TEST_URL", "") or f"sqlite:///{(self.folder / name).as_posix()}.sqlite"

    @contextmanager
    def serving(self, made: Made, settings: str = "") -> Iterator[SiteServer]:
        """Serve a site; in the end all that the gateway keeps must be right."""
        folder = self.folder / f"serving-{made.site.name}"
        folder.mkdir(exist_ok=True)
        server = SiteServer(
            Database(made.url, made.schema, build_tables(NameMap())), folder, settings, LOGINS, made=made
        )
        try:
            yield server.start()  # type: ignore[misc] # itself
            server.verify()
        finally:
            server.stop()
            made.engine.dispose()
