"""What comes back in a known program's spelling is what was served; what did not change, or was edited, is not."""

from __future__ import annotations

import pytest

from radicale_flowfact.content.respelling import as_served
from tests import payloads


def back(served: list[str], sent: list[str]) -> list[str]:
    """Return the lines that were sent, as they read beside those that were served."""
    text = as_served(payloads.vcard("u", *served), payloads.vcard("u", *sent))
    return payloads.lines_of(text)[5:-1]


@pytest.mark.parametrize(
    ("served", "sent"),
    [
        ("NOTE:a\\; b\\\\\\; c", "NOTE:a\\\\; b\\\\\\\\; c"),  # ical.js 2
        ("ORG:a\\; b\\, c", "ORG:a; b\\, c"),
        ("ORG:a\\, b\\, c", "ORG:a\\, b\\\\\\, c"),  # ical.js before 2
        ("ADR:;;a\\\\;b;;;", "ADR:;;a\\\\\\;b;;;"),
        ("ADR:;;a\\nb\\, c;d;;;", "ADR:;;a,b\\, c;d;;;"),  # DAVx5
        ("ADR:;;a\\, c;d;;;", "ADR:;;a\\nc;d;;;"),
        ("NOTE:C:\\\\Neu", "NOTE:C:\\neu"),  # icalendar
    ],
)
def test_a_known_spelling_is_what_was_served(served: str, sent: str) -> None:
    assert back([served], [sent]) == [served]


def test_a_spelling_that_was_served_itself_stays() -> None:
    """Of two addresses, one may be spelt as the other might come back."""
    served = ["ADR;TYPE=HOME:;;a\\, c;d;;;", "ADR;TYPE=WORK:;;a,c;d;;;", "ADR:;;a\\nc;d;;;"]
    assert back(served, served) == served


def test_without_a_backslash_nothing_is_looked_at() -> None:
    sent = payloads.vcard("u", "NOTE:a\\\\; b")
    assert as_served(payloads.vcard("u", "NOTE:a"), sent) is sent
