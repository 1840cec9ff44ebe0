"""Generated requests, usual and odd, on the collections of an office that has about everything."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from hypothesis import strategies as st

from tests.http.hot.everything import NAMES, Seen
from tests.http.hot.two_ways import Asked

CAL, CARD = "urn:ietf:params:xml:ns:caldav", "urn:ietf:params:xml:ns:carddav"
_SPACES = f'xmlns="DAV:" xmlns:C="{CAL}" xmlns:CR="{CARD}"'
_ITEM_PROPS = (
    *("<getetag/>", "<getcontenttype/>", "<resourcetype/>", "<C:calendar-data/>", "<CR:address-data/>"),
    *('<CR:address-data content-type="text/vcard" version="4.0"/>', '<CR:address-data version="3.0"/>'),
)
_ODD_PROPS = (
    *("<displayname/>", "<getlastmodified/>", "<getcontentlength/>", "<owner/>", "<current-user-principal/>", "<a/>"),
    *("<current-user-privilege-set/>", "<supported-report-set/>", "<C:max-resource-size/>", "<acl/>", "<C:x.y-1/>"),
    *('<I:calendar-color xmlns:I="http://apple.com/ns/ical/"/>', '<getctag xmlns="http://calendarserver.org/ns/"/>'),
    *(
        '<x xmlns="urn:x{y}&amp;&quot;&lt;"/>',
        '<x xmlns="urn:x}y"/>',
        '<y xmlns=""/>',
        "<xml:lang/>",
        '<z xmlns=" a b"/>',
    ),
    *('<ü xmlns="urn:ü"/>', '<displayname xmlns="http://radicale.org/ns/"/>', '<getetag xml:lang="de">x</getetag>'),
    *(
        "<C:calendar-data><C:comp name='VCALENDAR'/></C:calendar-data>",
        "<C:calendar-data content-type='text/calendar'/>",
    ),
    *(
        '<CR:address-data><CR:prop name="FN"/></CR:address-data>',
        '<CR:address-data version="4.0"><CR:prop name="EMAIL"/></CR:address-data>',
        '<CR:address-data version="2.1"/>',
        '<CR:address-data content-type="application/vcard+json" version="4.0"/>',
        '<CR:address-data content-type="Text/VCard; charset=utf-8" novalue="no"/>',
        "<!-- x -->",
        "<?pi x?>",
        "\n  ",
        "text",
        "<a><b/></a>",
    ),
    *("<C:calendar-data><C:expand start='20260601T000000Z' end='20260701T000000Z'/></C:calendar-data>", "<expand/>"),
)
_COLLECTION_PROPS = (
    *("<getetag/>", "<resourcetype/>", "<displayname/>", "<sync-token/>", "<current-user-principal/>", "<owner/>"),
    *("<getcontenttype/>", "<current-user-privilege-set/>", "<supported-report-set/>", "<C:calendar-description/>"),
    *('<getctag xmlns="http://calendarserver.org/ns/"/>', '<calendar-color xmlns="http://apple.com/ns/ical/"/>'),
    *("<C:supported-calendar-component-set/>", "<CR:supported-address-data/>", "<C:calendar-home-set/>"),
    *("<getetag/>", "<getcontenttype/>", "<resourcetype/>", '<source xmlns="http://calendarserver.org/ns/"/>'),
)
_ACCEPTS = (
    *("*/*", "text/vcard", "text/vcard; version=4.0", "text/vcard;version=4.0, text/vcard;version=3.0;q=0.5"),
    *("text/vcard; version=2.1", "application/vcard+json", "text/html", "text/vcard;version=4.0;q=0, */*;q=0.1", "x"),
)
_BASE = datetime(2026, 6, 19, 22, tzinfo=UTC)
_CHANGES = ("20260329T003000Z", "20260329T010000Z", "20260329T013000Z", "20261025T003000Z", "20261025T010000Z")
_T = TypeVar("_T")
_NOTHING: st.SearchStrategy[Mapping[str, str]] = st.just({})


def paths() -> st.SearchStrategy[str]:
    """Return collections, nearly always Anna's."""
    usual = [f"/anna/{name}/" for name in NAMES]
    return mostly(
        st.sampled_from(usual), ["/anna/", "/", "/ben/tasks/", "/anna/nichts/", "/anna/tasks", "/anna/tasks/x"]
    )


def propfinds(_seen: Mapping[str, Seen]) -> st.SearchStrategy[Asked]:
    """Return PROPFINDs of names of properties."""
    bodies = st.one_of(props(_COLLECTION_PROPS), props(_ITEM_PROPS[:3])).map(
        lambda inner: f"<propfind {_SPACES}><prop>{inner}</prop></propfind>"
    )
    odd = [
        '<propfind xmlns="DAV:"><allprop/></propfind>', '<propfind xmlns="DAV:"><propname/></propfind>',
        '<propfind xmlns="DAV:"><allprop/><include><getetag/></include></propfind>', "<propfind/>", "", "<prop",
        '<propfind xmlns="DAV:"><prop/></propfind>', '<prop xmlns="DAV:"><getetag/></prop>',
    ]  # fmt: skip
    return asked(
        "PROPFIND", paths(), mostly(bodies, odd), mostly(st.sampled_from("01"), ["infinity", "", "2"]), _NOTHING
    )


def syncs(seen: Mapping[str, Seen]) -> st.SearchStrategy[Asked]:
    """Return sync-collections from tokens of all ages."""
    tokens = [token for one in seen.values() for token in one.tokens]
    bad = ["http://radicale.org/ns/sync/1-0", f"{tokens[0]}0", "x", tokens[0].rpartition("-")[0], "ü&amp;"]
    token = mostly(st.sampled_from([*tokens, ""]), bad)
    limits = ["<limit><nresults>3</nresults></limit>", "<limit><nresults>0</nresults></limit>", "<limit/>", "<x/>"]

    def body(inner: str, token: str, limit: str) -> str:
        return (
            f"<sync-collection {_SPACES}><sync-token>{token}</sync-token>{limit}<prop>{inner}</prop></sync-collection>"
        )

    bodies = st.builds(body, mostly(props(_ITEM_PROPS[:3]), _ITEM_PROPS), token, mostly(st.just(""), limits))
    odd = [
        '<sync-collection xmlns="DAV:"><prop><getetag/></prop></sync-collection>',
        '<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level></sync-collection>',
        f"<sync-collection {_SPACES}><sync-token>\n {tokens[0]}\n</sync-token><prop><a/></prop></sync-collection>",
    ]
    return asked("REPORT", paths(), mostly(bodies, odd), depths(), _NOTHING)


def multigets(seen: Mapping[str, Seen]) -> st.SearchStrategy[Asked]:
    """Return multigets of what there is, what is gone and what never was."""

    def of(name: str) -> st.SearchStrategy[Asked]:
        kind = "CR:addressbook" if name == "addresses" else "C:calendar"
        kinds = mostly(st.just(kind), ["CR:addressbook", "C:calendar"])
        inner = st.lists(_references(seen[name], name), max_size=8).map("".join)
        bodies = st.builds(
            lambda kind, props, inner: (
                f'<{kind}-multiget {_SPACES}><prop>{props}</prop>{inner}</{kind}-multiget>'
            ),
            kinds, props(_ITEM_PROPS), inner,
        )  # fmt: skip
        return asked("REPORT", st.just(f"/anna/{name}/"), bodies, depths(), _NOTHING)

    return st.sampled_from(NAMES).flatmap(of)


def _references(seen: Seen, name: str) -> st.SearchStrategy[str]:
    other = [f"/ben/{name}/x.vcf", "/anna/", f"/anna/{name}/", f"/anna/{name}", "/", "x.vcf", f"/anna/{name}/a/b", "*"]
    other += [
        f"/anna/tasks/../{name}/{quote(seen.hrefs[0])}",
        f"/anna//{name}/x",
        f"/anna/{name}/.",
        f"/anna/{name}/..",
    ]
    other += [
        f"/anna/{name}/{odd}"
        for odd in ("%2F", "a%2Fb", "%00", "%0A", "a%0Ab", "%FF", "%E4", "x;y", "?", "x?y=z", "#a")
    ]
    other += [
        f"/anna/{name}/{quote(seen.hrefs[0])}{end}" for end in ("/", "?a=b", "#c", ";d", " ", "\n  ", "%20", "%0A")
    ]
    other += [f"{NAMES[0]}/a", "http://[", "//anna/tasks/x", "", "  ", f"/anna/{name.upper()}/x", "urn:uuid:1"]
    known = st.sampled_from([*seen.hrefs, *seen.gone, "never.vcf"])
    spelt = st.tuples(known, st.sampled_from([_quoted, _quoted, _quoted, _all_quoted, _unquoted])).map(
        lambda drawn: drawn[1](drawn[0])
    )
    places = [f"{begin}/anna/{name}/" for begin in ("http://127.0.0.1:5232", "HTTPS://x:1", "/dav", "\n   ")]
    begins = mostly(st.just(f"/anna/{name}/"), [*places, f"/%61nna/{name}/"])
    hrefs = mostly(st.tuples(begins, spelt).map("".join), other)
    return hrefs.map(lambda href: f"<href>{escape(href)}</href>")


def queries(_seen: Mapping[str, Seen]) -> st.SearchStrategy[Asked]:
    """Return calendar-queries by time range."""
    attributes = st.tuples(st.sampled_from(["start", "end"]), _moments()).map(lambda drawn: f'{drawn[0]}="{drawn[1]}"')
    pairs = mostly(st.tuples(_moments(), _moments()).map(_in_order), [("20260620T080000Z", "20260620T070000Z")]).map(
        lambda drawn: f'start="{drawn[0]}" end="{drawn[1]}"'
    )
    ranges = st.one_of(pairs, attributes).map(lambda inner: f"<C:time-range {inner}/>")
    spans = st.one_of(ranges, ranges, ranges, st.just(""))
    odd = [
        "<C:time-range/>",
        "<C:is-not-defined/>",
        '<C:time-range start="x" end="y"/>',
        '<C:prop-filter name="SUMMARY"/>',
    ]

    def of(name: str) -> st.SearchStrategy[Asked]:
        components = mostly(
            st.just("VTODO" if name == "tasks" else "VEVENT"), ["VTODO", "VEVENT", "vevent", "VJOURNAL"]
        )
        bodies = st.builds(
            _query, props(_ITEM_PROPS), components, mostly(spans, odd), mostly(st.just(""), ["<timezone/>"])
        )
        return asked("REPORT", st.just(f"/anna/{name}/"), bodies, depths(), _NOTHING)

    return mostly(st.sampled_from(NAMES[1:]), NAMES).flatmap(of)


def gets(seen: Mapping[str, Seen]) -> st.SearchStrategy[Asked]:
    """Return GETs and HEADs of items."""

    def of(name: str) -> st.SearchStrategy[Asked]:
        mine = seen[name]
        odd = ["", "never.vcf", "a/b", "a//b", ".", "..", "x\ny", "%41", "sub/", "ä"]
        hrefs = mostly(st.sampled_from([*mine.hrefs, *mine.gone[:1]]), odd)
        tags = [
            {"HTTP_IF_NONE_MATCH": value} for value in (*mine.etags[:4], "*", 'W/"x"', "x", f'{mine.etags[0]}, "x"')
        ]
        others = [{"QUERY_STRING": "a=b"}, {"CONTENT_LENGTH": "x"}, {"CONTENT_LENGTH": "0"}, {"HTTP_DEPTH": "1"}]
        accepts = [{"HTTP_ACCEPT": value} for value in _ACCEPTS]
        usual: st.SearchStrategy[Mapping[str, str]] = st.one_of(_NOTHING, st.sampled_from(accepts))
        extra = mostly(usual, [*tags, *others, {"HTTP_RANGE": "bytes=0-1"}, {"HTTP_IF_MATCH": '"x"'}])
        paths = hrefs.map(lambda href: f"/anna/{name}/{href}")
        return asked(st.sampled_from(["GET", "GET", "HEAD"]), paths, st.just(""), st.just(""), extra)

    return st.sampled_from(NAMES).flatmap(of)


def mostly(usual: st.SearchStrategy[_T], odd: Sequence[_T]) -> st.SearchStrategy[_T]:
    """Return the usual, and the odd once in a while: a request has many parts, and most are to have no odd one."""
    return st.integers(0, 19).flatmap(lambda number: st.sampled_from(odd) if number == 13 else usual)


def depths() -> st.SearchStrategy[str]:
    """Return what a REPORT says of its depth."""
    return mostly(st.sampled_from(["1", "0", ""]), ["infinity", "2", " 1 ", "Infinity"])


def props(usual: Sequence[str]) -> st.SearchStrategy[str]:
    """Return elements for ``prop``: some usual ones, now and then odd ones, in any order, some twice."""
    name = st.text(string.ascii_letters, min_size=1, max_size=3)
    space = st.text(min_size=1, max_size=6).filter(str.isprintable)
    own = st.tuples(name, space).map(lambda drawn: f"<{drawn[0]} xmlns={quoteattr(drawn[1])}/>")
    few = st.lists(st.sampled_from(usual), min_size=1, max_size=6)
    many = st.lists(st.one_of(st.sampled_from(usual), st.sampled_from(_ODD_PROPS), own), max_size=6)
    return st.one_of(few, few, many).map("".join)


def asked(
    methods: str | st.SearchStrategy[str],
    paths: st.SearchStrategy[str],
    bodies: st.SearchStrategy[str],
    depth: st.SearchStrategy[str],
    extra: st.SearchStrategy[Mapping[str, str]],
) -> st.SearchStrategy[Asked]:
    """Return requests, in the ways that clients and proxies send them."""
    method = st.just(methods) if isinstance(methods, str) else methods
    return st.builds(_made, method, paths, bodies, depth, _headers(), extra, _wrappings())


def _made(
    method: str,
    path: str,
    body: str,
    depth: str,
    headers: Mapping[str, str],
    extra: Mapping[str, str],
    wrapping: tuple[str, str, str],
) -> Asked:
    before, after, charset = wrapping
    if "HTTP_X_FORWARDED_FOR" in headers or "HTTP_X_FORWARDED_HOST" in headers:
        path = headers.get("HTTP_X_SCRIPT_NAME", headers.get("SCRIPT_NAME", "")) + path
    depths = {"HTTP_DEPTH": depth} if depth else {}
    return Asked(
        method,
        path,
        {**depths, **headers, **extra},
        f"{before}{body}{after}".encode(charset, "xmlcharrefreplace") if body else b"",
    )


def _headers() -> st.SearchStrategy[dict[str, str]]:
    """Return what a client prefers, takes and is, and what proxies add."""
    minimal = [{"HTTP_PREFER": value} for value in ("return=minimal", "respond-async; Return=Minimal", "wait=5")]
    minimal += [{"HTTP_BRIEF": "t"}, {"HTTP_BRIEF": "f"}, {"HTTP_PREFER": "return=minimal"}]
    zips = [{"HTTP_ACCEPT_ENCODING": value} for value in ("gzip", "gzip, deflate", "gzip;q=0", "br", "x-gzip")]
    prefixes = [{"HTTP_X_SCRIPT_NAME": value} for value in ("/dav", "/dav/", "dav", "", "/d v/ü", "/anna")]
    prefixes += [{**prefix, "HTTP_X_FORWARDED_FOR": "1.2.3.4"} for prefix in prefixes]
    prefixes += [{"SCRIPT_NAME": "/dav"}, {"SCRIPT_NAME": "/dav", "HTTP_X_FORWARDED_HOST": "x"}]
    types = [
        {"CONTENT_TYPE": f"text/xml{end}"} for end in ("; charset=iso-8859-1", "; charset=x", ";charset=UTF-8", "")
    ]
    agents = [{"HTTP_USER_AGENT": agent} for agent in ("", "iOS/18", "x" * 300)]
    parts = [st.one_of(*([st.just({})] * 3), st.sampled_from(some)) for some in (minimal, zips, prefixes, agents)]
    return st.tuples(*parts, mostly(st.just({}), types)).map(_together)


def _together(drawn: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {name: value for one in drawn for name, value in one.items()}


def _wrappings() -> st.SearchStrategy[tuple[str, str, str]]:
    """Return what stands before and after a body, and in what encoding it is."""
    begins = (
        '<?xml version="1.0" encoding="{}"?>',
        "<?xml version=\"1.0\" encoding='{}'?>\n",
        "",
        '<?xml version="1.1"?>',
    )
    usual = [("", "", "utf-8"), (begins[0].format("utf-8"), "\n", "utf-8"), (begins[1].format("UTF-8"), "", "utf-8")]
    odd = [("\ufeff", "", "utf-8"), (begins[0].format("utf-16"), "", "utf-16"), (" ", "", "utf-8"), ("", "x", "utf-8")]
    odd += [(begins[0].format("windows-1252"), "", "cp1252"), (begins[0].format("iso-8859-1"), "", "utf-8")]
    odd += [("<!DOCTYPE x>", "", "utf-8"), ("<!-- x -->", "<!-- y -->", "utf-8"), (begins[3], "", "utf-8")]
    odd += [("\ufeff" + begins[0].format("iso-8859-1"), "", "utf-8"), ('<!DOCTYPE x [<!ENTITY a "b">]>', "", "utf-8")]
    return mostly(st.sampled_from(usual), odd)


def _moments() -> st.SearchStrategy[str]:
    """Return times around those of the items, to the second."""
    near = st.builds(
        lambda hours, seconds: f"{_BASE + timedelta(hours=hours, seconds=seconds):%Y%m%dT%H%M%SZ}",
        st.integers(-40, 60),
        st.sampled_from([0, 0, 1, -1]),
    )
    edges = st.sampled_from([*_CHANGES, "19000101T000000Z", "20991231T235959Z", "20260601T000000Z", "19900101T000000Z"])
    odd = [
        "00010101T000000Z",
        "99991231T235959Z",
        "20260620T080000",
        "20260620",
        "x",
        "20260620T080060Z",
        "20260230T000000Z",
    ]
    return mostly(st.one_of(near, near, edges), odd)


def _in_order(moments: tuple[str, str]) -> tuple[str, str]:
    return min(moments), max(moments)


def _query(props: str, component: str, inner: str, rest: str) -> str:
    filter_ = (
        f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="{component}">{inner}</C:comp-filter></C:comp-filter>'
    )
    return f"<C:calendar-query {_SPACES}><prop>{props}</prop><C:filter>{filter_}</C:filter>{rest}</C:calendar-query>"


def _quoted(href: str) -> str:
    return quote(href)


def _all_quoted(href: str) -> str:
    return "".join(f"%{byte:02x}" for byte in href.encode())


def _unquoted(href: str) -> str:
    return href
