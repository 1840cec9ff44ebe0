"""``users rename`` and ``erase`` while devices of that login write: nothing is lost, nothing is left of the name."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from radicale_flowfact.dav.admin.erase import erase
from radicale_flowfact.dav.admin.rename import rename
from radicale_flowfact.dav.store import tables
from radicale_flowfact.dav.store.session import Session
from tests import payloads
from tests.conftest import Agency, Server
from tests.dav.admin.test_erase import rows
from tests.device import Answer

_WITH_LOGIN = (tables.collection, tables.device, tables.history, tables.familiar)


def kept_of(server: Server, login: str) -> dict[str, int]:
    """Return how many rows name a login, once all that waits is written."""
    server.gateway.flush()
    found = {}
    with server.gateway.session() as session:
        for table in _WITH_LOGIN:
            count = select(func.count()).select_from(table).where(table.c.login == login)
            found[table.name] = session.connection.scalar(count) or 0
    return {name: count for name, count in found.items() if count}


def meanwhile(server: Server, act: Callable[[Session], object], send: Callable[[], Answer]) -> Answer:
    """Let an admin act, and a device send before that is committed."""
    answers: list[Answer] = []
    with server.gateway.administer() as session:
        act(session)
        sending = threading.Thread(target=lambda: answers.append(send()))
        sending.start()
        sending.join(1)  # it has the time to write; it waits instead
        assert not answers
    sending.join()
    return answers[0]


def restarted_as(server: Server, login: str) -> Server:
    """Restart the gateway with the settings that name Anna's login so."""
    server.stop()
    server.logins, server.settings = ("ben", login), ""
    toml = server._toml().replace(f'flowfact = "{login}"', 'flowfact = "anna"')
    server._toml = lambda: toml  # type: ignore[method-assign]
    return server.start()


@pytest.fixture
def used(agency: Agency, server: Server) -> Server:
    """Give a server of which Anna's device knows two contacts, one that it made itself."""
    agency.office.address([agency.own], NAME="Alt")
    device = server.start().device()
    assert device.put("addresses/c.vcf", payloads.vcard("c", "X-OWN:1"), new=True).status == 201
    device.all("addresses")
    server.gateway.flush()
    return server


def names(agency: Agency) -> list[str]:
    """Return the names that FlowFact has."""
    return sorted(str(row["NAME"]) for row in agency.office.rows(agency.office.tables.address))


def test_a_put_that_comes_while_its_login_is_renamed_waits_and_is_sent_again(agency: Agency, used: Server) -> None:
    device = used.device()
    text, etag = device.get("addresses/c.vcf").text, device.get("addresses/c.vcf").etag
    used.gateway.flush()
    changed = text.replace("Meier", "Huber")
    answer = meanwhile(
        used,
        lambda session: rename(session, "anna", "anna2"),
        lambda: device.put("addresses/c.vcf", changed, etag),
    )
    assert (answer.status, "is called 'anna2' now" in answer.text) == (503, True)
    assert device.put("addresses/n.vcf", payloads.vcard("n"), new=True).status == 503
    assert device.propfind("tasks/", "<getetag/>", depth=1).status == 503
    assert names(agency) == ["Alt", "Meier"]
    assert kept_of(used, "anna") == {}
    renamed = restarted_as(used, "anna2").device("anna2")
    assert renamed.put("addresses/c.vcf", changed, etag).status == 204
    assert names(agency) == ["Alt", "Huber"]
    assert "X-OWN:1" in renamed.get("addresses/c.vcf").text


def test_what_a_device_has_is_written_under_the_new_name(agency: Agency, used: Server) -> None:
    """It is written a second later, when the login may have been renamed or erased."""
    used.device(agent="Another/1").all("addresses")
    with used.gateway.administer() as session:
        rename(session, "anna", "anna2")
    assert kept_of(used, "anna") == {}
    with used.gateway.session() as session:
        of_login = select(tables.device.c.identity).where(tables.device.c.login == "anna2")
        assert "Another" in session.connection.scalars(of_login).all()


def test_a_renamed_login_may_get_its_name_back_and_another_user_may_have_it(agency: Agency, used: Server) -> None:
    with used.gateway.administer() as session:
        rename(session, "anna", "anna2")
        rename(session, "anna2", "anna")
    assert len(used.device().all("addresses")) == 2
    with used.gateway.administer() as session:
        rename(session, "anna", "ben2")
    used.settings = '[users.ben2]\nflowfact = "anna"\n'
    used.stop()
    used.start()
    assert used.device().propfind("addresses/", "<getetag/>", depth=1).status == 207


@pytest.mark.parametrize("way", ["renamed", "erased"])
def test_many_puts_at_once_with_the_admin(agency: Agency, used: Server, way: str) -> None:
    """Each PUT that was answered 201 is in FlowFact, once; one that was not is not."""

    def make(number: int) -> int:
        device = used.device(agent=f"Phone{number % 3}/1")
        text = payloads.vcard(f"u{number}", name=f"N{number};;;;")
        return device.put(f"addresses/{number}.vcf", text, new=True).status

    def administer(_: int) -> None:
        time.sleep(0.2)
        with used.gateway.administer() as session:
            (erase(session, "anna") if way == "erased" else rename(session, "anna", "anna2"))

    with ThreadPoolExecutor(5) as pool:
        acting = pool.submit(administer, 0)
        statuses = list(pool.map(make, range(16)))
        acting.result()
    require_made(agency, statuses, {201} if way == "erased" else {201, 503})
    if way == "renamed":
        assert kept_of(used, "anna") == {}
    used.gateway.flush()
    used.verify()


def require_made(agency: Agency, statuses: Iterable[int], allowed: set[int]) -> None:
    """Check the answers, and that FlowFact has just what was answered with 201."""
    found = dict(enumerate(statuses))
    assert set(found.values()) <= allowed
    made = [f"N{number}" for number, status in found.items() if status == 201]
    assert names(agency) == sorted(["Alt", "Meier", *made])


def test_a_put_that_comes_while_its_login_is_erased_starts_anew(agency: Agency, used: Server) -> None:
    device = used.device()
    before = rows(used)
    assert before["dav_collection"] >= 1
    answer = meanwhile(
        used,
        lambda session: erase(session, "anna"),
        lambda: device.put("addresses/n.vcf", payloads.vcard("n", name="Neu;;;;"), new=True),
    )
    assert answer.status == 201
    assert names(agency) == ["Alt", "Meier", "Neu"]
    assert len(device.all("addresses")) == 3
    used.gateway.flush()
    used.verify()


def test_what_an_erased_login_has_is_not_written_later(agency: Agency, used: Server) -> None:
    """What its devices fetched just before waits to be written for a second."""
    used.device(agent="Another/1").all("addresses")
    used.device(agent="Another/1").sync("addresses")
    etag = used.device(agent="Third/1").get("addresses/c.vcf").etag
    changed = payloads.vcard("c", "X-OWN:2")
    assert used.device(agent="Fourth/1").put("addresses/c.vcf", changed, etag).status == 204
    with used.gateway.administer() as session:
        erase(session, "anna")
    assert kept_of(used, "anna") == {}
    assert not any(rows(used).values())
