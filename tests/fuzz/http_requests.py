"""Random requests: methods, paths, headers and bodies that are a little, or altogether, wrong."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bench.complexity.counting import clear_caches
from tests.fuzz.mutating import ODD, mutated

T = TypeVar("T")
COLLECTIONS = ["addresses", "appointments", "tasks"]
_SUFFIX = {"addresses": ".vcf", "appointments": ".ics", "tasks": ".ics"}
_METHODS = ["GET", "PUT", "PUT", "PUT", "DELETE", "PROPFIND", "REPORT", "REPORT", "REPORT", "PROPPATCH"]
_RARE = [
    "HEAD",
    "OPTIONS",
    "POST",
    "MOVE",
    "MKCOL",
    "MKCALENDAR",
    "LOCK",
    "PATCH",
    "get",
    "FOO",
    "COPY",
    "ACL",
    "TRACE",
]
_PATHS = [
    *("/", "", "/anna", "/anna/", "/ben/", "/ben/addresses/", "/nobody/", "/anna/other/", "//", "/anna//addresses/"),
    *(
        "/anna/../ben/",
        "/anna/addresses/../../ben/addresses/",
        "/%2e%2e/etc/passwd",
        "/anna/%2e/",
        "/anna/%00",
        "/..%2f",
    ),
    *(
        "/anna/addresses/%00.vcf",
        "/anna/addresses/a%0d%0ab",
        "/anna/addresses/x/y/z",
        "/anna/addresses/%F0%9F%98%80.vcf",
    ),
    *("/anna/addresses/%ff%fe", "/anna/addresses/%25", "/anna/addresses/" + "a" * 2000 + ".vcf", "/.well-known/caldav"),
    *("/.web/", "/.mobileconfig", "/.sharing/v1/", "/anna/appointments/?view=freebusy", "/anna/?view=freebusy", "*"),
    *("/anna/appointments/?view=freebusy&start=0&end=x", "/anna/addresses/?" + "a=b&" * 300, "http://x/anna/", "anna"),
    *("/anna/appointments/?view=freebusy&start=20260701T000000Z&end=20260801T000000Z", "/anna/appointments?%00"),
]
_NAMES = ["known", "known", "a%20b", "ä", "%2F", "a;b", "-", ".hidden"]
_HEADERS = {
    "Depth": ["0", "1", "infinity", "", "-1", "2", "x", "0, 1", "1,noroot"],
    "If-Match": ["*", '"x"', 'W/"x"', '"a", "b"', "x", "", '"' * 500, '"a",' * 200],
    "If-None-Match": ["*", '"x"', 'W/"x", "y"', '"'],
    "Content-Type": [
        *("text/vcard; charset=utf-8", "text/calendar", "text/calendar; charset=utf-16", "text/xml; charset=utf-7"),
        *(
            "text/vcard; charset=nosuch",
            'text/xml; charset="iso-8859-1"',
            "text/calendar; charset=rot13",
            "",
            ";",
            "a" * 900,
        ),
        *("text/vcard; charset=punycode", "text/calendar; charset=" + "x" * 500, "text/calendar; charset=idna"),
    ],
    "Authorization": [
        "Basic",
        "Basic !!!",
        "Basic YW5uYQ==",
        "Bearer x",
        "Basic YW5uYTp3cm9uZw==",
        "Digest a=b",
        "Basic \xff",
    ],
    "Prefer": ["return=minimal", "depth-noroot", "x"],
    "Accept-Encoding": ["gzip", "identity", "*", "gzip;q=0"],
    "X-Script-Name": ["/x", "x", "/", "/../", "/x/"],
    "X-Forwarded-For": ["1.2.3.4", "\x1b[31m"],
    "Destination": ["/anna/addresses/moved.vcf", "http://elsewhere/x", "", "http://[", "/anna/addresses/../x"],
    "Overwrite": ["T", "F", "x"],
    "User-Agent": ["iOS/18.0", "", "ä\xff" * 20, "a" * 3000, "x\x01y"],
    "Transfer-Encoding": ["chunked", "gzip", "identity"],
    "Content-Length": [
        "-1",
        "abc",
        "0",
        "5",
        "999999999999",
        "1_0",
        "+3",
        "٣",
        "1e3",
        " 7 ",
        "99999999999999999999999",
    ],
    "Expect": ["100-continue"],
    "Range": ["bytes=0-1", "bytes=9-1"],
    "Host": ["", "a" * 300, "x:y"],
}
_TOKENS = ["D:", "C:", "CR:", "CS:", ""]
_LEAVES = [
    *(
        "prop",
        "propname",
        "allprop",
        "href",
        "filter",
        "comp-filter",
        "prop-filter",
        "param-filter",
        "text-match",
        "time-range",
    ),
    *(
        "is-not-defined",
        "expand",
        "limit-recurrence-set",
        "calendar-data",
        "address-data",
        "sync-token",
        "sync-level",
        "limit",
    ),
    *(
        "nresults",
        "getetag",
        "getctag",
        "displayname",
        "resourcetype",
        "set",
        "remove",
        "calendar-color",
        "comp",
        "timezone",
    ),
    *(
        "supported-calendar-component-set",
        "current-user-principal",
        "calendar-home-set",
        "acl",
        "owner",
        "getcontenttype",
    ),
    *(
        "getcontentlength",
        "getlastmodified",
        "supported-report-set",
        "calendar-timezone",
        "max-resource-size",
        "x" * 50,
    ),
    *(
        "principal-collection-set",
        "current-user-privilege-set",
        "getcontentcount",
        "calendar-order",
        "source",
        "collection",
    ),
]
_ROOTS = [
    *(
        "D:propfind",
        "D:propertyupdate",
        "D:sync-collection",
        "C:calendar-query",
        "C:calendar-multiget",
        "C:free-busy-query",
    ),
    *("CR:addressbook-query", "CR:addressbook-multiget", "D:expand-property", "D:principal-property-search", "D:mkcol"),
    *(
        "D:principal-search-property-set",
        "D:acl-principal-prop-set",
        "D:principal-match",
        "C:mkcalendar",
        "C:nosuch",
        "D:lockinfo",
    ),
]
_ATTRIBUTES = {
    "name": [
        "VCALENDAR",
        "VEVENT",
        "VTODO",
        "VALARM",
        "VTIMEZONE",
        "SUMMARY",
        "FN",
        "TEL",
        "TYPE",
        "UID",
        "",
        "X.EMAIL",
        "calendar-data",
    ],
    "start": ["20260701T000000Z", "00010101T000000Z", "99991231T235959Z", "20260701", "", "x", "20269999T000000Z"],
    "end": ["20260801T000000Z", "20260601T000000Z", "99991231T235959Z", "20260801T000000", ""],
    "test": ["anyof", "allof", "noneof", ""],
    "collation": ["i;octet", "i;ascii-casemap", "i;unicode-casemap", "x"],
    "match-type": ["contains", "equals", "starts-with", "ends-with", "like", ""],
    "negate-condition": ["yes", "no", "maybe"],
    "content-type": ["text/calendar", "x"],
}
_TEXTS = [
    *(
        "",
        "x",
        "1",
        "0",
        "-1",
        "infinite",
        "/anna/addresses/known.vcf",
        "/anna/appointments/known.ics",
        "/ben/addresses/x.vcf",
        "http://[",
    ),
    *(
        "/anna/addresses/%00",
        "/anna/addresses/../x",
        "//",
        "http://radicale.org/ns/sync/x",
        "data:x",
        "10000000000000000000",
        "ä",
    ),
    *(
        "/anna/appointments/known.ics?x#y",
        "999999",
        "&lt;b&gt;",
        "a" * 500,
        "#FF0000FF",
        "%",
        "%zz",
        "/anna/addresses/",
    ),
]
_RAW = [
    b"", b"x", b"<", b"<a/>", b"\x00", b"\xff\xfe<\x00a\x00/\x00>\x00", b"<a>" * 200, b"<a>" * 100 + b"</a>" * 100,
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;&b;">]><a>&d;</a>',
    b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><propfind xmlns="DAV:"><prop>&x;</prop></propfind>',
    b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><a/>', b'<?xml version="1.0" encoding="utf-16"?><a/>',
    b"<a xmlns='DAV:' b='1' b='2'/>", b"<x:a/>", b'<?xml version="1.1"?><a/>', b"\xef\xbb\xbf<propfind xmlns='DAV:'/>",
]  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """One request as it goes over the wire. ``cut``: how many bytes of the body are held back."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    cut: int = 0

    def wire(self, host: str, authorization: str) -> bytes:
        """Return the bytes; what the headers say already is not said again."""
        named = {name.lower() for name, _ in self.headers}
        headers = list(self.headers)
        if "host" not in named:
            headers.append(("Host", host))
        if "authorization" not in named:
            headers.append(("Authorization", authorization))
        if "content-length" not in named and "transfer-encoding" not in named:
            headers.append(("Content-Length", str(len(self.body))))
        head = [f"{self.method} {self.path or '/'} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
        kept = len(self.body) - min(self.cut, len(self.body))
        return "\r\n".join(head).encode("utf-8", "replace") + self.body[:kept]


def _element(dice: random.Random, depth: int = 0) -> str:
    """Return an XML element of DAV, with the wrong ones in it as often as the right ones."""
    name = dice.choice(_TOKENS) + dice.choice(_LEAVES)
    chosen = dice.sample(sorted(_ATTRIBUTES), dice.choice([0, 0, 1, 2]))
    attributes = "".join(f' {key}="{dice.choice(_ATTRIBUTES[key])}"' for key in chosen)
    inner = "" if depth > 3 else "".join(_element(dice, depth + 1) for _ in range(dice.randrange(3)))
    text = dice.choice(_TEXTS) if dice.random() < 0.4 else ""
    return f"<{name}{attributes}>{text}{inner}</{name}>"


def _range(dice: random.Random) -> str:
    """Return the attributes of a time range, mostly a sound one."""
    if dice.random() < 0.6:
        return 'start="20260701T000000Z" end="20260801T000000Z"'
    return " ".join(f'{name}="{dice.choice(_ATTRIBUTES[name])}"' for name in ("start", "end") if dice.random() < 0.8)


def _calendar_query(dice: random.Random) -> str:
    """Return a calendar-query that means something, or nearly."""
    times = f"<C:time-range {_range(dice)}/>"
    text = escaped(dice.choice(ODD[:12]))
    parts = [
        *(times, times, f'<C:comp-filter name="VALARM">{times}</C:comp-filter>', "<C:is-not-defined/>"),
        f'<C:prop-filter name="SUMMARY"><C:text-match>{text}</C:text-match></C:prop-filter>',
        f'<C:prop-filter name="DTSTART">{times}<C:param-filter name="TZID"/></C:prop-filter>',
    ]
    inner = "".join(dice.sample(parts, dice.randrange(3)))
    data = dice.choice(["", f"<C:expand {_range(dice)}/>", f"<C:limit-recurrence-set {_range(dice)}/>"])
    one = f'<C:comp-filter name="{dice.choice(["VEVENT", "VTODO"])}">{inner}</C:comp-filter>'
    filters = f'<C:filter><C:comp-filter name="VCALENDAR">{one}</C:comp-filter></C:filter>'
    asked = f"<D:prop><D:getetag/><C:calendar-data>{data}</C:calendar-data></D:prop>{filters}"
    return dice.choice([asked, asked, f"<C:time-range {_range(dice)}/>"])


def _card_query(dice: random.Random) -> str:
    """Return an addressbook-query that means something, or nearly."""
    kind, test = dice.choice(_ATTRIBUTES["match-type"]), dice.choice(_ATTRIBUTES["test"])
    match = f'<CR:text-match match-type="{kind}">{escaped(dice.choice(ODD[:12]))}</CR:text-match>'
    param = f'<CR:param-filter name="TYPE">{dice.choice([match, "<CR:is-not-defined/>", ""])}</CR:param-filter>'
    inner = "".join(dice.sample([match, param, "<CR:is-not-defined/>"], dice.randrange(3)))
    prop = f'<CR:prop-filter name="{dice.choice(["FN", "N", "TEL", "EMAIL", ""])}">{inner}</CR:prop-filter>'
    return f'<D:prop><D:getetag/><CR:address-data/></D:prop><CR:filter test="{test}">{prop}</CR:filter>'


def escaped(text: str) -> str:
    """Return a text for XML; what XML cannot carry is left out."""
    kept = "".join(char for char in text if char >= " " and not "\ud800" <= char <= "\udfff")
    return kept.replace("&", "&amp;").replace("<", "&lt;")


def xml(dice: random.Random, root: str = "") -> bytes:
    """Return an XML body: one that nearly makes sense, one of random elements, or rubbish."""
    kind = dice.choice(["calendar", "calendar", "card", "random", "random", "raw"])
    if kind == "raw":
        return dice.choice(_RAW)
    if kind == "calendar":
        body, root = _calendar_query(dice), dice.choice(["C:calendar-query"] * 4 + ["C:free-busy-query"])
    elif kind == "card":
        body, root = _card_query(dice), "CR:addressbook-query"
    else:
        root = root if root and dice.random() < 0.7 else dice.choice(_ROOTS)
        body = "".join(_element(dice) for _ in range(dice.randrange(4)))
    spaces = (
        'xmlns="DAV:" xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" '
        'xmlns:CR="urn:ietf:params:xml:ns:carddav" xmlns:CS="http://calendarserver.org/ns/"'
    )
    text = f'<?xml version="1.0" encoding="utf-8"?><{root} {spaces}>{body}</{root}>'
    return text.encode("utf-8", "surrogatepass")


def request(dice: random.Random) -> Sent:
    """Return a request: mostly one that gets as far as a handler."""
    method = dice.choice(_METHODS if dice.random() < 0.9 else _RARE)
    collection = dice.choice(COLLECTIONS)
    name, suffix = dice.choice(_NAMES), _SUFFIX[collection]
    item = f"/anna/{collection}/{name}{suffix}"
    path = dice.choice([f"/anna/{collection}/", item] if dice.random() < 0.75 else _PATHS)
    body = b""
    if method == "PUT":
        path = item if dice.random() < 0.8 else path
        body = mutated(dice, suffix).encode("utf-8", "surrogatepass")
    elif method in ("REPORT", "PROPFIND", "PROPPATCH", "MKCALENDAR") or dice.random() < 0.05:
        body = xml(dice, {"PROPFIND": "D:propfind", "PROPPATCH": "D:propertyupdate"}.get(method, ""))
    headers = {"Depth": dice.choice("01")} if method in ("PROPFIND", "REPORT") else {}
    if dice.random() < 0.4:
        other = dice.choice(sorted(_HEADERS))
        headers[other] = dice.choice(_HEADERS[other])
    cut = dice.choice([1, 40]) if dice.random() < 0.05 else 0  # rarely does less come than was announced
    return Sent(method, path.replace(" ", "%20"), tuple(headers.items()), body, cut)


def script(seed: int) -> Sequence[Sent]:
    """Return some requests in a row."""
    dice = random.Random(seed)  # noqa: S311 - chance that can be had again
    return [request(dice) for _ in range(8)]


def answered_within(seconds: float, ask: Callable[[], T]) -> T:
    """Return an answer that took so many seconds of the processor at most; the first one, if it had to ask twice.

    Other threads of this process count, too, so that what took too long is asked once more. What is slow is slow then
    as well: Python's collector does not run, and no cache knows the question.
    """
    answers: list[T] = []
    took = 0.0
    for _ in range(2):
        clear_caches(["radicale_flowfact"])
        gc.disable()
        try:
            started = time.process_time()
            answers.append(ask())
            took = time.process_time() - started
        finally:
            gc.enable()
        if took < seconds:
            return answers[0]
    raise AssertionError(f"it took {took:.1f} s of the processor, and {seconds} are the most")
