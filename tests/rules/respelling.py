r"""What known programs make of a card or an entry that they took in and write out again, as rules of our own (rule 44).

Each rule set is a function from the text that was served to the text that the program would send back unedited. The
two Python libraries are the real ones. The others are written down after their sources: ical.js (``design.js``,
``parse.js``), ez-vcard and vinnie (``VObjectPropertyValues``), DAVx5 (vcard4android), Android's contacts provider
(``NameSplitter``) and calendar provider, and cards and entries that Apple's programs wrote.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Callable
from datetime import datetime, timedelta

import icalendar
import vobject

from tests import payloads

Respelling = Callable[[str], str]
# Android 14: the words that its splitter takes for something else than a name (strings.xml of the contacts provider).
_NAME_PREFIXES = {"1LT", "1ST", "CPT", "DR", "MAJ", "MISS", "MR", "MRS", "MS", "PROF", "REV", "SIR", "HERR", "FRAU"}
_FAMILY_PREFIXES = {"D'", "DE", "DEL", "DI", "MAC", "MC", "SAINT", "ST", "VAN", "VAN DE", "VAN DER", "VON", "ZU"}
_NAME_SUFFIXES = {"MD", "M.D.", "M.A.", "MA", "JR", "JR.", "PHD", "PH.D.", "SR", "SR.", "II", "III", "IV"}
_MOST_TOKENS = 10
# (types that a TEL may have, what Android calls it, the types that DAVx5 writes for it): the first that fits.
_ANDROID_PHONES = (
    ({"CELL", "WORK"}, "cell,work"),
    ({"CELL"}, "cell"),
    ({"FAX", "HOME"}, "fax,home"),
    ({"FAX", "WORK"}, "fax,work"),
    ({"FAX"}, "fax"),
    ({"PAGER"}, "pager"),
    ({"HOME"}, "home"),
    ({"WORK"}, "work"),
    ({"CAR"}, "car"),
    ({"X-ASSISTANT"}, "x-assistant"),
)


def folded(lines: list[str]) -> str:
    """Return lines as a text, folded at 70 characters as many programs do."""
    return "".join("\r\n ".join(re.findall(r".{1,70}", line, re.DOTALL) or [""]) + "\r\n" for line in lines)


def _split(line: str) -> tuple[str, str, str]:
    """Return the name of a line, what comes before its colon, and its value."""
    head = re.match(r'(?:[^":]|"[^"]*")*', line)
    assert head is not None
    name = head[0].partition(";")[0].rpartition(".")[2].upper()
    return name, head[0], line[head.end() + 1 :]


def _by_line(respelt: Callable[[str, str], str]) -> Respelling:
    """Return the rule set of a program that keeps all lines, and writes each value in its own way."""

    def program(text: str) -> str:
        found = [(line, *_split(line)) for line in payloads.lines_of(text)]
        return folded([f"{head}:{respelt(name, value)}" for _, name, head, value in found])

    return program


def _types(head: str) -> set[str]:
    return {one.upper() for found in re.findall(r"TYPE=([^;:]*)", head, re.IGNORECASE) for one in found.split(",")}


# ical.js: Thunderbird, Nextcloud's web pages and many programs made with JavaScript


def _written(text: str) -> str:
    """Return a text with all its escapes."""
    return _escaped(text, "\\,;")


def _unescaped(value: str, escapes: str) -> str:
    r"""Undo the escapes of these signs and of ``\n``; any other backslash stays a backslash."""
    meant = {"n": "\n", "N": "\n"}
    return re.sub(rf"\\([nN{re.escape(escapes)}])", lambda found: meant.get(found[1], found[1]), value)


def _escaped(value: str, signs: str) -> str:
    found = re.sub(rf"[{re.escape(signs)}]", lambda sign: f"\\{sign[0]}", value)
    return found.replace("\n", "\\n")


def _ical_js_value(name: str, value: str) -> str:
    r"""Write a value of vCard 3.0 as ical.js 2 does: ``\;`` is undone only between the components of a list of them."""
    if name == "TEL":
        return _escaped(value.replace("\\", ""), ",;")
    if name in ("N", "ADR", "ORG"):
        # A separator is a semicolon that has no backslash before it, whatever that one belongs to.
        parts = [_unescaped(part, "\\,;") for part in re.split(r"(?<!\\);", value)]
        return ";".join(_escaped(part, "\\,;" if len(parts) > 1 else "\\,") for part in parts)
    return _escaped(_unescaped(value, "\\,"), "\\,") if not name.startswith("X-") else value


def _old_ical_js_value(name: str, value: str) -> str:
    """Write a value as ical.js before 2 does: of a single ORG it undoes the first escape alone."""
    if name != "ORG" or re.search(r"(?<!\\);", value):
        return value
    first = re.search(r"\\[\\,;nN]", value)
    if not first:
        return value
    return value[: first.end()] + re.sub(r"[\\,;]", lambda sign: f"\\{sign[0]}", value[first.end() :])


def ical_js(text: str) -> str:
    """Return a text as ical.js 2 writes it; iCalendar it reads and writes rightly."""
    respelt = _by_line(_ical_js_value)(text) if "BEGIN:VCARD" in text else text
    return re.sub(r'TYPE="([\w,-]+)"', r"TYPE=\1", respelt)


def old_ical_js(text: str) -> str:
    """Return a text as ical.js 1.5 writes it: with the types of a card as one, in quotes."""
    if "BEGIN:VCARD" not in text:
        return text
    respelt = _by_line(_old_ical_js_value)(text)
    return re.sub(r"TYPE=([\w-]+,[\w,-]+)", r'TYPE="\1"', respelt)


# Programs that know no lists in a value, or nothing else


def bare_commas(text: str) -> str:
    """Return a card whose names and addresses have their commas without backslashes, as below vCard 3.0."""
    return _by_line(lambda name, value: value.replace("\\,", ",") if name in ("N", "ADR") else value)(text)


def street_lines(text: str) -> str:
    """Return a card whose addresses are taken apart at each comma: the parts are lines of their own."""
    return _by_line(lambda name, value: re.sub(r"\\, ?", r"\\n", value) if name == "ADR" else value)(text)


# The real libraries


def by_vobject(text: str) -> str:
    """Return a text as vobject writes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return str(vobject.readOne(text).serialize())


def by_icalendar(text: str) -> str:
    """Return an entry as icalendar writes it; it has no cards of this version."""
    return text if "BEGIN:VCARD" in text else icalendar.Calendar.from_ical(text).to_ical().decode()


# ez-vcard, and DAVx5 with it


def _lists(value: str) -> list[list[str]]:
    """Return the components of a structured value, each with its values (vinnie's ``parseStructured``)."""
    found: list[list[str]] = [[""]]
    for piece in re.findall(r"\\.|[^\\]|\\$", value, re.DOTALL):
        if piece == ";":
            found.append([""])
        elif piece == ",":
            found[-1].append("")
        else:
            found[-1][-1] += {"\\n": "\n", "\\N": "\n"}.get(piece, piece[-1] if piece != "\\" else "")
    return [[] if one == [""] else one for one in found]


def _of_lists(components: list[list[str]]) -> str:
    return ";".join(",".join(_written(one) for one in values) for values in components)


def _plain(value: str) -> str:
    """Return a text as vinnie reads it: of an unknown escape the backslash goes."""
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], value, flags=re.DOTALL)


def _ez_vcard_value(name: str, value: str) -> str:
    return _of_lists(_lists(value)) if name in ("N", "ADR") else _written(_plain(value))


def ez_vcard(text: str) -> str:
    """Return a card as ez-vcard writes it, with small types, each in a parameter of its own."""
    if "BEGIN:VCARD" not in text:
        return text
    lines = payloads.lines_of(text)
    kept = [f"{head}:{value}" for name, head, value in map(_split, lines) if name in ("BEGIN", "VERSION", "END")]
    body = []
    for name, head, value in map(_split, lines):
        if name in ("BEGIN", "VERSION", "END"):
            continue
        types = re.sub(r"TYPE=([\w,-]+)", lambda found: _one_by_one(found[1]), head)
        written = value if name.startswith("X-") else _ez_vcard_value(name, value)
        body.append(f"{types}:{written}" if name != "ORG" else f"{types}:{_organization(value)}")
    return folded([*kept[:2], "PRODID:ez-vcard 0.12.1", *body, kept[-1]])


def _one_by_one(types: str) -> str:
    return ";".join(f"TYPE={one.lower()}" for one in types.split(","))


def _organization(value: str) -> str:
    """Return an ORG as ez-vcard does: components, no lists in them."""
    parts = re.split(r"(?<!\\)((?:\\\\)*);", value)
    joined = [head + tail for head, tail in zip(parts[::2], [*parts[1::2], ""], strict=True)]
    return ";".join(_written(_plain(part)) for part in joined)


def davx5(text: str) -> str:
    """Return a card or an entry as DAVx5 writes what Android's providers keep of it."""
    return _davx5_card(text) if "BEGIN:VCARD" in text else android_entry(text)


def android(text: str) -> str:
    """Return a card of a sync program that gives Android the shown name alone where there is no other."""
    return _davx5_card(text, splits=True) if "BEGIN:VCARD" in text else android_entry(text)


def _davx5_card(text: str, *, splits: bool = False) -> str:
    """Return what is left of a card after the rows of the contacts provider; LABEL, SORT-STRING and REV are not."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, head, value in map(_split, payloads.lines_of(text)):
        found.setdefault(name, []).append((head, value))

    def of(name: str) -> str:
        return found[name][0][1] if name in found else ""

    shown = _plain(of("FN")).strip()
    org = [_plain(part) for part in re.split(r"(?<!\\);", _guarded(of("ORG")))] if "ORG" in found else []
    org = [part.replace("\0", ";") for part in org][:2]
    joined = [" ".join(values).strip() for values in _lists(of("N"))] + [""] * 5
    family, given, middle, prefix, suffix = joined[:5]
    has_parts = any(joined)
    if not has_parts and shown and (splits or not org or shown != org[0]):
        family, given, middle, prefix, suffix = split_name(shown)
    elif not has_parts:
        shown = " / ".join(org)
    structured = [[family] if family else [], [given] if given else []]
    structured += [text_.split(" ") if text_ else [] for text_ in (middle, prefix, suffix)]
    lines = ["BEGIN:VCARD", "VERSION:3.0", "PRODID:+//IDN bitfire.at//DAVx5/4.4", f"UID:{of('UID')}"]
    lines += [f"FN:{_written(shown)}", f"N:{_of_lists(structured)}"]
    if any(org):
        lines.append("ORG:" + ";".join(_written(part) for part in org))
    for head, value in found.get("TEL", []):
        types = next((f";{_one_by_one(written)}" for fits, written in _ANDROID_PHONES if fits <= _types(head)), "")
        lines.append(f"TEL{types}:{_written(_plain(value))}")
    for head, value in found.get("EMAIL", []):
        kind = next((f";TYPE={one.lower()}" for one in ("HOME", "WORK") if one in _types(head)), "")
        lines.append(f"EMAIL{kind}:{_written(_plain(value))}")
    for head, value in found.get("ADR", []):
        kind = next((f";TYPE={one.lower()}" for one in ("HOME", "WORK") if one in _types(head)), "")
        rows = ["\n".join(values) for values in _lists(value)]  # each component is one column of the provider
        lines.append(f"ADR{kind}:{_of_lists([row.split(chr(10)) if row else [] for row in rows])}")
    if note := _plain(of("NOTE")).strip():
        lines.append(f"NOTE:{_written(note)}")
    return folded([*lines, "REV:20260615T100000Z", "END:VCARD"])


def _guarded(value: str) -> str:
    """Return a value whose escaped semicolons stand apart from those that separate."""
    return re.sub(r"\\(.)", lambda found: "\0" if found[1] == ";" else found[0], value)


def split_name(shown: str) -> tuple[str, str, str, str, str]:
    """Return family, given and middle name, prefix and suffix as Android's ``NameSplitter`` finds them in a name."""
    words: list[str] = []
    dots: set[int] = set()
    commas: set[int] = set()
    for piece in re.findall(r"[ .,]|[^ .,]+", shown):
        if piece == " " or len(words) == _MOST_TOKENS:
            continue
        if words and piece == ".":
            dots.add(len(words) - 1)
        elif words and piece == ",":
            commas.add(len(words) - 1)
        else:
            words.append(piece)
    start, end = 0, len(words)
    family = given = middle = prefix = suffix = ""

    def dotted(number: int) -> str:
        return words[number] + ("." if number in dots else "")

    if words and words[0].upper() in _NAME_PREFIXES:
        prefix, start = dotted(0), 1
    if len(words) > 2 and end - start > 2 and end - 2 in commas:
        suffix, end = dotted(end - 1), end - 1
    elif len(words) > 2 and words[-1].upper() in _NAME_SUFFIXES:
        suffix, end = words[-1], end - 1
    if not prefix and end - start == 1:
        return "", words[start], "", "", suffix
    if start < end and start in commas:
        family, start = words[start], start + 1
    elif start < end:
        family, end = words[end - 1], end - 1
        if start < end and words[end - 1].upper() in _FAMILY_PREFIXES:
            family, end = f"{dotted(end - 1)} {family}", end - 1
    if end - start > 1:
        middle, end = dotted(end - 1), end - 1
    given = words[start] if end - start == 1 else " ".join(dotted(number) for number in range(start, end))
    return family, given, middle, prefix, suffix


def android_entry(text: str) -> str:
    """Return an entry as ical4j writes what the calendar provider or a tasks program keeps: alarms in whole minutes."""
    lines = payloads.lines_of(text)
    entry = next(number for number, line in enumerate(lines) if line in ("BEGIN:VEVENT", "BEGIN:VTODO"))
    begin = next((line for line in lines[entry:] if line.startswith(("DTSTART", "DUE"))), "")
    kept: list[str] = []
    for name, head, value in map(_split, lines):
        if name in ("SUMMARY", "DESCRIPTION", "LOCATION"):
            kept.append(f"{head}:{_written(_plain(value))}")
        elif name == "TRIGGER":
            kept.append(f"TRIGGER:{_in_minutes(value, begin)}" if begin.startswith("DTSTART") else f"{head}:{value}")
        elif name == "DTSTAMP":
            kept.append("DTSTAMP:20260615T100000Z")
        elif name not in ("CALSCALE", "TZNAME"):
            kept.append(f"{head}:{value}")
    return folded(kept)


def _in_minutes(trigger: str, begin: str) -> str:
    """Return a trigger as minutes before the begin, whose time is the office's local one."""
    found = re.match(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:\d+S)?)?$", trigger)
    if found:
        days, hours, minutes = (int(number or 0) for number in found.groups()[1:])
        total = (days * 24 + hours) * 60 + minutes
        return f"{'-' if found[1] else ''}PT{total}M"
    start = datetime.strptime(begin.rpartition(":")[2].ljust(15, "0").replace("00000000", "T000000"), "%Y%m%dT%H%M%S")
    rings = datetime.strptime(trigger.rstrip("Z"), "%Y%m%dT%H%M%S") + timedelta(hours=2)  # summer time
    return f"-PT{int((start - rings).total_seconds()) // 60}M"


# Apple


def apple(text: str) -> str:
    """Return a text as iOS writes it: small types one by one, groups, FN made of the names, empty components."""
    return _apple_card(text) if "BEGIN:VCARD" in text else _apple_entry(text)


def macos(text: str) -> str:
    """Return the same with its letters in two characters each, as files from macOS have them."""
    return unicodedata.normalize("NFD", apple(text))


def _apple_card(text: str) -> str:
    found = [_split(line) for line in payloads.lines_of(text)]
    names = next((_lists(value) for name, _, value in found if name == "N"), [])
    person = [" ".join(values) for values in [*names, [], [], [], [], []][:5]]
    company = next((_organization(value) for name, _, value in found if name == "ORG"), "")
    lines = ["BEGIN:VCARD", "VERSION:3.0", "PRODID:-//Apple Inc.//iOS 17.5//EN"]
    numbered = 0
    for name, head, value in found:
        types = re.sub(r"TYPE=([\w,-]+)", lambda types_: _one_by_one(types_[1]).replace("TYPE", "type"), head)
        if name == "FN":
            shown = " ".join(part for part in (person[3], person[1], person[2], person[0], person[4]) if part)
            lines.append(f"FN:{_written(shown)}" if shown else f"FN:{value}")
        elif name == "ADR":
            numbered += 1
            lines += [f"item{numbered}.{types}:{value}", f"item{numbered}.X-ABADR:de"]
        elif name == "ORG":
            lines += [f"ORG:{company};", *(["X-ABShowAs:COMPANY"] if not any(person) else [])]
        elif name not in ("BEGIN", "VERSION", "END", "PRODID"):
            lines.append(f"{types}:{value}")
    return folded([*lines, "REV:2026-06-15T10:00:00Z", "END:VCARD"])


def _apple_entry(text: str) -> str:
    lines = []
    for name, head, value in map(_split, payloads.lines_of(text)):
        lines.append(f"{head}:{value}" if name != "PRODID" else "PRODID:-//Apple Inc.//iOS 17.5//EN")
        if (name, value) == ("BEGIN", "VALARM"):
            lines += ["UID:5E1F7B6C-0000-4000-8000-000000000001", "X-WR-ALARMUID:5E1F7B6C-0000-4000-8000-000000000001"]
        elif (name, value) in (("BEGIN", "VEVENT"), ("BEGIN", "VTODO")):
            lines += ["CREATED:20260615T100000Z", "LAST-MODIFIED:20260615T100000Z", "SEQUENCE:1"]
    return folded(lines)


PROGRAMS: dict[str, Respelling] = {
    "ical.js 2": ical_js,
    "ical.js 1.5": old_ical_js,
    "vobject": by_vobject,
    "icalendar": by_icalendar,
    "ez-vcard": ez_vcard,
    "DAVx5": davx5,
    "Android": android,
    "bare commas": bare_commas,
    "street lines": street_lines,
    "iOS": apple,
    "macOS": macos,
}
