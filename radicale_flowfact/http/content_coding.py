"""Unpacks request bodies (Content-Encoding, RFC 9110 §8.4), within the bounds of unpacked ones."""

from __future__ import annotations

import io
import zlib
from typing import Any

from radicale import types

_CODINGS = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}
ACCEPTED = "gzip, deflate"
"""The value of Accept-Encoding in the answer to a body that is packed otherwise (RFC 9110 §12.5.3)."""


class CodingError(ValueError):
    """A body that cannot be unpacked: ``status`` is 415 for an unknown coding, 413 for too large a body, else 400."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def is_packed(environ: types.WSGIEnviron) -> bool:
    """Return whether a request names a coding of its body."""
    return environ.get("HTTP_CONTENT_ENCODING", "").strip().lower() not in ("", "identity")


def unpacked(environ: types.WSGIEnviron, most: int) -> dict[str, Any]:
    """Return the environment with the body unpacked; ``most``: bytes of it, 0: no limit. Raises CodingError."""
    coding = environ["HTTP_CONTENT_ENCODING"].strip().lower()
    if coding not in _CODINGS:
        raise CodingError(415, f"a body in {coding[:40]!r} cannot be read, only in {ACCEPTED}")
    packed: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    unpacker = zlib.decompressobj(_CODINGS[coding])
    try:
        body = unpacker.decompress(packed, most + 1 if most else 0)  # 0: without a limit
    except zlib.error as error:
        raise CodingError(400, f"the body is not in {coding}: {error}") from error
    if most and len(body) > most:
        raise CodingError(413, f"the body has more than {most} bytes once it is unpacked")
    if not unpacker.eof or unpacker.unused_data:
        raise CodingError(400, f"the body is cut off, or there is more behind it, as {coding} tells")
    rest = {key: value for key, value in environ.items() if key != "HTTP_CONTENT_ENCODING"}
    return {**rest, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
