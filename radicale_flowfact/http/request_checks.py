"""What no handler should have to see: requests that are malformed, too large, or meant to keep the server busy.

Radicale answers 500 to most of these, reads a body of a negative length until the connection ends, and takes
credentials for text in the charset of the body.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import io
import re
import traceback
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import defusedxml.ElementTree as Safe
from defusedxml import DefusedXmlException
from radicale import types

from radicale_flowfact.contentlines import is_control
from radicale_flowfact.dav.request import RefusedError

_LARGEST_XML = 2_000_000  # bytes; a multiget of 20,000 items has fewer
_DEEPEST_XML = 60  # elements in each other; filters need six
_MOST_ELEMENTS = 100_000
_LONGEST_PATH = 4000
_DEPTHS = frozenset({"", "0", "1", "infinity"})
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)
_CODECS = re.compile(r"utf-8|utf-8-sig|utf-16(-[lb]e)?|utf-32(-[lb]e)?|ascii|iso8859-\d+|cp125\d|koi8-r|mac-roman")
_CHARSET_KEY = "radicale_flowfact.charset"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a request is not looked at any further."""

    status: int
    reason: str


def fault_of(environ: types.WSGIEnviron, largest: int) -> Fault | None:
    """Return what is wrong with a request before anything of it is read; ``largest``: bytes of a body, 0: any."""
    length = environ.get("CONTENT_LENGTH") or ""
    if length and not (length.isascii() and length.isdigit() and len(length) < 19):
        return Fault(400, "the Content-Length is no number")
    if not length and environ.get("HTTP_TRANSFER_ENCODING"):
        return Fault(411, "a body needs a Content-Length")
    if largest and int(length or 0) > largest:
        return Fault(413, f"the body has {length} bytes, and {largest} are the most")
    if environ.get("HTTP_DEPTH", "").strip().lower() not in _DEPTHS:
        return Fault(400, "the Depth is none")
    return _path_fault(environ.get("PATH_INFO", ""))


def _path_fault(path: str) -> Fault | None:
    if len(path) > _LONGEST_PATH:
        return Fault(414, "the path is too long")
    if path in ("", "*"):
        return None
    steps = path.split("/")
    if steps[0] or (not path.isprintable() and any(is_control(char) or char in "\t\n\r" for char in path)):
        return Fault(400, "the path is none")
    if any(step in (".", "..") for step in steps) or "" in steps[1:-1]:
        return Fault(400, "the path does not name its place plainly")
    return None


def prepared(environ: types.WSGIEnviron) -> types.WSGIEnviron:
    """Return the environment without what Radicale would stumble over: its charset is kept for the body alone."""
    changed = dict(environ)
    content_type = environ.get("CONTENT_TYPE") or ""
    found = _CHARSET.search(content_type)
    if found:
        changed[_CHARSET_KEY] = found[1]
        changed["CONTENT_TYPE"] = _CHARSET.sub("", content_type)
    if not _are_credentials(environ.get("HTTP_AUTHORIZATION", "")):
        changed.pop("HTTP_AUTHORIZATION", None)
    return changed


def _are_credentials(header: str) -> bool:
    """Whether an Authorization can be taken apart; another scheme than Basic is not looked at."""
    if not header.startswith("Basic"):
        return True
    try:
        return b":" in base64.b64decode(header[len("Basic") :].strip().encode("ascii"))
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return False


def read_body(environ: types.WSGIEnviron) -> bytes:
    """Return the whole body. Raises RefusedError for one that is cut off or comes too slowly."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    try:
        body: bytes = environ["wsgi.input"].read(length) if length else b""
    except (OSError, EOFError) as error:  # a timeout is one, too
        raise RefusedError(f"the connection was cut: {error}", 400) from error
    if len(body) < length:
        raise RefusedError(f"the connection was cut: {len(body)} of {length} bytes came", 400)
    return body


def decoded(environ: types.WSGIEnviron, body: bytes) -> str:
    """Return a body as text: by the charset it names, as UTF-8, or, if it names none, as Latin-1.

    Raises RefusedError for a charset that is unknown or not what it is in.
    """
    named = environ.get(_CHARSET_KEY, "")
    for charset in (*((_codec(named),) if named else ()), "utf-8"):
        try:
            return body.decode(charset)
        except UnicodeError:
            continue
    try:
        body.decode("utf-8", "surrogatepass")
    except UnicodeError:
        if not named:
            return body.decode("iso8859-1")
        raise RefusedError(f"it is not in its charset {named[:40]!r}", 400) from None
    raise RefusedError("it has a lone surrogate, which is no character", 400)


def _codec(name: str) -> str:
    """Return the name of a charset; codecs that are none, or take for ever, are not known here."""
    try:
        found = codecs.lookup(name[:40]).name
    except (LookupError, ValueError):
        found = ""
    if not _CODECS.fullmatch(found):
        raise RefusedError(f"its charset {name[:40]!r} cannot be read", 400)
    return found


class _BoundedBuilder(ET.TreeBuilder):
    """Builds a tree, and stops at the first element that is one too many or too deep."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._elements = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> ET.Element:
        """Open an element. Raises ValueError."""
        self._depth += 1
        self._elements += 1
        if self._depth > _DEEPEST_XML or self._elements > _MOST_ELEMENTS:
            raise ValueError(f"more than {_DEEPEST_XML} elements in each other, or {_MOST_ELEMENTS} in all")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> ET.Element:
        """Close an element."""
        self._depth -= 1
        return super().end(tag)


def read_xml(environ: types.WSGIEnviron) -> tuple[types.WSGIEnviron, ET.Element | None]:
    """Return the environment with the body still to be read, and the body's root; None: there is no body.

    Raises RefusedError for one that is no XML, too large, nested too deeply, or has entities.
    """
    if int(environ.get("CONTENT_LENGTH") or 0) > _LARGEST_XML:
        raise RefusedError(f"the body is larger than {_LARGEST_XML} bytes", 413)
    body = read_body(environ)
    if not body.strip():
        return with_body(environ, b""), None
    text = decoded(environ, body).removeprefix("\ufeff")
    parser = Safe.XMLParser(target=_BoundedBuilder(), forbid_dtd=True)
    try:
        parser.feed(text)
        root: ET.Element = parser.close()
    except (ET.ParseError, DefusedXmlException, ValueError) as error:
        raise RefusedError(f"the body is no XML that is read here: {error}", 400) from error
    return with_body(environ, text.encode("utf-8", "surrogatepass")), root


def require_sense(method: str, root: ET.Element) -> None:
    """Raise RefusedError (400) for a PROPFIND or PROPPATCH with the body of something else (RFC 4918 §9.1, §9.2)."""
    wanted = {"PROPFIND": "{DAV:}propfind", "PROPPATCH": "{DAV:}propertyupdate"}.get(method, root.tag)
    if root.tag != wanted:
        raise RefusedError(f"a {root.tag[:60]!r} is no body of a {method}", 400)
    if method == "PROPFIND" and not any(f"{{DAV:}}{name}" in _tags(root) for name in ("prop", "allprop", "propname")):
        raise RefusedError("a propfind names prop, allprop or propname", 400)


def _tags(root: ET.Element) -> set[str]:
    return {child.tag for child in root}


def with_body(environ: types.WSGIEnviron, body: bytes) -> types.WSGIEnviron:
    """Return the environment with another body, in UTF-8, still to be read."""
    return {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}


def is_stumble(error: Exception) -> bool:
    """Whether Radicale itself stumbled over what was sent, so that the request is at fault and not the gateway."""
    if not isinstance(error, ValueError | LookupError | TypeError | AttributeError | AssertionError | RuntimeError):
        return False
    *_, last = traceback.walk_tb(error.__traceback__)
    module = str(last[0].f_globals.get("__name__", ""))
    return module.partition(".")[0] in ("radicale", "vobject", "xml", "urllib", "posixpath")
