"""Rule 21: the kind that a device names in a title."""

from __future__ import annotations

from datetime import datetime

import pytest

from radicale_flowfact.content.words import one_line
from radicale_flowfact.dav.admin import overview
from tests import payloads
from tests.conftest import Agency, Server
from tests.rules.client import entries, only


@pytest.fixture
def kinds(agency: Agency) -> dict[str, str]:
    """Give the DSNs of further kinds by their names."""
    office = agency.office
    made = {name: office.kind(name, calendar=True) for name in ("Übergabe", "Übergabe: Schlüssel", "Notar, groß")}
    office.change(office.tables.kind, {"DSN": made["Übergabe"]}, KUERZEL="ÜG")
    made["Anruf"] = office.kind("Anruf", task=True)
    return made


def kind_and_subject(agency: Agency) -> tuple[object, object]:
    """Return kind and subject of the one activity in FlowFact."""
    row = agency.office.row(agency.office.tables.activity)
    return row["ART_DSN"], row["BETREFF"]


@pytest.mark.parametrize(
    ("title", "kind", "subject"),
    [
        ("Übergabe: Whg Hofgarten", "Übergabe", "Whg Hofgarten"),
        ("üBERGABE :  Whg   Hofgarten", "Übergabe", "Whg Hofgarten"),
        ("U\u0308bergabe:Whg Hofgarten", "Übergabe", "Whg Hofgarten"),
        ("üg: Whg Hofgarten", "Übergabe", "Whg Hofgarten"),
        ("Übergabe: Schlüssel: Hof", "Übergabe: Schlüssel", "Hof"),
        ("Notar\\, Gross: Beurkundung", "Notar, groß", "Beurkundung"),
        ("Notar\\\\\\, groß: Beurkundung", "Notar, groß", "Beurkundung"),
        ("Übergaben: Whg", "", "Übergaben: Whg"),
        ("Whg Übergabe: Hof", "", "Whg Übergabe: Hof"),
        ("Übergabe", "", "Übergabe"),
        ("Anruf: Meier", "", "Anruf: Meier"),
        ("Besichtigung: Weg 1", "", "Weg 1"),
    ],
)
def test_rule_21_a_new_title_names_its_kind(
    agency: Agency, server: Server, kinds: dict[str, str], title: str, kind: str, subject: str
) -> None:
    """By name or short name, in any case and with any blanks; the longest name counts, and what is no kind stays."""
    device = server.start().device()
    sent = payloads.event("n", summary=title)
    assert device.put("appointments/n.ics", sent, new=True).status == 201
    assert kind_and_subject(agency) == (kinds.get(kind, agency.visit), subject)
    assert entries(server, "appointments") == [f"{kind or 'Besichtigung'}: {subject}"]


@pytest.mark.parametrize(
    ("template", "title"),
    [
        ("{subject} ({kind})", "Whg (Hof) (übergabe)"),
        ("[{kind}] {subject}", "[ÜG]Whg (Hof)"),
        ("{kind} - {subject}", "Übergabe - Whg (Hof)"),
        ("{kind} {subject}", "Übergabe Whg (Hof)"),
        ("{subject} / {kind}", "Whg (Hof) / Übergabe"),
        ("FF {kind}: {subject}.", "FF Übergabe: Whg (Hof)"),
    ],
)
def test_rule_21_the_template_says_where_the_kind_stands(
    agency: Agency, server: Server, kinds: dict[str, str], template: str, title: str
) -> None:
    """Another template names the kind in its own place; made or edited, the title reads the same afterwards."""
    device = server.start(f'[appointments]\nsubject = "{template}"\n').device()
    assert device.put("appointments/n.ics", payloads.event("n", summary=title), new=True).status == 201
    assert kind_and_subject(agency) == (kinds["Übergabe"], "Whg (Hof)")
    office = agency.office
    office.change(office.tables.activity, {}, ART_DSN=agency.visit, TOUCH=datetime(2026, 6, 15, 11, 30))
    path, etag, text = only(device, "appointments")
    (served,) = [line for line in payloads.lines_of(text) if line.startswith("SUMMARY:")]
    edited = text.replace(served, served.replace("Besichtigung", "Übergabe"))
    assert device.put(path, edited, etag).status == 204
    assert kind_and_subject(agency) == (kinds["Übergabe"], "Whg (Hof)")
    assert device.get(path).text.splitlines() == edited.splitlines()


def test_rule_21_a_template_without_the_kind_names_none(agency: Agency, server: Server, kinds: dict[str, str]) -> None:
    """Where the device is not shown the kind, a title is a title."""
    device = server.start('[appointments]\nsubject = "{subject}"\n').device()
    assert device.put("appointments/n.ics", payloads.event("n", summary="Übergabe: Hof"), new=True).status == 201
    assert kind_and_subject(agency) == (agency.visit, "Übergabe: Hof")


@pytest.mark.parametrize(
    ("title", "kind", "subject"),
    [
        ("Übergabe: Weg 1", "Übergabe", "Weg 1"),
        ("ÜG: Weg 2", "Übergabe", "Weg 2"),
        ("Weg 2", "", "Weg 2"),
        ("Anruf: Weg 1", "", "Anruf: Weg 1"),
        ("Besichtigung: Übergabe: Weg 1", "", "Übergabe: Weg 1"),
        ("Besichtigung:  Weg 1", "", "Weg 1"),
    ],
)
def test_rule_21_an_edit_of_the_prefix_changes_the_kind(
    agency: Agency, server: Server, kinds: dict[str, str], title: str, kind: str, subject: str
) -> None:
    """Another suitable kind before the subject is the new kind; without one, or with none that is, it stays."""
    agency.appointment(BETREFF="Weg 1")
    device = server.start().device()
    path, etag, text = only(device, "appointments")
    assert device.put(path, text.replace("Besichtigung: Weg 1", title), etag).status == 204
    assert kind_and_subject(agency) == (kinds.get(kind, agency.visit), subject)
    assert [one_line(title) for title in entries(server, "appointments")] == [f"{kind or 'Besichtigung'}: {subject}"]


def test_rule_21_a_kind_inside_the_subject_is_not_one(agency: Agency, server: Server, kinds: dict[str, str]) -> None:
    """FlowFact's own subject begins like a kind: editing its rest, or a client's respelling, changes no kind."""
    agency.appointment(BETREFF="Übergabe: Weg 1, links")
    device = server.start().device()
    path, etag, text = only(device, "appointments")
    respelt = text.replace("Weg 1\\, links", "Weg 1\\\\\\,  links").replace("Ü", "U\u0308")
    before = agency.office.everything()
    assert device.put(path, respelt, etag).status == 204
    assert agency.office.everything() == before
    path, etag, text = only(device, "appointments")
    assert device.put(path, text.replace("Weg 1", "Weg 2"), etag).status == 204
    assert kind_and_subject(agency) == (agency.visit, "Übergabe: Weg 2, links")
    agency.office.change(agency.office.tables.activity, {}, ART_DSN=kinds["Übergabe"], BETREFF="Schlüssel: Hof")
    path, etag, text = only(device, "appointments")
    assert device.put(path, text.replace("Hof", "Tor"), etag).status == 204
    assert kind_and_subject(agency) == (kinds["Übergabe"], "Schlüssel: Tor")


def test_rule_21_a_title_that_names_no_kind_stays_whole_when_it_is_edited(agency: Agency, server: Server) -> None:
    """A device that did not fetch what FlowFact made of its title edits it as it sent it: nothing is cut off."""
    device = server.start().device(agent="Evolution")
    for title in ("Gutachter: Whg", "Gutachter: Haus"):
        assert device.put("appointments/n.ics", payloads.event("n", summary=title)).status in (201, 204)
        assert kind_and_subject(agency) == (agency.visit, title)


def test_rule_21_two_kinds_of_one_name_name_none(agency: Agency, server: Server, kinds: dict[str, str]) -> None:
    """What two suitable kinds are called stays title, unless the preset or present kind is one of them."""
    office = agency.office
    for name in ("Übergabe", "Besichtigung"):
        office.kind(name, calendar=True)
    office.change(office.tables.kind, {"DSN": kinds["Notar, groß"]}, KUERZEL="ÜG")
    device = server.start().device()
    titles = {"Übergabe: Hof": "Übergabe: Hof", "ÜG: Hof": "ÜG: Hof", "Besichtigung: Hof": "Hof"}
    for number, (title, subject) in enumerate(titles.items()):
        sent = payloads.event(f"n{number}", summary=title)
        assert device.put(f"appointments/n{number}.ics", sent, new=True).status == 201
        assert office.row(office.tables.activity, BETREFF=subject)["ART_DSN"] == agency.visit


def test_rule_21_no_preset_is_needed_where_the_title_names_a_kind(
    agency: Agency, server: Server, kinds: dict[str, str]
) -> None:
    """Without any preset, "Übergabe: Hof" goes in and "Hof" is refused; a task goes by the kinds of tasks."""
    office = agency.office
    office.change(office.tables.user, {"DSN": agency.anna}, ART_TERMIN_DSN=None, ART_AUFGABE_DSN=None)
    device = server.start('[tasks]\nkind = "none"\n').device()
    refused = device.put("appointments/n.ics", payloads.event("n", summary="Hof"), new=True)
    assert (refused.status, "no kind for new appointments" in refused.text) == (403, True)
    assert device.put("tasks/t.ics", payloads.todo("t", summary="Übergabe: Hof"), new=True).status == 403
    assert office.rows(office.tables.activity) == []
    assert device.put("tasks/t.ics", payloads.todo("t", summary="Anruf: Hof"), new=True).status == 201
    assert kind_and_subject(agency) == (kinds["Anruf"], "Hof")
    office.remove(office.tables.activity)
    assert device.put("appointments/n.ics", payloads.event("n", summary="Übergabe: Hof"), new=True).status == 201
    assert kind_and_subject(agency) == (kinds["Übergabe"], "Hof")


def test_rule_21_no_title_makes_or_ends_an_internal_mail(agency: Agency, server: Server, kinds: dict[str, str]) -> None:
    """The kind of internal mails is never typed, and a mail stays one; its own prefix is cut off as any."""
    office = agency.office
    device = server.start().device()
    sent = payloads.todo("t", summary="E-Mail intern: Hof")
    assert device.put("tasks/t.ics", sent, new=True).status == 201
    assert kind_and_subject(agency) == (agency.todo, "E-Mail intern: Hof")
    office.remove(office.tables.activity)
    agency.task(kind=agency.mail, ABSENDER=agency.anna, BETREFF="Mail")
    path, etag, text = only(device, "tasks")
    assert device.put(path, text.replace("E-Mail intern: Mail", "Anruf: Mail"), etag).status == 204
    assert kind_and_subject(agency) == (agency.mail, "Anruf: Mail")


def test_rule_21_only_what_the_device_changed_of_the_title(
    agency: Agency, server: Server, kinds: dict[str, str]
) -> None:
    """A device without If-Match changes kind or subject: what the office changed of the other stays."""
    agency.appointment(BETREFF="Weg 1")
    office = agency.office
    device = server.start().device(agent="Evolution")
    path, _, text = only(device, "appointments")
    office.change(office.tables.activity, {}, BETREFF="Weg 9", TOUCH=datetime(2026, 6, 15, 11, 30))
    assert device.put(path, text.replace("Besichtigung: Weg 1", "Übergabe: Weg 1")).status == 204
    assert kind_and_subject(agency) == (kinds["Übergabe"], "Weg 9")
    path, _, text = only(device, "appointments")
    office.change(office.tables.activity, {}, ART_DSN=agency.visit, TOUCH=datetime(2026, 6, 15, 11, 40))
    assert device.put(path, text.replace("Weg 9", "Weg 10")).status == 204
    assert kind_and_subject(agency) == (agency.visit, "Weg 10")


def test_rule_21_a_changed_kind_can_be_taken_back(agency: Agency, server: Server, kinds: dict[str, str]) -> None:
    """Undo gives the kind back, as long as the office did not change it since."""
    agency.appointment(BETREFF="Weg 1")
    device = server.start().device()
    path, etag, text = only(device, "appointments")
    assert device.put(path, text.replace("Besichtigung", "Übergabe"), etag).status == 204
    assert kind_and_subject(agency) == (kinds["Übergabe"], "Weg 1")
    overview.undo(server.gateway, [], "anna", datetime(2026, 1, 1), dry_run=False)
    assert kind_and_subject(agency) == (agency.visit, "Weg 1")
    assert entries(server, "appointments") == ["Besichtigung: Weg 1"]
