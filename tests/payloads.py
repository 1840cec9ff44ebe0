"""Small payloads as devices send them."""

from __future__ import annotations

import re


def vcard(uid: str, *lines: str, name: str = "Meier;Eva;;;") -> str:
    """Return a contact."""
    return "\r\n".join(
        ["BEGIN:VCARD", "VERSION:3.0", f"UID:{uid}", "FN:Eva Meier", f"N:{name}", *lines, "END:VCARD", ""]
    )


def event(
    uid: str,
    *lines: str,
    start: str = "DTSTART:20260701T080000Z",
    end: str = "DTEND:20260701T090000Z",
    summary: str = "Notar",
) -> str:
    """Return an event; lines may hold whole components."""
    return _calendar("VEVENT", uid, start, end, f"SUMMARY:{summary}", *lines)


def todo(uid: str, *lines: str, summary: str = "Anrufen") -> str:
    """Return a task."""
    return _calendar("VTODO", uid, f"SUMMARY:{summary}", *lines)


def note(uid: str, *lines: str, summary: str = "Gespräch") -> str:
    """Return a note of its own, as jtx Board has them."""
    return _calendar("VJOURNAL", uid, f"SUMMARY:{summary}", *lines)


def alarm(trigger: str = "TRIGGER:-PT15M") -> str:
    """Return a VALARM."""
    return "\r\n".join(["BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:x", trigger, "END:VALARM"])


def _calendar(component: str, uid: str, *lines: str) -> str:
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", f"BEGIN:{component}", f"UID:{uid}"]
    return "\r\n".join([*head, "DTSTAMP:20260601T000000Z", *lines, f"END:{component}", "END:VCALENDAR", ""])


def lines_of(text: str) -> list[str]:
    """Return the unfolded lines of a payload."""
    return re.sub(r"\r?\n[ \t]", "", text).splitlines()


def without(text: str, start: str) -> str:
    """Return a payload without the (unfolded) lines that start so."""
    return "\r\n".join(line for line in lines_of(text) if not line.startswith(start))


def without_component(text: str, name: str) -> str:
    """Return a payload without the components of this name."""
    kept: list[str] = []
    depth = 0
    for line in text.splitlines():
        depth += line == f"BEGIN:{name}"
        if depth == 0:
            kept.append(line)
        depth -= line == f"END:{name}"
    return "\r\n".join([*kept, ""])
