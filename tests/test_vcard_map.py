"""Address <-> vCard: nothing changes on a round trip, nothing is lost, odd input gets a reason."""

from __future__ import annotations

import random
from dataclasses import fields, replace

import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st

from radicale_flowfact.actions import SetField
from radicale_flowfact.content.contentlines import PayloadError, split_lines
from radicale_flowfact.dav.writing.edits import Edit, edit_address, identifier_of
from radicale_flowfact.dav.writing.edits import only as had
from radicale_flowfact.records import Address, Phone
from radicale_flowfact.settings import PHONE_SLOTS
from radicale_flowfact.vcard_map import Card, ContactFields, clean, empty_card, minimal, parse, render
from tests import payloads
from tests.reserialising import reserialise
from tests.strategies import addresses

SLOTS = PHONE_SLOTS


def card(*lines: str, name: str = "Meier;Eva;;;") -> Card:
    """Parse a contact with these lines."""
    return parse(payloads.vcard("u", *lines, name=name), SLOTS)


def changes(address: Address, text: str) -> tuple[object, ...]:
    """Return what FlowFact would be told if a device that got ``address`` sent ``text``."""
    base = parse(render(address, "u", (), SLOTS), SLOTS)
    return edit_address(had(base, parse(text, SLOTS, base)), address, (), SLOTS).actions


def after(address: Address, sidecar: tuple[str, ...], sent: str) -> Edit:
    """Return the edit that a device makes which has the address with this sidecar."""
    base = parse(render(address, "u", sidecar, SLOTS), SLOTS, empty_card(sidecar))
    return edit_address(had(base, parse(sent, SLOTS, base)), address, sidecar, SLOTS)


def written(edit: Edit) -> list[tuple[str, object]]:
    """Return field and new value of what an edit writes."""
    return [(action.field, action.after) for action in edit.actions if isinstance(action, SetField)]


@given(addresses)
def test_every_address_comes_back_as_it_was(address: Address) -> None:
    read = parse(render(address, "u", (), SLOTS), SLOTS)
    if any(clean(getattr(address, name)) for name in ("given_name", "family_name", "title", "company", "email")):
        for field in fields(ContactFields):
            assert getattr(read.fields, field.name) == clean(getattr(address, field.name))
    shown = [phone.number.strip() for phone in address.phones if phone.position <= 8]
    assert [phone.number for phone in read.phones] == shown


@given(addresses, st.integers())
def test_a_client_that_writes_in_its_own_way_changes_nothing(address: Address, seed: int) -> None:
    text = render(address, "u", (), SLOTS)
    assert changes(address, reserialise(text, random.Random(seed))) == ()  # noqa: S311


@given(addresses, st.integers())
def test_sidecar_survives_a_client_that_writes_in_its_own_way(address: Address, seed: int) -> None:
    sidecar = ("BDAY:1970-01-01", "item1.URL:https://example.com", "item1.X-ABLabel:Seite", "EMAIL;TYPE=HOME:x@y.de")
    first = parse(render(address, "u", sidecar, SLOTS), SLOTS)
    again = parse(reserialise(render(address, "u", sidecar, SLOTS), random.Random(seed)), SLOTS, first)  # noqa: S311
    assert sorted(line.lower() for line in again.sidecar) == sorted(line.lower() for line in first.sidecar)


@given(addresses)
def test_other_parsers_read_our_cards(address: Address) -> None:
    read = vobject.readOne(render(address, "u", (), SLOTS))
    assert read.name == "VCARD"
    assert read.fn.value.strip() or not address.identifier.strip()


@given(addresses)
def test_a_minimal_card_is_valid_whatever_the_record_holds(address: Address) -> None:
    broken = replace(address, note="\x00\x07\ud800" + address.note, company="\x1b" + address.company)
    assert parse(minimal(broken, "u", SLOTS), SLOTS).uid == "u"
    with pytest.raises(ValueError, match="control character"):
        render(broken, "u", (), SLOTS)


def test_postal_address_is_the_work_address_and_others_stay() -> None:
    read = card("ADR;TYPE=HOME:;;Heim 1;Bonn;;53111;", "ADR;TYPE=WORK:PF 3;;Büro 2;Köln;NRW;50667;DE")
    assert (read.fields.street, read.fields.city, read.fields.country) == ("Büro 2", "Köln", "DE")
    assert "ADR;TYPE=HOME:;;Heim 1;Bonn;;53111;" in read.sidecar
    text = render(Address("d", family_name="Meier", given_name="Eva", street="Neu 3"), "u", read.sidecar, SLOTS)
    assert "ADR;TYPE=WORK:PF 3;;Neu 3;;NRW;;" in text


def test_a_home_address_alone_never_reaches_flowfact() -> None:
    read = card("ADR;TYPE=HOME:;;Heim 1;Bonn;;53111;", "item1.ADR:;;Ferien 1;Sylt;;;", "item1.X-ABLabel:Ferien")
    assert read.fields.street == ""
    assert len(read.sidecar) == 3


def test_further_parts_of_mapped_lines_come_back() -> None:
    read = card("ORG:ACME;Abt. 7;Zimmer 3", "EMAIL;TYPE=WORK;X-P=1:a@b.de", name="Meier;Eva;Maria;Dr.;jun.")
    again = render(
        Address("d", title="Dr.", given_name="Eva", family_name="Meier", company="ACME 2", email="c@d.de"),
        *("u", read.sidecar, SLOTS),
    )
    assert "N:Meier;Eva;Maria;Dr.;jun." in again
    assert "ORG:ACME 2;Abt. 7;Zimmer 3" in again
    assert "EMAIL;TYPE=WORK;X-P=1:c@d.de" in again
    assert "X-FLOWFACT" not in again


def test_an_own_formatted_name_lives_as_long_as_the_name_it_was_made_for() -> None:
    read = parse(payloads.vcard("u").replace("FN:Eva Meier", "FN:Oma Eva"), SLOTS)
    assert "FN:Oma Eva" in render(Address("d", given_name="Eva", family_name="Meier"), "u", read.sidecar, SLOTS)
    assert "FN:Eva Huber" in render(Address("d", given_name="Eva", family_name="Huber"), "u", read.sidecar, SLOTS)


def test_the_email_stays_the_same_one_when_a_client_reorders() -> None:
    text = payloads.vcard("u", "EMAIL:a@b.de", "EMAIL:c@d.de")
    base = parse(text, SLOTS)
    swapped = parse(payloads.vcard("u", "EMAIL:c@d.de", "EMAIL:a@b.de"), SLOTS, base)
    assert (base.fields.email, swapped.fields.email) == ("a@b.de", "a@b.de")


OWN = Address("d", family_name="Meier", email="a@b.de", fax="0221 99", street="Eins 1", city="Köln")


@pytest.mark.parametrize(
    "own", ["EMAIL;TYPE=HOME:p@q.de", "TEL;TYPE=HOME,FAX:0228 7", "ADR;TYPE=WORK:;;Zwei 2;Bonn;;;"]
)
def test_a_line_of_the_devices_own_stays_its_own(own: str) -> None:
    text = render(OWN, "u", (own,), SLOTS)
    name = own.partition(";")[0]
    respelled = own.replace("TYPE=HOME,FAX", "type=home;type=fax").replace("TYPE=HOME", "type=home")
    lines = [line for line in payloads.lines_of(text) if line != own]
    front = "\r\n".join([lines[0], respelled, *lines[1:]])
    edit = after(OWN, (own,), front)
    assert (edit.actions, edit.sidecar) == ((), (respelled,))
    assert after(OWN, (own,), payloads.without(text, own)) == Edit((), ())
    ours = next(line for line in lines if line.startswith(name))
    edit = after(OWN, (own,), payloads.without(text, ours))
    assert {value for _, value in written(edit)} == {""}
    assert edit.sidecar == (own,)


LIKE_OURS = [
    *("EMAIL;TYPE=HOME:x@y.de", "EMAIL;TYPE=WORK:w@y.de", "EMAIL:n@y.de", "ORG:Zweite;Abteilung", "NOTE:zweite"),
    *("TEL;TYPE=HOME,FAX:0221 888", "TEL;TYPE=WORK,FAX:0221 889", "TEL;TYPE=CELL:+49 171 1", "TEL;TYPE=OTHER:0171 2"),
    *("ADR;TYPE=WORK:;;Zwei 2;Bonn;;;", "ADR;TYPE=HOME:;;Heim 2;Bonn;;;"),
]


@given(addresses, st.sets(st.sampled_from(LIKE_OURS)), st.integers())
def test_lines_like_ours_survive_any_order_and_spelling(address: Address, own: set[str], seed: int) -> None:
    sidecar = tuple(sorted(own))
    text = render(address, "u", sidecar, SLOTS)
    edit = after(address, sidecar, reserialise(text, random.Random(seed)))  # noqa: S311
    kept = [line for line in edit.sidecar if not line.startswith("X-FLOWFACT")]
    assert edit.actions == ()
    assert sorted(map(_plain, kept)) == sorted(map(_plain, sidecar))


def _plain(line: str) -> str:
    return line.lower().replace("type=", "").replace(";", ",")


def test_an_email_of_the_devices_own_stays_so_when_flowfact_has_none() -> None:
    address, own = replace(OWN, email=""), "EMAIL;TYPE=HOME:p@q.de"
    text = render(address, "u", (own,), SLOTS)
    assert after(address, (own,), payloads.without(text, "EMAIL")) == Edit((), ())
    assert after(address, (own,), text.replace("p@q", "r@q")) == Edit((), ("EMAIL;TYPE=HOME:r@q.de",))
    more = after(address, (own,), text.replace("END:", "EMAIL;TYPE=HOME:neu@b.de\r\nEND:"))
    assert (written(more), own in more.sidecar) == ([("email", "neu@b.de")], True)


def test_the_fax_of_vcard_4_is_the_fax() -> None:
    text = render(OWN, "u", (), SLOTS)
    for line in ('TEL;VALUE=uri;TYPE="work,fax":tel:+49-221-99', "TEL;VALUE=uri;TYPE=fax:tel:022199"):
        assert changes(OWN, text.replace("TEL;TYPE=WORK,FAX:0221 99", line)) == ()


@pytest.mark.parametrize(
    ("field", "address"), [("company", Address("d", company="ACME")), ("email", Address("d", email="ACME"))]
)
def test_a_formatted_name_left_behind_is_no_new_name(field: str, address: Address) -> None:
    text = render(address, "u", (), SLOTS)
    edit = after(address, (), "\r\n".join(line for line in payloads.lines_of(text) if line[:3] not in ("ORG", "EMA")))
    assert written(edit) == [(field, "")]
    assert "FN:ACME" in render(Address("d", identifier="Kennung"), "u", edit.sidecar, SLOTS)


def test_a_contact_may_be_a_number_alone() -> None:
    found = parse("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u\r\nFN:\r\nN:;;;;\r\nTEL:0221 5\r\nEND:VCARD\r\n", SLOTS)
    assert (found.fields, identifier_of(found)) == (ContactFields(), "0221 5")


def test_control_characters_in_number_and_kennung_do_not_get_out() -> None:
    for broken in (replace(OWN, phones=(Phone(1, "0221\x075"),)), Address("d", identifier="K\x07")):
        with pytest.raises(ValueError, match="control character"):
            render(broken, "u", (), SLOTS)
        assert "\x07" not in minimal(broken, "u", SLOTS)


def test_a_photo_made_on_two_devices_is_one() -> None:
    edit = after(OWN, (), render(OWN, "u", (), SLOTS).replace("END:", "PHOTO:new\r\nEND:"))
    base = parse(render(OWN, "u", (), SLOTS), SLOTS)
    sent = parse(render(OWN, "u", edit.sidecar, SLOTS), SLOTS, base)
    assert edit_address(had(base, sent), OWN, ("PHOTO:other",), SLOTS).sidecar == ("PHOTO:new",)


def test_fields_the_device_never_had_are_not_cleared() -> None:
    address = Address("d", salutation="Frau", given_name="Eva", family_name="Meier", phones=(Phone(9, "0221 9", "x"),))
    text = render(address, "u", (), SLOTS)
    assert "0221 9" not in text
    assert changes(address, text) == ()


def test_lines_that_look_like_ours_are_not_taken_for_ours() -> None:
    assert card("X-FLOWFACT-FN:a;b", "X-FLOWFACT-N-PARTS:;;x").sidecar == ()


def test_private_and_group_cards_are_recognised() -> None:
    assert card("CATEGORIES:Freunde,Privat").private
    assert not card("CATEGORIES:privatier").private
    assert card("X-ADDRESSBOOKSERVER-KIND:group").is_group


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "BEGIN:VCARD"),
        ("BEGIN:VCARD\r\nUID:u\r\nFN:x", "END:VCARD"),
        (payloads.without(payloads.vcard("u"), "UID"), "no UID"),
        (payloads.without(payloads.without(payloads.vcard("u"), "FN"), "N:"), "no name"),
        (payloads.vcard("u") + payloads.vcard("v"), "more than one"),
        (payloads.vcard("u", "NOTE:\x07"), "note contains the control character U\\+0007"),
        (payloads.vcard("u", "no colon here"), "no colon"),
    ],
)
def test_what_cannot_be_read_gets_a_reason(text: str, reason: str) -> None:
    with pytest.raises(PayloadError, match=reason):
        parse(text, SLOTS)


@given(st.text(max_size=300))
def test_garbage_is_refused_not_stumbled_over(text: str) -> None:
    with pytest.raises(PayloadError):
        parse(f"BEGIN:VCARD\n{text}", SLOTS)


@given(addresses)
def test_lines_are_folded_at_75_octets(address: Address) -> None:
    text = render(address, "u", (), SLOTS)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert len(split_lines(text)) == text.replace("\r\n ", "").count("\r\n")


def test_an_empty_email_is_not_the_mapped_one_while_there_is_another() -> None:
    read = card("EMAIL;TYPE=WORK:", "EMAIL;TYPE=OTHER:eva@example.de")
    assert read.fields.email == "eva@example.de"
    assert read.sidecar[0] == "EMAIL;TYPE=WORK:"


def test_an_empty_uid_beside_a_real_one_is_passed_over() -> None:
    assert parse(payloads.vcard("").replace("FN:", "UID:real\r\nFN:"), SLOTS).uid == "real"


def test_an_empty_work_address_is_not_the_mapped_one_while_there_is_another() -> None:
    read = card("ADR;TYPE=WORK:;;;;;;;", "ADR;TYPE=WORK:;;Weg 1;Bonn;;53111;")
    assert (read.fields.street, read.fields.city) == ("Weg 1", "Bonn")
