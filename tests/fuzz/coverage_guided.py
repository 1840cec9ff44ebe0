"""Fuzzing that is guided by coverage: ``python -m tests.fuzz.coverage_guided --minutes 10``.

atheris (libFuzzer) changes bytes and keeps what reaches a new line of ``radicale_flowfact``, beginning with the corpus
of the tests and what libFuzzer found in earlier runs (``build/fuzz``). Each target is a process of its own, as
libFuzzer ends its process. What raises anything but the readers' own refusals, or takes long, is kept as a finding,
one for each place in the code; the run goes on and ends with 1 if there are any.

Needs ``pip install -e '.[fuzz]'``; atheris is there for Linux and CPython 3.11 to 3.13.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import io
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
HERE = ROOT / "build" / "fuzz"
TARGETS = ("lines", "contacts", "entries", "respelling", "reports", "hot_bodies", "packed_bodies")
_LONGEST = 20_000  # bytes of an input
_SLOW = 5.0  # seconds of processor time; instrumented code takes a multiple of what it takes else
Target = Callable[[bytes], None]


def main(arguments: list[str] | None = None) -> int:
    """Run the targets one after the other, and say what they found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.coverage_guided", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="for all targets together")
    parser.add_argument("--target", choices=TARGETS, action="append", help="only this one; may be given several times")
    parser.add_argument("--child", choices=TARGETS, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    try:
        importlib.import_module("atheris")
    except ImportError:
        print("atheris is not installed: pip install -e '.[fuzz]' (Linux, CPython 3.11 to 3.13)", file=sys.stderr)
        return 2
    targets = given.target or list(TARGETS)
    seconds = int(given.minutes * 60 / len(targets))
    if given.child:
        _fuzz(given.child, seconds)
    found = [finding for target in targets for finding in _run(target, max(1, seconds))]
    for file in found:
        print(f"\n{file.with_suffix('.txt').read_text(encoding='utf-8')}\n  input: {file}")
    print(f"{len(found)} findings")
    return 1 if found else 0


def _run(target: str, seconds: int) -> list[Path]:
    """Fuzz one target in a process of its own; return the inputs of its findings."""
    findings = HERE / target / "findings"
    for file in findings.glob("*"):
        file.unlink()
    command = [sys.executable, "-m", "tests.fuzz.coverage_guided", "--child", target, "--target", target]
    done = subprocess.run(  # noqa: S603 - our own interpreter and arguments
        [*command, "--minutes", str(seconds / 60)], cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False
    )
    last = [line for line in done.stderr.splitlines() if line.startswith(("#", "Done"))][-2:]
    print(f"{target}: {' '.join(' '.join(last).split()) or done.stderr[-2000:]}", flush=True)
    crashes = [file for file in findings.glob("*") if file.name.startswith(("crash-", "timeout-", "oom-"))]
    for file in crashes:
        file.with_suffix(".txt").write_text(done.stderr[-2000:], encoding="utf-8")
    return sorted([*crashes, *findings.glob("*.input")])


def _fuzz(target: str, seconds: int) -> None:
    """Fuzz in this process, which ends with it."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["radicale_flowfact"]):
        check = _TARGET_OF[target]()
    folder = HERE / target
    seeds = folder / "corpus"
    findings = folder / "findings"
    for made in (seeds, findings):
        made.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(_seeds(target)):
        (seeds / f"seed-{number}").write_bytes(text)
    words = folder / "words.dict"
    words.write_text("".join(f'"{_quoted(word)}"\n' for word in _words()), encoding="ascii")

    def one(data: bytes) -> None:
        started = time.thread_time()
        try:
            check(data)
        except Exception:
            _note(findings, data, traceback.format_exc())
        else:
            if (taken := time.thread_time() - started) > _SLOW:
                _note(findings, data, f"took {taken:.1f} s of processor time\nslow: {target}")

    options = [f"-max_total_time={seconds}", f"-max_len={_LONGEST}", f"-dict={words}", "-timeout=60", "-rss_limit_mb=0"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={findings}/", str(seeds)], one)
    atheris.Fuzz()


def _note(findings: Path, data: bytes, trace: str) -> None:
    """Keep an input, the first or the shortest of those that end at the same place."""
    places = [line.strip() for line in trace.splitlines() if line.strip().startswith("File ")][-2:]
    kind = trace.strip().splitlines()[-1].partition(":")[0]
    name = hashlib.sha256("\n".join([kind, *places]).encode()).hexdigest()[:12]
    file = findings / f"{name}.input"
    if not file.exists() or file.stat().st_size > len(data):
        file.write_bytes(data)
        file.with_suffix(".txt").write_text(trace, encoding="utf-8")


def _words() -> list[bytes]:
    """Return what the generated fuzz inserts, for libFuzzer to do the same."""
    mutating = importlib.import_module("tests.fuzz.mutating")
    short = [word for word in (*mutating.ODD, *mutating.NAMES) if 0 < len(word) <= 40]
    return [word.encode("utf-8", "surrogatepass") for word in short]


def _quoted(word: bytes) -> str:
    return "".join(f"\\x{octet:02X}" for octet in word)


def _seeds(target: str) -> list[bytes]:
    """Return what a target begins with: the corpus, or bodies as clients send them."""
    corpus = ROOT / "tests" / "corpus"
    cards = [file.read_bytes() for file in sorted(corpus.glob("vcard/*/*.vcf"))]
    entries = [file.read_bytes() for file in sorted(corpus.glob("ical/*/*.ics"))]
    texts = {"contacts": cards, "entries": entries, "lines": [*cards, *entries]}
    texts["respelling"] = [card + b"\0" + card for card in cards]
    return [text[:_LONGEST] for text in texts.get(target, _BODIES)]


_SPACES = b'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CR="urn:ietf:params:xml:ns:carddav"'
_BODIES = [
    b"<propfind %s><prop><getetag/><resourcetype/></prop></propfind>" % _SPACES,
    b"<propfind %s><allprop/></propfind>" % _SPACES,
    b"<sync-collection %s><sync-token/><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>" % _SPACES,
    b'<C:calendar-query %s><prop><getetag/></prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter '
    b'name="VEVENT"><C:time-range start="20260601T000000Z" end="20260701T000000Z"/></C:comp-filter></C:comp-filter>'
    b"</C:filter></C:calendar-query>" % _SPACES,
    b"<sync-collection %s><sync-token>http://x/1</sync-token><sync-level>1</sync-level><limit><nresults>5</nresults>"
    b"</limit><prop><getetag/></prop></sync-collection>" % _SPACES,
    b"<C:calendar-multiget %s><prop><getetag/><C:calendar-data/></prop><href>/anna/appointments/x.ics</href>"
    b"</C:calendar-multiget>" % _SPACES,
    b'<C:calendar-query %s><prop><getetag/><C:calendar-data><C:expand start="20260601T000000Z" '
    b'end="20260701T000000Z"/><C:comp name="VCALENDAR"><C:prop name="VERSION"/></C:comp></C:calendar-data></prop>'
    b'<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20260601T000000Z"/>'
    b'<C:prop-filter name="SUMMARY"><C:text-match collation="i;octet" negate-condition="yes">x</C:text-match>'
    b'<C:param-filter name="X"><C:is-not-defined/></C:param-filter></C:prop-filter></C:comp-filter></C:comp-filter>'
    b"</C:filter></C:calendar-query>" % _SPACES,
    b'<C:free-busy-query %s><C:time-range start="20260601T000000Z" end="20260701T000000Z"/></C:free-busy-query>'
    % _SPACES,
    b'<CR:addressbook-query %s><prop><CR:address-data><CR:prop name="FN"/></CR:address-data></prop><CR:filter '
    b'test="allof"><CR:prop-filter name="FN"><CR:text-match match-type="contains">a</CR:text-match></CR:prop-filter>'
    b"</CR:filter><CR:limit><CR:nresults>3</CR:nresults></CR:limit></CR:addressbook-query>" % _SPACES,
]


def _lines() -> Target:
    from radicale_flowfact.content import contentlines, mending, salvaging
    from radicale_flowfact.content.repair import repair_item

    def check(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        plain = text.replace("\r\n", "\n").replace("\r", "\n")
        mended = mending.spelt_rightly(plain)
        salvaging.readable(mended)
        for name in ("x.vcf", "x.ics"):
            try:
                contentlines.require_printable("text", text)
                repaired, _ = repair_item(text, name)
                lines = [line.text for line in contentlines.split_lines(repaired)]
            except contentlines.PayloadError:
                continue
            again = [line.text for line in contentlines.split_lines(contentlines.join_lines(lines))]
            assert again == [line for line in lines if line.strip()], "folding and unfolding changed a line"

    return check


def _contacts() -> Target:
    from tests.fuzz.test_maps import check_contact

    return lambda data: check_contact(data.decode("utf-8", "replace"))


def _entries() -> Target:
    from tests.fuzz.test_maps import check_calendar_object

    return lambda data: check_calendar_object(data.decode("utf-8", "replace"))


def _respelling() -> Target:
    from radicale_flowfact import vcard_map
    from radicale_flowfact.content import contentlines, respelling
    from radicale_flowfact.content.repair import repair_item
    from radicale_flowfact.settings import PHONE_SLOTS

    def check(data: bytes) -> None:
        texts = data.decode("utf-8", "replace").split("\0")
        try:
            served, sent = (repair_item(text, "x.vcf")[0] for text in (texts[0], texts[-1]))
            for text in (served, sent):
                contentlines.require_printable("text", text)
            base = vcard_map.parse(served, PHONE_SLOTS)
            vcard_map.parse(sent, PHONE_SLOTS, base)
        except contentlines.PayloadError:
            return
        vcard_map.parse(respelling.as_served(served, sent), PHONE_SLOTS, base)
        assert vcard_map.parse(respelling.as_served(served, served), PHONE_SLOTS, base).uid == base.uid

    return check


def _reports() -> Target:
    from radicale_flowfact.dav.store.request import RefusedError
    from radicale_flowfact.dav.store.session import Name
    from radicale_flowfact.http.partial_data import cut, read_selection
    from radicale_flowfact.http.report_bodies import read_report
    from radicale_flowfact.http.request_checks import is_client_fault, read_xml
    from radicale_flowfact.queries.calendar_filters import calendar_matches
    from tests.fuzz.test_maps import BERLIN

    corpus = ROOT / "tests" / "corpus"
    entry = next(corpus.glob("ical/captured/thunderbird153-series-override.ics")).read_text(encoding="utf-8")
    card = next(corpus.glob("vcard/captured/evolution346-contact.vcf")).read_text(encoding="utf-8")

    def check(data: bytes) -> None:
        environ = {"wsgi.input": io.BytesIO(data), "CONTENT_LENGTH": str(len(data)), "REQUEST_METHOD": "REPORT"}
        try:
            _, root = read_xml(environ)
        except RefusedError:
            return
        if root is None:
            return
        selection = read_selection(root)
        for name in (Name.APPOINTMENTS, Name.ADDRESSES, None):
            try:
                query = read_report(root, name).query
            except RefusedError:
                continue
            except ValueError as error:  # Radicale's, which the server answers with 400
                if not is_client_fault(error):
                    raise
                continue
            if query.calendar is not None:
                calendar_matches(entry, query.calendar, BERLIN)
            if query.card is not None:
                query.card.matches(card)
        if selection is not None:
            cut(entry, selection)
            cut(card, selection)

    return check


def _hot_bodies() -> Target:
    from radicale_flowfact.http.hot import bodies

    def check(data: bytes) -> None:
        root = bodies.parse_xml(data)
        if root is not None:
            bodies.parse_request(root)

    return check


def _packed_bodies() -> Target:
    from radicale_flowfact.content.contentlines import PayloadError
    from radicale_flowfact.dav.store.request import RefusedError
    from radicale_flowfact.http.content_coding import CodingError, is_packed, unpacked
    from radicale_flowfact.http.request_checks import decoded, item_text

    codings = ("gzip", "deflate", "x-gzip", "identity", "gzip, deflate", "br")
    charsets = ("", "utf-8", "iso-8859-1", "utf-16", "utf-7", "\x00", "utf-8-sig", "cp1252")

    def check(data: bytes) -> None:
        chosen, body = (data[0], data[1:]) if data else (0, b"")
        environ: dict[str, Any] = {
            "wsgi.input": io.BytesIO(body),
            "CONTENT_LENGTH": str(len(body)),
            "radicale_flowfact.charset": charsets[chosen // 16 % len(charsets)],
            "HTTP_CONTENT_ENCODING": codings[chosen % len(codings)],
        }
        with contextlib.suppress(CodingError):
            if is_packed(environ):
                environ = unpacked(environ, 1_000_000)
            plain = environ["wsgi.input"].read()
            with contextlib.suppress(RefusedError):
                decoded(environ, plain)
            with contextlib.suppress(PayloadError):
                item_text(environ, plain)

    return check


_TARGET_OF: dict[str, Callable[[], Target]] = {
    "lines": _lines,
    "contacts": _contacts,
    "entries": _entries,
    "respelling": _respelling,
    "reports": _reports,
    "hot_bodies": _hot_bodies,
    "packed_bodies": _packed_bodies,
}

if __name__ == "__main__":
    sys.exit(main())
