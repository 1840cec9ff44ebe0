"""Edits what Evolution has of an account, through its data server; run by Debian's Python, which has its bindings.

``python3 evolution.py harmless|real COUNTS``: COUNTS is JSON, how many items each collection has. A harmless edit adds
to each item what FlowFact has no field for; a real one changes a note, a title and a task's state.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from types import SimpleNamespace
from typing import Any

gi = importlib.import_module("gi")
_VERSIONS = {"EBook": "1.2", "EBookContacts": "1.2", "ECal": "2.0", "EDataServer": "1.2"}
for _name, _version in _VERSIONS.items():
    gi.require_version(_name, _version)
repository = SimpleNamespace(
    **{name: importlib.import_module(f"gi.repository.{name}") for name in (*_VERSIONS, "GLib", "ICalGLib")}
)
_SECONDS = 60


def main(edit: str, counts: dict[str, int]) -> None:
    """Edit all three collections."""
    registry = repository.EDataServer.SourceRegistry.new_sync(None)
    for name, count in counts.items():
        client = connected(registry.ref_source(f"flowfact-{name}"), name)
        change = {"addresses": _edit_contacts}.get(name, _edit_entries)
        change(client, edit, count)
        print(f"{name}: {count} items, {edit} edits done", flush=True)


def connected(source: Any, name: str) -> Any:  # noqa: ANN401 - GObject
    """Return a client of a source that is logged in and online."""
    loop = repository.GLib.MainLoop()
    found: list[Any] = []

    def log_in(asking: Any, *_: object) -> None:  # noqa: ANN401
        given = repository.EDataServer.NamedParameters.new()
        given.set("username", "anna")
        given.set("password", "pw")
        asking.invoke_authenticate(given, None, lambda one, result: one.invoke_authenticate_finish(result))

    def done(_: object, result: object) -> None:
        kind = repository.EBook.BookClient if name == "addresses" else repository.ECal.Client
        try:
            found.append(kind.connect_finish(result))
        finally:
            loop.quit()

    source.connect("credentials-required", log_in)
    if name == "addresses":
        repository.EBook.BookClient.connect(source, 10, None, done)
    else:
        kinds = repository.ECal.ClientSourceType
        kind = kinds.TASKS if name == "tasks" else kinds.EVENTS
        repository.ECal.Client.connect(source, kind, 10, None, done)
    loop.run()
    return found[0]


def _all_of(client: Any, count: int, listed: Any) -> list[Any]:  # noqa: ANN401
    """Refresh until all items are there."""
    end = time.monotonic() + _SECONDS
    while True:
        client.refresh_sync(None)
        found: list[Any] = listed()[1]
        if len(found) >= count:
            return found
        if time.monotonic() > end:
            raise SystemExit(f"{len(found)} of {count} items came")
        time.sleep(0.5)


def _edit_contacts(client: Any, edit: str, count: int) -> None:  # noqa: ANN401
    flags = repository.EBookContacts.BookOperationFlags.NONE
    for contact in _all_of(client, count, lambda: client.get_contacts_sync("#t", None)):
        if edit == "harmless":
            contact.props.nickname = "Maxi"
        else:
            contact.props.note = "Neu; mit, Zeichen"
        client.modify_contact_sync(contact, flags, None)


def _edit_entries(client: Any, edit: str, count: int) -> None:  # noqa: ANN401
    ecal, ical = repository.ECal, repository.ICalGLib
    for entry in _all_of(client, count, lambda: client.get_object_list_as_comps_sync("#t", None)):
        component = entry.get_icalcomponent()
        if edit == "harmless":
            added = ical.Property.new_x("1")
            added.set_x_name("X-OWN")
            component.add_property(added)
        elif component.isa() == ical.ComponentKind.VTODO_COMPONENT:
            component.set_status(ical.PropertyStatus.COMPLETED)
        else:
            component.set_summary("Besichtigung: Neu; mit, Zeichen")
        client.modify_object_sync(component, ecal.ObjModType.ALL, ecal.OperationFlags.NONE, None)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
