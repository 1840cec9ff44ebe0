"""Rule 43: what a device saw last, where one program may be on two devices and sends no If-Match."""

from __future__ import annotations

import pytest

from radicale_flowfact.dav.store import tables
from tests.conftest import Agency, Server
from tests.device import Device
from tests.rules.test_safety import LATER


def street(agency: Agency) -> str:
    """Return the only street that FlowFact has."""
    (found,) = {row["STRASSE"] for row in agency.office.rows(agency.office.tables.address)} - {None, ""}
    return str(found)


def number(agency: Agency) -> str:
    """Return the only phone number that FlowFact has."""
    return str(agency.office.row(agency.office.tables.phone)["NUMMER"])


class Client:
    """One PC with a program that syncs by tokens, or looks at every item, and sends no If-Match."""

    def __init__(self, device: Device, *, by_tokens: bool) -> None:
        self.device, self._by_tokens, self._token = device, by_tokens, ""
        self.path, self.text, self._etag = "", "", ""
        self.sync()

    def sync(self) -> None:
        """Fetch the item if its ETag is new."""
        found = self.device.sync("addresses", self._token) if self._by_tokens else None
        if found is not None:
            self._token, tags = found.token, found.changed
        else:
            listed = self.device.propfind("addresses/", "<getetag/>", depth=1)
            tags = {href: etag for href, (etag, _) in self.device.items_in(listed, "addresses").items() if href}
            tags.pop("addresses", None)
        for href, etag in tags.items():
            if etag != self._etag:
                self.path = f"addresses/{href}"
                answer = self.device.get(self.path)
                self.text, self._etag = answer.text, answer.etag

    def put(self, before: str, after: str, **headers: str) -> None:
        """Change the item, without If-Match."""
        assert before in self.text
        self.text = self.text.replace(before, after)
        put = self.device.request("PUT", self.path, self.text, {"Content-Type": "text/vcard", **headers})
        assert put.status == 204


@pytest.fixture(params=[True, False], ids=["tokens", "listings"])
def by_tokens(request: pytest.FixtureRequest) -> bool:
    """Whether the program syncs by tokens."""
    return bool(request.param)


@pytest.mark.parametrize("condition", ["", "*"])
def test_rule_43_one_of_two_alike_devices_does_not_undo_what_only_the_other_heard(
    agency: Agency, server: Server, *, by_tokens: bool, condition: str
) -> None:
    """One PC fetched the office's new street; the other, which did not, changes the number: the street stays."""
    agency.office.address([agency.own], ["0221 1"], STRASSE="Weg 1")
    server.start()
    old, new = (Client(server.device(), by_tokens=by_tokens) for _ in range(2))
    server.gateway.flush()
    agency.office.change(agency.office.tables.address, {}, STRASSE="Weg 9", TOUCH=LATER)
    new.sync()
    server.gateway.flush()
    old.put("0221 1", "0221 2", **({"If-Match": condition} if condition else {}))
    assert (street(agency), number(agency)) == ("Weg 9", "0221 2")
    new.sync()
    assert "Weg 9" in new.text
    assert "0221 2" in new.text
    server.verify()


def test_rule_43_what_differs_from_every_version_is_changed(agency: Agency, server: Server, *, by_tokens: bool) -> None:
    """A street that neither of two alike devices can have seen is written, whichever of them sends it."""
    agency.office.address([agency.own], ["0221 1"], STRASSE="Weg 1")
    server.start()
    old, new = (Client(server.device(), by_tokens=by_tokens) for _ in range(2))
    agency.office.change(agency.office.tables.address, {}, STRASSE="Weg 9", TOUCH=LATER)
    new.sync()
    old.put("Weg 1", "Weg 5")
    assert street(agency) == "Weg 5"
    new.sync()
    new.put("Weg 5", "Weg 6")
    assert street(agency) == "Weg 6"


def test_rule_43_what_one_of_two_alike_devices_heard_for_sure_the_other_may_not_have(
    agency: Agency, server: Server
) -> None:
    """One presented a token from after the office's change, the other did not: the old street may be its last one."""
    agency.office.address([agency.own], ["0221 1"], STRASSE="Weg 1")
    server.start()
    old, new = (Client(server.device(), by_tokens=True) for _ in range(2))
    server.gateway.flush()
    agency.office.change(agency.office.tables.address, {}, STRASSE="Weg 9", TOUCH=LATER)
    new.sync()
    agency.office.address([agency.own], NAME="Other")  # so that there is a newer token to present its own for
    new.device.sync("addresses", new._token)
    server.gateway.flush()
    old.put("0221 1", "0221 2")
    assert (street(agency), number(agency)) == ("Weg 9", "0221 2")


def test_rule_43_a_new_version_of_a_program_has_what_the_last_one_fetched(agency: Agency, server: Server) -> None:
    """The office changed the street of late, and the program fetched that before its update: it can change it on."""
    agency.office.address([agency.own], STRASSE="Weg 1")
    server.start()
    client = Client(server.device(agent="Thunderbird/128.3.0"), by_tokens=True)
    agency.office.change(agency.office.tables.address, {}, STRASSE="Weg 9", TOUCH=LATER)
    client.sync()
    client.device = server.device(agent="Thunderbird/128.4.0")
    client.put("Weg 9", "Weg 5")
    assert street(agency) == "Weg 5"


@pytest.mark.parametrize("flushed", [True, False])
def test_rule_43_a_lone_device_changes_a_value_back(
    agency: Agency, server: Server, *, by_tokens: bool, flushed: bool
) -> None:
    """Where one device alone is known, what it sent replaced what it had: the value from before is a change again."""
    agency.office.address([agency.own], ["0221 1"], STRASSE="Weg 1")
    alone = Client(server.start().device(), by_tokens=by_tokens)
    for before, after in (("Weg 1", "Weg 2"), ("Weg 2", "Weg 1"), ("Weg 1", "Weg 2")):
        if flushed:
            server.gateway.flush()
        alone.put(before, after)
        assert street(agency) == after
        if flushed:
            alone.sync()


def test_rule_43_two_alike_devices_change_a_value_back_once_both_heard(agency: Agency, server: Server) -> None:
    """Both presented a sync token from after the change, so neither has the version from before."""
    agency.office.address([agency.own], ["0221 1"], STRASSE="Weg 1")
    server.start()
    one, two = (Client(server.device(), by_tokens=True) for _ in range(2))
    agency.office.change(agency.office.tables.address, {}, STRASSE="Weg 9", TOUCH=LATER)
    for _ in range(2):  # what is handed out is fetched once it is presented
        one.sync()
        two.sync()
        server.gateway.flush()
    agency.office.address([agency.own], NAME="Other")  # so that there is a newer token to present theirs for
    for client in (one, two):
        client.device.sync("addresses", client._token)
    one.put("Weg 9", "Weg 1")
    assert street(agency) == "Weg 1"


def test_rule_43_a_device_of_which_nothing_is_known_leaves_what_the_office_changed(
    agency: Agency, server: Server
) -> None:
    """It sends an old street and a new number: the office changed the street of late, so only the number is written."""
    agency.office.address([agency.own], ["0221 1"], STRASSE="Weg 1", ORT="Köln")
    known = Client(server.start().device(agent="Known/1"), by_tokens=True)
    stranger = Client(server.device(agent="Stranger/1"), by_tokens=True)
    agency.office.change(agency.office.tables.address, {}, STRASSE="Weg 9", TOUCH=LATER)
    known.sync()
    server.gateway.flush()
    with server.gateway.administer() as session:
        session.connection.execute(tables.fetched.delete())
    stranger.text = stranger.text.replace("Köln", "Bonn")
    stranger.put("0221 1", "0221 2")
    row = agency.office.row(agency.office.tables.address)
    assert (row["STRASSE"], row["ORT"], number(agency)) == ("Weg 9", "Bonn", "0221 2")


@pytest.mark.parametrize("place", [1, 2])
@pytest.mark.parametrize("becomes", [None, "", "0171 9"], ids=["row deleted", "emptied", "changed"])
def test_rule_43_a_number_that_the_office_took_off_does_not_come_back(
    agency: Agency, server: Server, by_tokens: bool, place: int, becomes: str | None
) -> None:
    """A device that did not hear of it sends it with another change: neither FlowFact nor the devices get it again."""
    office, phone = agency.office, agency.office.tables.phone
    numbers = ["0221 1111111", "0171 2222222"]
    office.address([agency.own], numbers, NOTIZ="alt")
    pc = Client(server.start().device(agent="Evolution"), by_tokens=by_tokens)
    if becomes is None:
        office.remove(phone, POS=place)
    else:
        office.change(phone, {"POS": place}, NUMMER=becomes)
    server.device(agent="Phone").all("addresses")
    pc.put("NOTE:alt", "NOTE:neu")
    rows = {row["POS"]: row["NUMMER"] for row in office.rows(phone)}
    wanted = {1: numbers[0], 2: numbers[1], place: becomes}
    assert rows == {position: said for position, said in wanted.items() if said is not None}
    assert agency.office.rows(office.tables.address)[0]["NOTIZ"] == "neu"
    (text,) = server.device(agent="Phone").all("addresses").values()
    assert [numbers[place - 1] in text, numbers[2 - place] in text, (becomes or "TEL") in text] == [False, True, True]
    assert text.count("TEL") == (2 if becomes else 1)


def test_rule_25_a_number_that_only_devices_have_stays_when_the_office_takes_off_its_like(
    agency: Agency, server: Server
) -> None:
    """Of one number in two lines the office has the first; the second stays with the user, once."""
    agency.office.address([agency.own], ["0221 1111111"], NOTIZ="alt")
    device = server.start().device(agent="Evolution")
    (href,) = device.all("addresses")
    text = device.get(f"addresses/{href}").text
    twice = text.replace("END:VCARD", "TEL;TYPE=HOME:+49 221 1111111\r\nEND:VCARD")
    assert device.put(f"addresses/{href}", twice).status == 204
    text = device.get(f"addresses/{href}").text
    assert text.count("TEL") == 2
    agency.office.remove(agency.office.tables.phone)
    server.device(agent="Phone").all("addresses")
    assert device.put(f"addresses/{href}", text.replace("NOTE:alt", "NOTE:neu")).status == 204
    (text,) = server.device(agent="Phone").all("addresses").values()
    assert (text.count("TEL"), "NOTE:neu" in text) == (1, True)
    assert agency.office.rows(agency.office.tables.phone) == []
