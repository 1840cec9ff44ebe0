"""Rule 30: the safety stop counts over a day, and lets single cancellations go."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.conftest import Agency, Server
from tests.rules.test_safety import command


def _contacts(agency: Agency, count: int) -> list[str]:
    return [agency.office.address([agency.own], NAME=f"N{number:02}") for number in range(count)]


def _take_off(agency: Agency, dsns: list[str]) -> None:
    for dsn in dsns:
        agency.office.remove(agency.office.tables.address_merkmal, AD_DSN=dsn)


def test_rule_30_a_loss_in_many_looks_stops_like_one_in_one(agency: Agency, server: Server) -> None:
    """62 of 62 contacts deleted in four commits, with a look after each: the second stops it."""
    dsns = _contacts(agency, 62)
    device = server.start().device()
    token = device.sync("addresses").token
    gone = []
    for part in (dsns[:16], dsns[16:32], dsns[32:47], dsns[47:]):
        _take_off(agency, part)
        synced = device.sync("addresses", token)
        token = synced.token
        gone.append(len(synced.gone))
    assert gone == [16, 0, 0, 0]
    assert "46 of 62 items would vanish, beside 16 that did within a day" in command(server, "status")
    assert len(device.sync("addresses").changed) == 46
    server.moment += timedelta(days=3)  # neither a day nor three end it
    assert len(device.sync("addresses").changed) == 46
    command(server, "confirm", "anna")
    assert len(device.sync("addresses", token).gone) == 46
    assert "STOPPED" not in command(server, "status")
    server.verify()


def test_rule_30_what_vanishes_over_many_days_flows(agency: Agency, server: Server) -> None:
    """The same loss, but each part on another day: nothing stops."""
    dsns = _contacts(agency, 62)
    device = server.start().device()
    token = device.sync("addresses").token
    for part in (dsns[:16], dsns[16:32], dsns[32:47], dsns[47:]):
        server.moment += timedelta(hours=25)
        _take_off(agency, part)
        synced = device.sync("addresses", token)
        assert len(synced.gone) == len(part)
        token = synced.token
    server.verify()


def test_rule_30_what_came_meanwhile_hides_no_loss(agency: Agency, server: Server) -> None:
    """Of what the collection held as the day began more than its share vanishes, though much was added since."""
    dsns = _contacts(agency, 40)
    device = server.start().device()
    device.sync("addresses")
    server.moment += timedelta(hours=25)
    _contacts(agency, 60)
    token = device.sync("addresses").token
    _take_off(agency, dsns[:25])
    assert device.sync("addresses", token).gone == []
    assert "25 of 40 items would vanish" in command(server, "status")


def test_rule_30_the_window_of_the_past_counts_for_nothing(agency: Agency, server: Server) -> None:
    """Three weeks of holidays with a full calendar: all of it leaves, and nothing stops."""
    days = [datetime(2026, 6, 1, 10) + timedelta(hours=12 * number) for number in range(42)]
    for begin in days:
        agency.appointment(BEGINN=begin, ENDE=begin + timedelta(hours=1))
    agency.appointment(BEGINN=datetime(2026, 12, 1, 10), ENDE=datetime(2026, 12, 1, 11))
    device = server.start().device()
    token = device.sync("appointments").token
    server.moment = datetime.fromisoformat("2026-10-01T10:00:00+00:00")
    assert len(device.sync("appointments", token).gone) == 42
    assert "STOPPED" not in command(server, "status")
    server.verify()


def test_rule_30_appointments_moved_into_the_past_are_held(agency: Agency, server: Server) -> None:
    """A date gone wrong in all of them is no passing of time."""
    for number in range(30):
        agency.appointment(BETREFF=f"N{number}")
    device = server.start().device()
    token = device.sync("appointments").token
    long_ago = datetime(2020, 6, 20, 10)
    agency.office.change(agency.office.tables.activity, {}, BEGINN=long_ago, ENDE=long_ago)
    assert device.sync("appointments", token).gone == []
    assert "30 of 30 items would vanish" in command(server, "status")


def test_rule_30_while_it_holds_single_cancellations_go(agency: Agency, server: Server) -> None:
    """What few items vanish after the stop began go from the devices; what is held stays; many are held, too."""
    dsns = _contacts(agency, 90)
    device = server.start().device()
    token = device.sync("addresses").token
    _take_off(agency, dsns[:40])
    assert device.sync("addresses", token).gone == []
    for dsn in dsns[40:42]:
        _take_off(agency, [dsn])
        synced = device.sync("addresses", token)
        token = synced.token
        assert [dsn.lower() in href for href in synced.gone] == [True]
    assert "40 of 90 items would vanish" in command(server, "status")
    _take_off(agency, dsns[42:60])  # 18 and the two before them are not few any more
    assert device.sync("addresses", token).gone == []
    assert "58 of 90 items would vanish" in command(server, "status")
    command(server, "confirm", "anna")
    assert len(device.sync("addresses", token).gone) == 58
    server.verify()


def test_rule_30_what_was_confirmed_does_not_count_again(agency: Agency, server: Server) -> None:
    """After the confirmation another small loss of the same day flows, and a large one is held."""
    dsns = _contacts(agency, 90)
    device = server.start().device()
    token = device.sync("addresses").token
    _take_off(agency, dsns[:40])
    device.sync("addresses", token)
    command(server, "confirm", "anna")
    synced = device.sync("addresses", token)
    assert len(synced.gone) == 40
    _take_off(agency, dsns[40:52])
    synced = device.sync("addresses", synced.token)
    assert len(synced.gone) == 12
    _take_off(agency, dsns[52:70])
    assert device.sync("addresses", synced.token).gone == []
    server.verify()


def test_rule_30_what_comes_back_is_held_no_longer(agency: Agency, server: Server) -> None:
    """Some of it comes back, the rest goes; later it may vanish like any other."""
    office = agency.office
    dsns = _contacts(agency, 60)
    device = server.start().device()
    token = device.sync("addresses").token
    _take_off(agency, dsns[:30])
    assert device.sync("addresses", token).gone == []
    for dsn in dsns[:25]:
        office.tag_address(dsn, agency.own)
    synced = device.sync("addresses", token)
    assert (len(synced.gone), synced.changed) == (5, {})
    assert "STOPPED" not in command(server, "status")
    _take_off(agency, dsns[:3])
    assert len(device.sync("addresses", synced.token).gone) == 3
    server.verify()


def test_rule_30_a_write_does_not_pass_the_stop(agency: Agency, server: Server) -> None:
    """What a PUT finds to be gone counts as well: the one that is too many is held, and answered 503."""
    dsns = _contacts(agency, 30)
    device = server.start("refresh_seconds = 3600\n").device()
    texts = device.all("addresses")
    _take_off(agency, dsns)
    statuses = [device.put(f"addresses/{href}", text.replace("N0", "X")).status for href, text in sorted(texts.items())]
    assert statuses == [412] * 19 + [503] * 11
    assert all(row["NAME"][0] == "N" for row in agency.office.rows(agency.office.tables.address))
