"""What FlowFact's rows may hold, for property-based tests."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import strategies as st

from radicale_flowfact.records import Activity, Address, Kind, LinkedAddress, Phone

ODD = "\\,;:\"'%_{}[]äöüß€🏠 \t"
words = st.text(st.sampled_from("abcXYZ019" + ODD) | st.characters(categories=["L", "N", "P", "S"]), max_size=30)
# A text with the marks of a section in it has a section in it, whoever typed them.
texts = st.lists(words, max_size=5).map("\n".join).filter(lambda text: "FFDATA" not in text.upper())
numbers = st.integers(1_000_000, 9_999_999).map(str)
spellings = st.sampled_from(["0221 / {}", "+49 221 {}", "0049221{}", "0221-{}", "(0221) {}", "+41 44 {}"])
phone_numbers = st.builds(lambda spelling, number: spelling.format(number), spellings, numbers)


@st.composite
def phones(draw: st.DrawFn) -> tuple[Phone, ...]:
    """Return up to eleven numbers at ascending positions, with gaps and remarks."""
    positions = sorted(draw(st.sets(st.integers(1, 11), max_size=8)))
    found = [draw(phone_numbers) for _ in positions]
    return tuple(Phone(position, number, "Rem") for position, number in zip(positions, found, strict=True))


addresses = st.builds(
    Address,
    dsn=st.just("AD-1"),
    identifier=words,
    company=words,
    title=words,
    given_name=words,
    family_name=words,
    street=words,
    postcode=words,
    city=words,
    country=words,
    fax=st.just("") | phone_numbers,
    email=st.just("") | st.emails(),
    note=texts,
    phones=phones(),
)
moments = st.datetimes(datetime(1980, 1, 1), datetime(2090, 12, 31)).map(lambda moment: moment.replace(microsecond=0))
lengths = st.integers(0, 14 * 86400).map(lambda seconds: timedelta(seconds=seconds))
linked = st.builds(LinkedAddress, st.just("AD-2"), words, words, words, words, words, words, words)


@st.composite
def appointments(draw: st.DrawFn) -> Activity:
    """Return an appointment as FlowFact may have it."""
    begin = draw(moments)
    all_day = draw(st.booleans())
    if all_day:
        begin = begin.replace(hour=0, minute=0, second=0)
        end = begin + timedelta(days=draw(st.integers(1, 10)))
    else:
        end = begin + draw(lengths)
    reminder = begin - draw(lengths)
    return Activity(
        "AKT-1",
        Kind("ART-1", draw(st.sampled_from(["Besichtigung", "Termin: extern", ""]))),
        begin=begin,
        end=end,
        all_day=all_day,
        reminder=reminder,
        reminder_has_time=draw(st.booleans()),
        subject=" ".join(draw(words).split()),
        note=draw(texts),
        done=draw(st.booleans()),
        participants=tuple(draw(st.lists(words, max_size=3))),
        addresses=tuple(draw(st.lists(linked, max_size=2))),
        private=draw(st.booleans()),
        touch=draw(moments),
    )


@st.composite
def tasks(draw: st.DrawFn) -> Activity:
    """Return a task as FlowFact may have it."""
    rings = draw(st.booleans())
    reminder = draw(moments)
    return Activity(
        "AKT-2",
        Kind("ART-2", "Aufgabe", is_task=True),
        reminder=reminder if rings else reminder.replace(hour=0, minute=0, second=0),
        reminder_has_time=rings,
        subject=" ".join(draw(words).split()),
        note=draw(texts),
        done=draw(st.booleans()),
        priority=draw(st.integers(0, 9)),
        touch=draw(moments),
    )
