"""Nobody reaches another login's anything: every method, every kind of path, two users and a stranger.

What is asked of another's place is answered as if there were nothing there, whether there is or not, and neither
FlowFact's rows nor the gateway's own change by it.
"""

from __future__ import annotations

import base64
import http.client
import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select

from radicale_flowfact.dav.store import tables
from tests import payloads
from tests.conftest import Agency, Server
from tests.device import CAL, CARD, CS, DAV

READING = ("GET", "HEAD", "PROPFIND", "REPORT", "OPTIONS", "TRACE", "SEARCH")
WRITING = (
    "PUT",
    "DELETE",
    "PROPPATCH",
    "MKCOL",
    "MKCALENDAR",
    "MOVE",
    "COPY",
    "POST",
    "PATCH",
    "LOCK",
    "UNLOCK",
    "ACL",
)
NAMES = ("addresses", "appointments", "tasks")
_XMLNS = f'xmlns="{DAV}" xmlns:C="{CAL}" xmlns:CR="{CARD}" xmlns:CS="{CS}"'
_PROPS = (
    "<prop><getetag/><displayname/><resourcetype/><owner/><sync-token/><CS:getctag/><getcontentlength/><acl/>"
    "<current-user-privilege-set/><CR:address-data/><C:calendar-data/><C:calendar-home-set/><principal-URL/></prop>"
)


@dataclass(frozen=True)
class Answered:
    """An answer, with all that it tells in one text."""

    status: int
    told: str


@dataclass
class Victim:
    """Somebody with something in each collection. ``secret`` is in each of his texts, ``hrefs`` are by collection."""

    login: str
    secret: str
    hrefs: dict[str, str]
    etags: dict[str, str]
    tokens: dict[str, str]

    @property
    def secrets(self) -> list[str]:
        """What no answer to anybody else may hold; ETags and tokens without their quotes."""
        return [
            self.secret,
            self.secret.lower(),
            *(tag.strip('"') for tag in self.etags.values()),
            *self.tokens.values(),
        ]


def fill(agency: Agency, server: Server, login: str, secret: str) -> Victim:
    """Give a user a record, a device-only item and a display name in each collection."""
    own = agency.own if login == "anna" else agency.bens
    agency.office.address([own], ["0221 4711"], NAME=secret, FIRMA=secret, EMAIL=f"{secret.lower()}@example.org")
    agency.appointment(merkmale=[own], BETREFF=secret, NOTIZ=secret)
    agency.task(merkmale=[own], BETREFF=secret)
    device = server.device(login)
    device.put("addresses/private.vcf", payloads.vcard(f"p-{secret}", "CATEGORIES:privat", f"NOTE:{secret}"), new=True)
    series = payloads.event(f"s-{secret}", "RRULE:FREQ=DAILY;COUNT=3", summary=secret)
    device.put("appointments/series.ics", series, new=True)
    for name in NAMES:
        body = f"<propertyupdate {_XMLNS}><set><prop><displayname>{secret}</displayname></prop></set></propertyupdate>"
        assert device.request("PROPPATCH", f"{name}/", body).status == 207
    synced = {name: device.sync(name) for name in NAMES}
    # One of a record: what both made themselves has the same name with both.
    hrefs = {name: next(href for href in one.changed if href.startswith("flowfact-")) for name, one in synced.items()}
    etags = {name: one.changed[hrefs[name]] for name, one in synced.items()}
    return Victim(login, secret, hrefs, etags, {name: one.token for name, one in synced.items()})


@pytest.fixture
def victims(agency: Agency, server: Server) -> dict[str, Victim]:
    server.start()
    agency.office.change(agency.office.tables.user, {"DSN": agency.ben}, ART_TERMIN_DSN=agency.visit)
    return {login: fill(agency, server, login, secret) for login, secret in (("anna", "ANNAZEUG"), ("ben", "BENZEUG"))}


def ask(
    server: Server, login: str, method: str, path: str, body: str = "", headers: Mapping[str, str] | None = None
) -> Answered:
    """Send a request exactly as it is: no library tidies the path up."""
    connection = http.client.HTTPConnection(server.base.removeprefix("http://"), timeout=60)
    password = "pw" if login else ""
    credentials = base64.b64encode(f"{login}:{password}".encode()).decode()
    sent = {**({"Authorization": f"Basic {credentials}"} if login else {}), "Depth": "1", **(headers or {})}
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in sent.items():
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(body.encode())))
    connection.endheaders(body.encode())
    answer = connection.getresponse()
    told = answer.read().decode("utf-8", "replace") + "\n" + str(answer.headers)
    connection.close()
    return Answered(answer.status, told)


def kept(agency: Agency, victim: Victim) -> dict[str, list[Any]]:
    """Return all rows of FlowFact, and the gateway's of this user."""
    rows: dict[str, list[Any]] = dict(agency.office.everything())
    collection, item, history = tables.collection, tables.item, tables.history
    with agency.office.engine.connect() as connection:
        mine = select(collection.c.id).where(collection.c.login == victim.login)
        ids = select(item.c.id).where(item.c.collection_id.in_(mine))
        for name, query in {
            "collections": select(collection).where(collection.c.login == victim.login).order_by(collection.c.id),
            "items": select(item).where(item.c.collection_id.in_(mine)).order_by(item.c.id),
            "versions": select(tables.version.c.etag).where(tables.version.c.item_id.in_(ids)).order_by("etag"),
            "journal": select(tables.journal).where(tables.journal.c.collection_id.in_(mine)).order_by("last_number"),
            "history": select(history).where(history.c.login == victim.login).order_by(history.c.id),
        }.items():
            rows[name] = [tuple(row) for row in connection.execute(query)]
    return rows


def others_places(victim: Victim) -> dict[str, str]:
    """Return each kind of path to another's things, by what it is."""
    me, him = ("anna", "ben") if victim.login == "ben" else ("ben", "anna")
    places = {"home": f"/{him}/", "home without slash": f"/{him}", "no collection": f"/{him}/other/"}
    for name in NAMES:
        href = quote(victim.hrefs[name])
        places |= {
            name: f"/{him}/{name}/",
            f"{name} without slash": f"/{him}/{name}",
            f"an item of {name}": f"/{him}/{name}/{href}",
            f"a new item of {name}": f"/{him}/{name}/new.ics",
        }
    href = quote(victim.hrefs["addresses"])
    encoded = "".join(f"%{ord(char):02x}" for char in him)
    return places | {
        "percent-encoded": f"/{encoded}/addresses/{href}",
        "percent-encoded collection": f"/{encoded}/%61ddresses/",
        "encoded slashes": f"/{him}%2Faddresses%2F{href}",
        "up and down": f"/{me}/../{him}/addresses/{href}",
        "up and down, encoded": f"/{me}/%2e%2e/{him}/addresses/{href}",
        "up from a collection": f"/{me}/addresses/..%2f..%2f{him}/addresses/{href}",
        "backslashes": f"/{me}\\..\\{him}\\addresses\\{href}",
        "two slashes": f"//{him}//addresses/{href}",
        "a dot": f"/./{him}/addresses/{href}",
        "upper case": f"/{him.upper()}/addresses/{href}",
        "a blank behind": f"/{him}%20/addresses/{href}",
        "a null byte": f"/{him}%00/addresses/{href}",
        "free-busy": f"/{him}/appointments/?view=freebusy&start=20260601T000000Z&end=20270101T000000Z",
        "a whole URL": f"http://127.0.0.1/{him}/addresses/{href}",
        "full-width letters": quote("/" + "".join(chr(ord(char) + 0xFEE0) for char in him)) + f"/addresses/{href}",
    }


def body_of(method: str, victim: Victim, name: str = "addresses") -> str:
    """Return a body that fits the method and asks for all that there is."""
    if method == "PROPFIND":
        return f"<propfind {_XMLNS}>{_PROPS}</propfind>"
    if method == "REPORT":
        return reports_of(victim, name)["sync without a token"]
    if method == "PROPPATCH":
        return f"<propertyupdate {_XMLNS}><set><prop><displayname>mine</displayname></prop></set></propertyupdate>"
    if method in ("MKCOL", "MKCALENDAR", "LOCK", "ACL", "SEARCH"):
        return ""
    return payloads.vcard("taken") if name == "addresses" else payloads.event("taken")


def reports_of(victim: Victim, name: str) -> dict[str, str]:
    """Return reports that name another's things in their bodies."""
    kind, data = ("CR:addressbook", "CR:address-data") if name == "addresses" else ("C:calendar", "C:calendar-data")
    wanted = f"<prop><getetag/><{data}/></prop>"
    path = f"/{victim.login}/{name}/{quote(victim.hrefs[name])}"
    hrefs = [path, f"http://127.0.0.1{path}", f"/x/..{path}", path.replace("/", "%2F"), quote(victim.hrefs[name]),
             f"../../{victim.login}/{name}/{quote(victim.hrefs[name])}"]  # fmt: skip
    listed = "".join(f"<href>{href}</href>" for href in hrefs)
    sync = f"<sync-level>infinite</sync-level>{wanted}"
    principal = f"<principal-collection-set/></prop><prop><displayname/></prop><match>{victim.login}</match>"
    return {
        "multiget of another's hrefs": f"<{kind}-multiget {_XMLNS}>{wanted}{listed}</{kind}-multiget>",
        "query of all": f"<{kind}-query {_XMLNS}>{wanted}</{kind}-query>",
        "sync without a token": f"<sync-collection {_XMLNS}><sync-token/>{sync}</sync-collection>",
        "sync with another's token": f"<sync-collection {_XMLNS}><sync-token>{victim.tokens[name]}</sync-token>{sync}"
        "</sync-collection>",
        "expand-property": f'<expand-property {_XMLNS}><property name="owner"><property name="displayname"/></property>'
        "</expand-property>",
        "search for a principal": f"<principal-property-search {_XMLNS}><property-search><prop><displayname/></prop>"
        f"<match>{victim.login}</match></property-search><prop><displayname/></prop></principal-property-search>",
        "match of a principal": f"<principal-match {_XMLNS}><principal-property><owner/></principal-property>{_PROPS}"
        "</principal-match>",
        "principals of an ACL": f"<acl-principal-prop-set {_XMLNS}><prop>{principal.partition('</prop>')[0]}</prop>"
        "</acl-principal-prop-set>",
        "free-busy": f'<C:free-busy-query {_XMLNS}><C:time-range start="20260601T000000Z" end="20270101T000000Z"/>'
        "</C:free-busy-query>",
    }


def tricks(victim: Victim, name: str) -> dict[str, dict[str, str]]:
    """Return headers that name another's things, or say that one is another."""
    path = f"/{victim.login}/{name}/{quote(victim.hrefs[name])}"
    return {
        "Destination": {"Destination": f"/{victim.login}/{name}/new.vcf", "Overwrite": "T"},
        "Destination of his item": {"Destination": f"http://127.0.0.1{path}", "Overwrite": "T"},
        "If": {"If": f"<{path}> ([{victim.etags[name]}])"},
        "If-Match": {"If-Match": victim.etags[name]},
        "If-None-Match": {"If-None-Match": victim.etags[name]},
        "X-Script-Name": {"X-Script-Name": f"/{victim.login}", "X-Forwarded-For": "127.0.0.1"},
        "X-Remote-User": {"X-Remote-User": victim.login, "Remote-User": victim.login},
        "method override": {"X-HTTP-Method-Override": "DELETE", "X-HTTP-Method": "DELETE"},
        "original URL": {"X-Original-URL": path, "X-Rewrite-URL": path},
        "On-Behalf": {"X-Forwarded-User": victim.login, "On-Behalf-Of": victim.login, "From": victim.login},
    }


def require_silence(answer: Answered, victim: Victim, sent: str, what: str) -> None:
    """Fail if an answer tells anything of another that was not in the request itself."""
    for secret in victim.secrets:
        assert secret not in answer.told or secret in sent, f"{what}: {answer.status} tells {secret}: {answer.told}"


MINE = [("anna", "ben"), ("ben", "anna"), ("", "anna")]
IDS = ["anna at ben's", "ben at anna's", "nobody at anna's"]


@pytest.mark.parametrize(("login", "other"), MINE, ids=IDS)
def test_every_method_on_every_kind_of_path_of_another(
    agency: Agency, server: Server, victims: dict[str, Victim], login: str, other: str
) -> None:
    victim = victims[other]
    before = kept(agency, victim)
    places = others_places(victim)
    for method, (kind, path) in itertools.product((*READING, *WRITING), places.items()):
        name = next((name for name in NAMES if name in path), "addresses")
        body = body_of(method, victim, name)
        for depth in ("0", "1") if method == "PROPFIND" else ("1",):
            answer = ask(server, login, method, path, body, {"Depth": depth})
            require_silence(answer, victim, path + body, f"{method} of {kind}")
            assert answer.status >= 300 or method == "OPTIONS", f"{method} of {kind}: {answer}"
            assert answer.status < 500 or answer.status == 501, f"{method} of {kind}: {answer}"
    assert kept(agency, victim) == before


@pytest.mark.parametrize(("login", "other"), MINE, ids=IDS)
def test_what_is_there_cannot_be_told_from_what_is_not(
    agency: Agency, server: Server, victims: dict[str, Victim], login: str, other: str
) -> None:
    """The same answer for another's item and for none, for a login that exists and for one that does not."""
    victim = victims[other]
    pairs = [
        (f"/{other}/", "/nobody/"),
        (f"/{other}/addresses/", "/nobody/addresses/"),
        (f"/{other}/tasks/", "/nobody/tasks/"),
    ]
    for name in NAMES:
        pairs.append((f"/{other}/{name}/{quote(victim.hrefs[name])}", f"/{other}/{name}/{'x' * 40}.vcf"))
        pairs.append((f"/{other}/{name}/{quote(victim.hrefs[name])}", f"/nobody/{name}/{'x' * 40}.vcf"))
    for method, (there, not_there) in itertools.product((*READING, *WRITING), pairs):
        name = next((name for name in NAMES if name in there), "addresses")
        for headers in ({}, {"If-Match": victim.etags[name]}, {"If-None-Match": "*"}):
            body = body_of(method, victim, name)
            told = [ask(server, login, method, path, body, headers) for path in (there, not_there)]
            plain = [normal(answer, path) for answer, path in zip(told, (there, not_there), strict=True)]
            assert plain[0] == plain[1], f"{method} {there} {headers}"


def normal(answer: Answered, path: str) -> tuple[int, str]:
    """Return an answer without what differs by nature: the path, the time and the request's own number."""
    text = answer.told.replace(path, "<path>").replace(path.rstrip("/"), "<path>")
    return answer.status, re.sub(r"(?m)^(Date|Content-Length|X-Request-ID): .*$", "", text)


@pytest.mark.parametrize(("login", "other"), MINE[:2], ids=IDS[:2])
def test_requests_at_ones_own_that_name_anothers(
    agency: Agency, server: Server, victims: dict[str, Victim], login: str, other: str
) -> None:
    """Bodies and headers; the first round warms what answers hot requests, the second asks it."""
    victim = victims[other]
    before = kept(agency, victim)
    for _ in range(2):
        for place, name in itertools.product((f"/{login}/", "/", *(f"/{login}/{one}/" for one in NAMES)), NAMES):
            for kind, body in reports_of(victim, name).items():
                answer = ask(server, login, "REPORT", place, body)
                require_silence(answer, victim, body, f"REPORT {kind} at {place}")
                assert answer.status < 500, f"REPORT {kind} at {place}: {answer}"
    require_same(before, kept(agency, victim))


@pytest.mark.parametrize(("login", "other"), MINE[:2], ids=IDS[:2])
def test_headers_that_name_anothers(
    agency: Agency, server: Server, victims: dict[str, Victim], login: str, other: str
) -> None:
    victim, mine = victims[other], victims[login]
    before = kept(agency, victim)
    for name, (kind, headers) in [(one, trick) for one in NAMES for trick in tricks(victim, one).items()]:
        own = [
            f"/{login}/{name}/",
            f"/{login}/{name}/{quote(mine.hrefs[name])}",
            f"/{login}/{name}/none.ics",
            f"/{name}/",
        ]
        for method, path in itertools.product(("GET", "PROPFIND", "REPORT", "MOVE", "COPY", "LOCK", "POST"), own):
            body = body_of(method, victim, name)
            answer = ask(server, login, method, path, body, headers)
            require_silence(answer, victim, body + str(headers), f"{method} {path} with {kind}")
            assert answer.status < 500 or answer.status == 501, f"{method} {path} with {kind}: {answer}"
    require_same(before, kept(agency, victim))


def require_same(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> None:
    """Fail with the first table that differs."""
    for name, rows in before.items():
        assert after[name] == rows, name


@pytest.mark.parametrize(("login", "other"), MINE[:2], ids=IDS[:2])
def test_anothers_uids_and_hrefs_open_nothing(
    agency: Agency, server: Server, victims: dict[str, Victim], login: str, other: str
) -> None:
    """Put under one's own path they make a record of one's own; deleting them deletes nothing of the other's."""
    victim = victims[other]
    device, his = server.device(login), server.device(other)
    before = kept(agency, victim)
    uids = {name: his.get(f"{name}/{victim.hrefs[name]}").text for name in NAMES}
    for name in NAMES:
        uid = next(line for line in payloads.lines_of(uids[name]) if line.startswith("UID:")).removeprefix("UID:")
        href = f"stolen-{victim.hrefs[name]}"
        assert device.get(f"{name}/{victim.hrefs[name]}").status == 404
        assert device.delete(f"{name}/{victim.hrefs[name]}").status == 404
        made = {"addresses": payloads.vcard(uid), "appointments": payloads.event(uid), "tasks": payloads.todo(uid)}
        assert device.put(f"{name}/{href}", made[name], new=True).status == 201
        assert victim.secret not in device.get(f"{name}/{href}").text
        assert device.delete(f"{name}/{href}").status == 200
    after = kept(agency, victim)
    for name in ("collections", "items", "versions", "journal", "history"):
        assert after[name] == before[name], name
    for name in ("AD", "ADTEL", "ADMKM", "AKT", "AKTMKM", "RECHTE", "BEN", "MKM", "BENMKM"):
        assert [row for row in before[name] if row not in after[name]] == [], f"a row of {name} changed"


@pytest.mark.parametrize("path", ["/.mobileconfig", "/.web/", "/.sharing/v1/all/list", "/.well-known/caldav", "/"])
@pytest.mark.parametrize(("login", "other"), MINE, ids=IDS)
def test_places_of_nobody_tell_of_nobody_else(
    server: Server, victims: dict[str, Victim], login: str, other: str, path: str
) -> None:
    victim = victims[other]
    for method in (*READING, *WRITING):
        for query in ("", f"?user={other}", f"?login={other}"):
            answer = ask(server, login, method, path + query, body_of(method, victim))
            require_silence(answer, victim, "", f"{method} {path}")
            assert f"/{other}/" not in answer.told, f"{method} {path}: {answer}"
            assert not re.search(rf"\b{other}\b", answer.told.replace(query, "")), f"{method} {path}: {answer}"


def test_the_walk_would_notice_a_leak(server: Server, victims: dict[str, Victim]) -> None:
    ben = victims["ben"]
    seen: Iterable[Answered] = [ask(server, "ben", "GET", f"/ben/{name}/{quote(ben.hrefs[name])}") for name in NAMES]
    for answer in seen:
        with pytest.raises(AssertionError):
            require_silence(answer, ben, "", "his own")
