"""What the rule tests read through a client: names of contacts, summaries of entries."""

from __future__ import annotations

from typing import Any

import vobject
from caldav.davclient import DAVClient

from tests.conftest import Server
from tests.device import Device


def contacts(server: Server, login: str = "anna") -> list[str]:
    """Return the family names in a login's address book, sorted."""
    return sorted(str(vobject.readOne(text).n.value.family) for text in server.device(login).all("addresses").values())


def entries(server: Server, name: str, login: str = "anna") -> list[str]:
    """Return the summaries in a login's calendar, sorted, as the ``caldav`` library reads them."""
    made: Any = DAVClient(url=f"{server.base}/{login}/", username=login, password="pw")  # noqa: S106
    with made as client:
        calendar = client.calendar(url=f"{server.base}/{login}/{name}/")
        found = calendar.events() if name == "appointments" else calendar.todos(include_completed=True)
        return sorted(str(entry.icalendar_component["SUMMARY"]) for entry in found)


def only(device: Device, name: str) -> tuple[str, str, str]:
    """Return path, ETag and text of the one item in a collection."""
    ((href, (etag, text)),) = device.multiget(name, device.sync(name).changed).items()
    return f"{name}/{href}", etag, text


def changed_hrefs(device: Device, name: str, token: str) -> tuple[list[str], list[str], str]:
    """Return what a sync tells: hrefs changed, hrefs gone, new token."""
    synced = device.sync(name, token)
    return sorted(synced.changed), sorted(synced.gone), synced.token
