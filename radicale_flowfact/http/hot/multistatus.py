"""Serializes multistatus answers (RFC 4918 §14.16) as text, one response element for each item."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from radicale_flowfact.http.hot.bodies import CALDAV, CARDDAV, DAV

HEAD = (
    "<?xml version='1.0' encoding='utf-8'?>\n"
    '<multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CR="urn:ietf:params:xml:ns:carddav">'
)
TAIL = "</multistatus>"
OK = "<status>HTTP/1.1 200 OK</status>"
NOT_FOUND = "<status>HTTP/1.1 404 Not Found</status>"
_PLAIN = re.compile(r"[\w.~\n-]*", re.ASCII)
_PREFIXES = {DAV: "", CALDAV: "C:", CARDDAV: "CR:"}

Row = Sequence[str]
"""The values of a template: ETag, or ETag and text."""


def element(tag: str, content: str = "", *, declared: bool = False) -> str:
    """Return an element by its name in Clark notation; ``declared``: with its namespace, unless that is DAV's."""
    space, _, name = tag.rpartition("}")
    prefix = _PREFIXES.get(f"{space}}}")
    if prefix is None or (declared and prefix):
        start, end = f"{name} xmlns={quoteattr(space[1:])}", name
    else:
        start = end = f"{prefix}{name}"
    return f"<{start}>{content}</{end}>" if content else f"<{start} />"


def propstat_template(
    props: Sequence[str], known: Mapping[str, str], *, declared: bool = False, minimal: bool = False
) -> str:
    """Return the propstats of an item as a template for ``str.format``: status 200, then 404.

    ``known``: content by property name; ``{0}`` is the ETag, ``{1}`` the text. ``minimal`` leaves out the propstat
    with 404 (RFC 8144 §2.1).
    """
    there = "".join(element(tag, known[tag], declared=declared) for tag in props if tag in known)
    missing = "".join(element(tag, declared=declared) for tag in props if tag not in known and not minimal)
    missing = missing.replace("{", "{{").replace("}", "}}")
    propstats = f"<propstat><prop>{there}</prop>{OK}</propstat>" if there or minimal else ""
    return propstats + (f"<propstat><prop>{missing}</prop>{NOT_FOUND}</propstat>" if missing else "")


def responses(base: str, hrefs: Sequence[str], rows: Iterable[Row], template: str) -> list[str]:
    """Return the response elements of items: hrefs below ``base``, and ``template`` filled from their rows."""
    make = template.format
    return [
        f"<response><href>{base}{href}</href>{make(*row)}</response>"
        for href, row in zip(quoted(hrefs), rows, strict=True)
    ]


def not_found(base: str, hrefs: Sequence[str]) -> list[str]:
    """Return the response elements of items that do not exist: status 404."""
    return [f"<response><href>{base}{href}</href>{NOT_FOUND}</response>" for href in quoted(hrefs)]


def quoted(hrefs: Sequence[str]) -> Sequence[str]:
    """Return hrefs percent-encoded; one match over all of them finds that none needs it, as is nearly always so."""
    together = "\n".join(hrefs)
    if _PLAIN.fullmatch(together) and together.count("\n") == max(len(hrefs) - 1, 0):
        return hrefs
    return [quote(href) for href in hrefs]


def escaped(content: str) -> str:
    """Return a text with XML's special characters escaped."""
    return content.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def body(pieces: Iterable[str]) -> bytes:
    """Return the answer's body."""
    return "".join((HEAD, *pieces, TAIL)).encode("utf-8", "surrogatepass")
