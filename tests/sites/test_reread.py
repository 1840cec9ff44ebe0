"""A change of FlowFact's schema while the gateway runs is noticed, and from then on the new columns count."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import text

from radicale_flowfact.crm.site import real
from radicale_flowfact.crm.tables import Tables
from radicale_flowfact.database.keys import SiteKey
from tests import payloads
from tests.sites.serving import Places
from tests.sites.ten import CASES, REFERENCE, TIMES


def test_a_column_that_became_shorter_is_read_anew(tmp_path: Path, worker_id: str) -> None:
    places = Places(tmp_path, worker_id)
    made = places.make(REFERENCE)
    with places.serving(made) as server:
        assert not server.gateway.reread_schema()
        made.run(f'ALTER TABLE {made.place("AD")} DROP COLUMN "PLZ"')
        made.run(f'ALTER TABLE {made.place("AD")} ADD COLUMN "PLZ" VARCHAR(4)')
        assert server.gateway.reread_schema()
        assert not server.gateway.reread_schema()
        card = payloads.vcard("long", "ADR;TYPE=WORK:;;Weg 1;Köln;;50667;", name="Neu;Eva;;;")
        assert server.device("anna").put("addresses/long.vcf", card, new=True).status == 201
        assert next(row["PLZ"] for row in made.rows("AD") if row["NAME"] == "Neu") == "5066"
        assert ";50667;" in server.device("anna").get("addresses/long.vcf").text


def test_a_site_of_other_types_is_not_read_again_and_again(tmp_path: Path, worker_id: str) -> None:
    places = Places(tmp_path, worker_id)
    with places.serving(places.make(TIMES)) as server:
        assert not server.gateway.reread_schema()


@pytest.mark.skipif(not os.environ.get("FLOWFACT_TEST_URL", "").startswith("postgresql"), reason="it needs users")
def test_a_table_that_may_not_be_read_is_read_as_soon_as_it_may(tmp_path: Path, worker_id: str) -> None:
    made = Places(tmp_path, worker_id).make(CASES)
    site, role = real.Site(made.names, {}, "Europe/Berlin"), f"reader_{made.schema}"
    with made.engine.connect() as connection, connection.begin() as transaction:
        connection.execute(text(f'CREATE ROLE "{role}"'))
        connection.execute(text(f'GRANT USAGE ON SCHEMA "{made.schema}" TO "{role}"'))
        connection.execute(text(f'GRANT SELECT ON ALL TABLES IN SCHEMA "{made.schema}" TO "{role}"'))
        for table in ("AD", "DELLOG"):
            connection.execute(text(f'REVOKE ALL ON {made.place(table)} FROM "{role}"'))
        connection.execute(text(f'SET LOCAL ROLE "{role}"'))
        assert not _is_cased(site.read(connection))
        connection.execute(text("RESET ROLE"))
        connection.execute(text(f'GRANT SELECT ON {made.place("AD")} TO "{role}"'))
        connection.execute(text(f'SET LOCAL ROLE "{role}"'))
        changed = site.changed(connection)
        assert changed is not None
        assert _is_cased(changed)
        assert site.changed(connection) is None  # of the table that is never read no grant is needed
        transaction.rollback()


def _is_cased(tables: Tables) -> bool:
    kind = tables.address.c.DSN.type
    return isinstance(kind, SiteKey) and kind.cased
