"""Writes multistatus answers (RFC 4918 §14.16) as text, a piece for each item."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from radicale_flowfact.hot.bodies import CALDAV, CARDDAV, DAV

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
"""What a template is filled with: ETag, or ETag and text."""


def element(tag: str, content: str = "", *, declared: bool = False) -> str:
    """Return an element by its name in Clark notation; ``declared``: with its namespace, unless that is DAV's."""
    space, _, name = tag.rpartition("}")
    prefix = _PREFIXES.get(f"{space}}}")
    if prefix is None or (declared and prefix):
        start, end = f"{name} xmlns={quoteattr(space[1:])}", name
    else:
        start = end = f"{prefix}{name}"
    return f"<{start}>{content}</{end}>" if content else f"<{start} />"


def form(props: Sequence[str], known: Mapping[str, str], *, declared: bool = False, minimal: bool = False) -> str:
    """Return the propstats of an item as a template for ``str.format``: what is known, then what is not.

    ``known`` has what stands in the properties that an item has, by their names; ``{0}`` is the ETag, ``{1}`` the text.
    ``minimal`` leaves out what is not known (RFC 8144 §2.1).
    """
    there = "".join(element(tag, known[tag], declared=declared) for tag in props if tag in known)
    missing = "".join(element(tag, declared=declared) for tag in props if tag not in known and not minimal)
    missing = missing.replace("{", "{{").replace("}", "}}")
    propstats = f"<propstat><prop>{there}</prop>{OK}</propstat>" if there or minimal else ""
    return propstats + (f"<propstat><prop>{missing}</prop>{NOT_FOUND}</propstat>" if missing else "")


def responses(base: str, hrefs: Sequence[str], rows: Iterable[Row], template: str) -> list[str]:
    """Return the responses of items: their hrefs below ``base``, what ``template`` makes of their rows."""
    make = template.format
    return [
        f"<response><href>{base}{href}</href>{make(*row)}</response>"
        for href, row in zip(quoted(hrefs), rows, strict=True)
    ]


def gone(base: str, hrefs: Sequence[str]) -> list[str]:
    """Return the responses of items that are not there."""
    return [f"<response><href>{base}{href}</href>{NOT_FOUND}</response>" for href in quoted(hrefs)]


def quoted(hrefs: Sequence[str]) -> Sequence[str]:
    """Return hrefs as URLs have them; nearly all are so already, which is seen for all of them at once."""
    together = "\n".join(hrefs)
    if _PLAIN.fullmatch(together) and together.count("\n") == max(len(hrefs) - 1, 0):
        return hrefs
    return [quote(href) for href in hrefs]


def text(content: str) -> str:
    """Return a text as it stands in an element."""
    return content.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def whole(pieces: Iterable[str]) -> bytes:
    """Return the answer's body."""
    return "".join((HEAD, *pieces, TAIL)).encode("utf-8", "surrogatepass")
