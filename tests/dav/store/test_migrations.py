"""The gateway's tables have one line of migrations, each with a number of its own."""

from __future__ import annotations

from alembic.config import Config
from alembic.script import ScriptDirectory

from radicale_flowfact.dav.store.schema import MIGRATIONS, newest


def test_each_migration_follows_the_one_with_the_number_before() -> None:
    """Two of one number, as two changes made side by side bring them, would stop every gateway that starts."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    found = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    files = sorted((file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py")), reverse=True)
    assert found == files
    assert found[0] == newest()
