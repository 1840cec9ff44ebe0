"""A change of FlowFact's schema while the gateway runs is noticed, and from then on the new columns count."""

from __future__ import annotations

from pathlib import Path

from tests import payloads
from tests.sites.serving import Places
from tests.sites.ten import REFERENCE, TIMES


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
