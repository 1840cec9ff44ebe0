"""Checks of requests before a handler: malformed, too large, or built to exhaust the server.

Radicale answers most of these with 500, reads a body of a negative length until the connection ends, and decodes
credentials by the charset of the body.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import contextlib
import io
import re
import traceback
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import defusedxml.ElementTree as Safe
from defusedxml import DefusedXmlException
from radicale import types

from radicale_flowfact.content.contentlines import PayloadError, is_control
from radicale_flowfact.dav.store.request import RefusedError

_MAX_XML_BYTES = 2_000_000  # bytes; a multiget of 20,000 items has fewer
_MAX_XML_DEPTH = 60  # elements in each other; filters need six
_MAX_XML_ELEMENTS = 100_000
_MAX_PATH_LENGTH = 4000
_MAX_PROPERTIES = 100  # allprop has about thirty
_DEPTHS = frozenset({"", "0", "1", "infinity"})
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)
_BYTE_FOLD = re.compile(rb"\r?\n[ \t]")
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WIDE_CODECS = re.compile(r"utf-?_?(16|32)", re.IGNORECASE)
_CODECS = re.compile(r"utf-8|utf-8-sig|utf-16(-[lb]e)?|utf-32(-[lb]e)?|ascii|iso8859-\d+|cp125\d|koi8-r|mac-roman")
_CHARSET_KEY = "radicale_flowfact.charset"


@dataclass(frozen=True, slots=True)
class Fault:
    """Holds the status and reason of a request that is refused before a handler."""

    status: int
    reason: str


def fault_of(environ: types.WSGIEnviron, largest: int) -> Fault | None:
    """Return the fault in a request's line or headers, or None; ``largest``: bytes of a body, 0: no limit."""
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
    if len(path) > _MAX_PATH_LENGTH:
        return Fault(414, "the path is too long")
    if path in ("", "*"):
        return None
    steps = path.split("/")
    if steps[0] or (not path.isprintable() and any(is_control(char) or char in "\t\n\r" for char in path)):
        return Fault(400, "the path is none")
    if any(step in (".", "..") for step in steps) or "" in steps[1:-1]:
        return Fault(400, "the path does not name its place plainly")
    return None


def sanitized(environ: types.WSGIEnviron) -> types.WSGIEnviron:
    """Return the environment without headers that Radicale fails on; the charset is kept for the body alone."""
    changed = dict(environ)
    content_type = environ.get("CONTENT_TYPE") or ""
    if found := _CHARSET.search(content_type):
        changed[_CHARSET_KEY] = found[1]
    # An empty one, and one without a semicolon before it, are what Radicale looks for, too.
    changed["CONTENT_TYPE"] = _CHARSET.sub("", content_type).replace("charset=", "")
    if not _are_credentials(environ.get("HTTP_AUTHORIZATION", "")):
        changed.pop("HTTP_AUTHORIZATION", None)
    return changed


def _are_credentials(header: str) -> bool:
    """Return whether an Authorization header is valid; schemes other than Basic are not checked."""
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
    except (OSError, EOFError) as error:  # TimeoutError is an OSError
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


def item_text(environ: types.WSGIEnviron, body: bytes) -> str:
    """Return the text of an item: as UTF-8 if it is that, whatever it is declared as, else by the charset it names.

    A line may be folded between the bytes of a character (RFC 5545 §3.1), and a character beyond U+FFFF be written as
    two surrogates. Without a charset, what is no UTF-8 is Windows-1252, and so is what calls itself Latin-1 or ASCII:
    the signs by which they differ are in no text (WHATWG Encoding §4.2). Raises PayloadError.
    """
    named = environ.get(_CHARSET_KEY, "") or ("utf-16" if body.startswith(_WIDE_MARKS) else "")
    if not _WIDE_CODECS.match(named) or body.lstrip()[:6].upper() == b"BEGIN:":
        for whole in (body, _BYTE_FOLD.sub(b"", body)):
            with contextlib.suppress(UnicodeError):
                return whole.decode("utf-8")
        with contextlib.suppress(UnicodeError):
            paired = body.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass")
            try:
                return paired.decode("utf-16-le")
            except UnicodeError:
                raise PayloadError("it has a lone surrogate, which is no character") from None
    try:
        codec = _codec(named or "iso8859-1")
        return _western(body) if codec in ("iso8859-1", "ascii") else body.decode(codec)
    except (RefusedError, UnicodeError):
        raise PayloadError(f"it is neither UTF-8 nor in the charset that it names, {named[:40]!r}") from None


def _western(body: bytes) -> str:
    try:
        return body.decode("cp1252")
    except UnicodeError:  # it has five signs fewer than Latin-1
        return body.decode("iso8859-1")


def _codec(name: str) -> str:
    """Return the codec's name of a charset. Raises RefusedError for codecs of bytes, and for ones of quadratic time."""
    try:
        found = codecs.lookup(name[:40]).name
    except (LookupError, ValueError):
        found = ""
    if not _CODECS.fullmatch(found):
        raise RefusedError(f"its charset {name[:40]!r} cannot be read", 400)
    return found


class _BoundedBuilder(ET.TreeBuilder):
    """Builds a tree of bounded size and depth."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._elements = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> ET.Element:
        """Open an element. Raises ValueError."""
        self._depth += 1
        self._elements += 1
        if self._depth > _MAX_XML_DEPTH or self._elements > _MAX_XML_ELEMENTS:
            raise ValueError(f"more than {_MAX_XML_DEPTH} elements in each other, or {_MAX_XML_ELEMENTS} in all")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> ET.Element:
        """Close an element."""
        self._depth -= 1
        return super().end(tag)


def read_xml(environ: types.WSGIEnviron) -> tuple[types.WSGIEnviron, ET.Element | None]:
    """Return the environment, whose body can be read again, and the body's root; None: no body.

    Raises RefusedError for a body that is not XML, too large, too deep, or has a document type.
    """
    if int(environ.get("CONTENT_LENGTH") or 0) > _MAX_XML_BYTES:
        raise RefusedError(f"the body is larger than {_MAX_XML_BYTES} bytes", 413)
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


def require_matching_root(method: str, root: ET.Element) -> None:
    """Raise RefusedError (400) for a PROPFIND or PROPPATCH with another method's body (RFC 4918 §9.1, §9.2)."""
    wanted = {"PROPFIND": "{DAV:}propfind", "PROPPATCH": "{DAV:}propertyupdate"}.get(method, root.tag)
    if root.tag != wanted:
        raise RefusedError(f"a {root.tag[:60]!r} is no body of a {method}", 400)
    if method == "PROPFIND" and not any(f"{{DAV:}}{name}" in _tags(root) for name in ("prop", "allprop", "propname")):
        raise RefusedError("a propfind names prop, allprop or propname", 400)


def require_few_properties(root: ET.Element) -> None:
    """Raise RefusedError (400) for a PROPFIND or REPORT that names more properties than anybody means.

    The answer repeats each name for each item, so that a small request would make a huge answer.
    """
    named = sum(len(prop) for prop in root.iter("{DAV:}prop"))
    if named > _MAX_PROPERTIES:
        raise RefusedError(f"the request names {named} properties, and {_MAX_PROPERTIES} are the most", 400)


def with_a_property(environ: types.WSGIEnviron, root: ET.Element) -> types.WSGIEnviron:
    """Return the environment with a body that asks for the ETag, if it names no property or names all in a REPORT.

    Radicale lists nothing for a REPORT that asks for nothing, and answers a PROPFIND with responses that have neither
    a propstat nor a status (RFC 4918 §14.24, RFC 6578 §3.2).
    """
    is_propfind = root.tag == "{DAV:}propfind"
    if any(len(prop) for prop in root.findall("{DAV:}prop")) or (is_propfind and root.find("{DAV:}prop") is None):
        return environ
    for element in root.findall("{DAV:}prop"):
        root.remove(element)
    root.insert(0, ET.Element("{DAV:}prop"))
    ET.SubElement(root[0], "{DAV:}getetag")
    return with_body(environ, ET.tostring(root, encoding="utf-8"))


def _tags(root: ET.Element) -> set[str]:
    return {child.tag for child in root}


def with_body(environ: types.WSGIEnviron, body: bytes) -> types.WSGIEnviron:
    """Return the environment with another body, in UTF-8."""
    return {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}


def is_client_fault(error: Exception) -> bool:
    """Return whether an error was raised in Radicale or a parser, so that the request is at fault (400, not 500)."""
    if not isinstance(error, ValueError | LookupError | TypeError | AttributeError | AssertionError | RuntimeError):
        return False
    *_, last = traceback.walk_tb(error.__traceback__)
    module = str(last[0].f_globals.get("__name__", ""))
    return module.partition(".")[0] in ("radicale", "vobject", "xml", "urllib", "posixpath")
