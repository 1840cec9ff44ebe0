"""The migrations as SQL Server gets them: read as T-SQL, keys of a size that fits, defaults dropped by their names."""

from __future__ import annotations

import io
import re

import sqlalchemy as sa
import sqlglot
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlglot import exp

from radicale_flowfact.dav.store import schema, tables

_MOST_BYTES, _MOST_CLUSTERED_BYTES = 1700, 900


def written(*, down: bool = False) -> list[str]:
    """Return the batches that bring the gateway's tables to the newest version, or back to none."""
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    config.attributes.update(schema="dav")
    script = ScriptDirectory.from_config(config)
    out = io.StringIO()
    with EnvironmentContext(config, script, as_sql=True, starting_rev="head" if down else None) as environment:
        environment.configure(
            dialect_name="mssql",
            output_buffer=out,
            dialect_opts={"deprecate_large_types": True},  # as for each server since 2012
            fn=lambda revision, _: (
                script._downgrade_revs("base", "head") if down else script._upgrade_revs("head", revision)
            ),
        )
        environment.run_migrations()
    return [batch.strip() for batch in re.split(r"^GO$", out.getvalue(), flags=re.MULTILINE) if batch.strip()]


def read(batches: list[str]) -> list[exp.Expr]:
    """Read T-SQL; sqlglot raises for anything else, and takes what it does not know for a Command."""
    statements = [one for batch in batches for one in sqlglot.parse(batch, dialect="tsql") if one is not None]
    assert not [one.sql("tsql") for one in statements if isinstance(one, exp.Command)]
    return statements


def test_the_migrations_are_t_sql() -> None:
    batches = written()
    made = {one.find(exp.Table).name for one in read(batches) if isinstance(one, exp.Create)}  # type: ignore[union-attr]
    assert {"dav_collection", "dav_journal", "dav_item", "dav_version", "dav_device", "dav_history"} <= made
    assert "DATETIMEOFFSET" not in "".join(batches)
    assert "NTEXT" not in "".join(batches).upper()


def test_a_collection_is_found_by_its_clustered_key() -> None:
    """Else the rows lie by their ids, and a look-up by login may pass a row that somebody's write has locked."""
    made = [batch for batch in written() if "dav_collection" in batch and "CONSTRAINT" in batch][-2:]
    assert re.search(r"PRIMARY KEY NONCLUSTERED \(id\)", made[0])
    assert re.search(r"UNIQUE CLUSTERED \(login, name\)", made[1])


def test_every_key_has_a_size_that_fits() -> None:
    for table in tables.metadata.tables.values():
        unique = [constraint for constraint in table.constraints if isinstance(constraint, sa.UniqueConstraint)]
        is_clustered = {key.name: bool(key.dialect_options["mssql"]["clustered"]) for key in unique}
        keys: list[sa.Index | sa.UniqueConstraint | sa.PrimaryKeyConstraint] = [*table.indexes, *unique]
        for key in (*keys, table.primary_key):
            size = sum(2 * (getattr(column.type, "length", 0) or 4) for column in key.columns)
            clustered = is_clustered.get(key.name, key is table.primary_key)
            assert size <= (_MOST_CLUSTERED_BYTES if clustered else _MOST_BYTES), key.name


def test_a_column_with_a_default_is_dropped_with_it() -> None:
    """SQL Server refuses to drop a column on which a constraint depends, and it gives a default's a name of its own."""
    batches = written(down=True)
    dropped = [index for index, batch in enumerate(batches) if re.search(r"DROP COLUMN", batch, re.IGNORECASE)]
    assert len(dropped) >= 3
    for index in dropped:
        column = re.search(r"DROP COLUMN \[?(\w+)", batches[index], re.IGNORECASE)
        assert column
        before = batches[index - 1] if "default_constraints" not in batches[index] else batches[index]
        assert "sys.default_constraints" in before, batches[index]
        assert f"'{column[1]}'" in before
