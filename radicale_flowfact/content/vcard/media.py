"""Converts PHOTO, LOGO, SOUND and KEY: base64 with a format as TYPE, or a URI, in vCard 3.0; a URI in 4.0."""

from __future__ import annotations

import base64
import re
from urllib.parse import unquote, unquote_to_bytes

from radicale_flowfact.content.vcard.parameters import params_to_3, params_to_4
from radicale_flowfact.content.vcard.properties import KEPT_4, Parameter, Property, has_scheme, quoted

NAMES = frozenset({"PHOTO", "LOGO", "SOUND", "KEY"})
_FAMILY = {"PHOTO": "image", "LOGO": "image", "SOUND": "audio", "KEY": "application"}
_MEDIA = {  # what is not the family and the format in small letters
    ("PHOTO", "JPG"): "image/jpeg",
    ("LOGO", "JPG"): "image/jpeg",
    ("KEY", "PGP"): "application/pgp-keys",
    ("KEY", "GPG"): "application/pgp-keys",
    ("KEY", "X509"): "application/pkix-cert",
}
_FORMATS = {"application/pgp-keys": "PGP", "application/pkix-cert": "X509"}
_FORMAT = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]{0,60}", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/=]*", re.ASCII)
_BLANKS = re.compile(r"\s+")
_BEGINNINGS = {"/9j/": "image/jpeg", "iVBOR": "image/png", "R0lGOD": "image/gif", "UklGR": "image/webp"}
_UNKNOWN = "application/octet-stream"
_OWN = ("TYPE", "MEDIATYPE", "VALUE", "PREF", "ENCODING")
_PLACES = frozenset({"work", "home"})  # what TYPE says in 4.0
_BASE64_NAMES = frozenset({"B", "BASE64"})


def _is_encoded(found: Property) -> bool:
    bare = {key.upper() for key, value in found.params if value is None}
    return (found.param("ENCODING") or "").upper() in _BASE64_NAMES or bool(bare & _BASE64_NAMES)


def to_3(found: Property) -> Property | None:
    """Return a property of 4.0 as 3.0 has it; None: it has no form there."""
    if _is_encoded(found) or not found.value.strip() or (found.param("VALUE") or "").lower() == "text":
        return found
    uri = found.value.strip().replace("\\,", ",").replace("\\;", ";").replace("\\:", ":")
    if not has_scheme(uri):
        return None
    media = found.param("MEDIATYPE") or ""
    form: list[Parameter] = [("VALUE", "uri")]
    if uri[:5].lower() == "data:":
        said, comma, data = uri[5:].partition(",")
        if not comma:
            return None
        media, _, coding = said.rpartition(";")
        if coding.strip().lower() != "base64":
            media, data = said, base64.b64encode(unquote_to_bytes(data)).decode("ascii")
        elif "%" in data:
            data = unquote(data)
        media, uri, form = media or _UNKNOWN, _BLANKS.sub("", data), [("ENCODING", "b")]
        if not _BASE64.fullmatch(uri):
            return None
    own = _format(found.name.upper(), media)
    # A format as TYPE is of 3.0 already.
    is_format = not own and not any(one.lower() in _PLACES for one in found.types)
    kept = {"TYPE": "" if is_format else KEPT_4, "PREF": KEPT_4}
    rest = [(f"{kept[key.upper()]}{key}", value) for key, value in found.params if key.upper() in kept]
    return Property(found.group, found.name, [*form, *own, *params_to_3(found.without(*_OWN)), *rest], uri)


def _format(name: str, media: str) -> list[Parameter]:
    """Return the TYPE that says the media type in 3.0, else the media type as it is."""
    family, _, subtype = media.partition("/")
    form = _FORMATS.get(media, subtype.upper())
    if _FORMAT.fullmatch(form) and family == _FAMILY[name] and _media_of(name, form) == media:
        return [("TYPE", form)]
    return [(f"{KEPT_4}MEDIATYPE", quoted(media.replace('"', "")))] if media not in ("", _UNKNOWN) else []


def _media_of(name: str, form: str) -> str:
    return _MEDIA.get((name, form.upper()), f"{_FAMILY[name]}/{form.lower()}")


def to_4(found: Property) -> Property | None:
    """Return a property of 3.0 as 4.0 has it; None: it has no form there."""
    name, value = found.name.upper(), found.value.strip()
    is_encoded = _is_encoded(found)
    if not is_encoded and (found.param("VALUE") or "").lower() == "text":
        return found
    if not value:
        return Property(found.group, found.name, params_to_4(found.without("ENCODING", "VALUE")), "")
    if not is_encoded and not has_scheme(value):
        return None
    types = [one for one in found.types if one.upper() not in _BASE64_NAMES]
    form = next((one for one in types if one.upper() != "PREF" and _FORMAT.fullmatch(one)), "")
    media = found.param(f"{KEPT_4}MEDIATYPE") or (_media_of(name, form) if form else "")
    rest = [(key, raw) for key, raw in found.without(*_OWN, f"{KEPT_4}MEDIATYPE") if raw is not None]
    params = params_to_4(rest)
    if any(one.upper() == "PREF" for one in types) and not any(key == "PREF" for key, _ in params):
        params.append(("PREF", "1"))
    if not is_encoded:
        said = quoted(media) if any(char in media for char in ",;:") else media
        params = [*([("MEDIATYPE", said)] if media else []), *params]
        return Property(found.group, found.name, params, value)
    data = _BLANKS.sub("", value)
    media = media or next((known for begins, known in _BEGINNINGS.items() if data.startswith(begins)), _UNKNOWN)
    return Property(found.group, found.name, params, f"data:{media};base64,{data}")
