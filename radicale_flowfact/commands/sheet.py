"""The page to print for a user: how to set up his device, with address, login and a QR code.

It is one HTML file that needs nothing from elsewhere, in the user's language, whatever that of the command is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from html import escape
from urllib.parse import quote, urlsplit

import segno

from radicale_flowfact.settings import SettingsError

_QR_MODULE = 5  # pixels


class Device(StrEnum):
    """What a user sets up."""

    IPHONE = "iphone"
    ANDROID = "android"
    THUNDERBIRD = "thunderbird"
    OUTLOOK = "outlook"


class Language(StrEnum):
    """The languages of the page."""

    GERMAN = "de"
    ENGLISH = "en"


_TEXTS: Mapping[Language, Mapping[str, str]] = {
    Language.GERMAN: {
        "title": "FLOWFACT auf {device}",
        "address": "Adresse",
        "login": "Benutzername",
        "password": "Kennwort",
        "steps": "In fünf Schritten",
        "qr": "Mit der Kamera lesen: {url}",
        "keep": "Dieses Blatt vernichten, sobald das Gerät eingerichtet ist.",
        "lost": "Gerät verloren? Sofort im Büro melden: Dann wird das Kennwort geändert.",
    },
    Language.ENGLISH: {
        "title": "FLOWFACT on {device}",
        "address": "Address",
        "login": "User name",
        "password": "Password",
        "steps": "In five steps",
        "qr": "Read it with the camera: {url}",
        "keep": "Destroy this page once the device is set up.",
        "lost": "Lost the device? Tell the office at once: the password is then changed.",
    },
}
_TITLES = {
    Device.IPHONE: "iPhone/iPad",
    Device.ANDROID: "Android",
    Device.THUNDERBIRD: "Thunderbird",
    Device.OUTLOOK: "Outlook",
}
_STEPS: Mapping[Language, Mapping[Device, Sequence[str]]] = {
    Language.GERMAN: {
        Device.IPHONE: (
            "Den QR-Code mit der Kamera lesen und in Safari öffnen, oder {url} eintippen.",
            "Benutzername und Kennwort eingeben, dann „Zulassen“.",
            "Einstellungen → „Profil geladen“ → „Installieren“.",
            "Das Kennwort eingeben, wenn das iPhone danach fragt: je einmal für Kalender und Kontakte.",
            "Einstellungen → Apps → Kontakte, Kalender, Erinnerungen: FLOWFACT als Standard wählen.",
        ),
        Device.ANDROID: (
            "Aus Google Play oder F-Droid „Tasks.org“ und danach „DAVx⁵“ installieren.",
            "In DAVx⁵ „+“ → „Mit URL und Benutzername anmelden“.",
            "Adresse {url}, Benutzername und Kennwort eingeben → „Anmelden“.",
            "Kontogruppen: „Gruppen sind Kategorien der Kontakte“ → „Konto anlegen“.",
            "„FLOWFACT“, „FLOWFACT Termine“ und „FLOWFACT Aufgaben“ anhaken → „Jetzt synchronisieren“.",
        ),
        Device.THUNDERBIRD: (
            "Adressbuch öffnen → Pfeil neben „Neues Adressbuch“ → „CardDAV-Adressbuch hinzufügen“.",
            "Benutzername und als Ort {url} eingeben → „Weiter“, Kennwort eingeben, „FLOWFACT“ anhaken.",
            "Kalender öffnen → „Neuer Kalender“ → „Im Netzwerk“.",
            "Benutzername und {url} eingeben → „Kalender suchen“, Kennwort eingeben.",
            "„FLOWFACT Termine“ und „FLOWFACT Aufgaben“ anhaken → „Abonnieren“.",
        ),
        Device.OUTLOOK: (
            "Das Add-in „CalDav Synchronizer“ (caldavsynchronizer.org) installieren.",
            "In Outlook drei leere Ordner „FLOWFACT“ anlegen: Kontakte, Kalender, Aufgaben.",
            "CalDav Synchronizer → „Synchronization Profiles“ → „Add new profile“ → „Generic CalDAV/CardDAV“.",
            "DAV URL je Ordner: {home}addresses/, {home}appointments/, {home}tasks/; Benutzername, Kennwort.",
            "„Map reminder: Yes“, „EmailAddress1 to WORK“ und „Server wins“ einstellen → „Synchronize now“.",
        ),
    },
    Language.ENGLISH: {
        Device.IPHONE: (
            "Read the QR code with the camera and open it in Safari, or type {url}.",
            "Type user name and password, then “Allow”.",
            "Settings → “Profile Downloaded” → “Install”.",
            "Type the password when the iPhone asks for it: once each for calendar and contacts.",
            "Settings → Apps → Contacts, Calendar, Reminders: choose FLOWFACT as the default.",
        ),
        Device.ANDROID: (
            "Install “Tasks.org” and then “DAVx⁵” from Google Play or F-Droid.",
            "In DAVx⁵ “+” → “Login with URL and user name”.",
            "Type the address {url}, user name and password → “Login”.",
            "Contact groups: “Groups are per-contact categories” → “Create account”.",
            "Tick “FLOWFACT”, “FLOWFACT Termine” and “FLOWFACT Aufgaben” → “Synchronize now”.",
        ),
        Device.THUNDERBIRD: (
            "Open the Address Book → arrow beside “New Address Book” → “Add CardDAV Address Book”.",
            "Type the user name and the location {url} → “Continue”, type the password, tick “FLOWFACT”.",
            "Open the Calendar → “New Calendar” → “On the Network”.",
            "Type the user name and {url} → “Find Calendars”, type the password.",
            "Tick “FLOWFACT Termine” and “FLOWFACT Aufgaben” → “Subscribe”.",
        ),
        Device.OUTLOOK: (
            "Install the add-in “CalDav Synchronizer” (caldavsynchronizer.org).",
            "Make three empty folders “FLOWFACT” in Outlook: contacts, calendar, tasks.",
            "CalDav Synchronizer → “Synchronization Profiles” → “Add new profile” → “Generic CalDAV/CardDAV”.",
            "DAV URL for each folder: {home}addresses/, {home}appointments/, {home}tasks/; user name, password.",
            "Set “Map reminder: Yes”, “EmailAddress1 to WORK” and “Server wins” → “Synchronize now”.",
        ),
    },
}
_STYLE = """\
body { font: 12pt/1.45 sans-serif; max-width: 42em; margin: 2em auto; color: #000; background: #fff }
h1 { font-size: 18pt } h2 { font-size: 14pt }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .4em 1.5em; font-size: 13pt }
dt { font-weight: bold } dd { margin: 0; font-family: monospace; overflow-wrap: anywhere }
.line { border-bottom: 1px solid #000; min-height: 1.4em }
figure { float: right; margin: 0 0 1em 1em; text-align: center; max-width: 16em; overflow-wrap: anywhere }
li { margin-bottom: .4em } small { color: #444 }
@media print { body { margin: 0 } }"""


def root_of(address: str) -> str:
    """Return the URL of the gateway's root, with a slash at its end. Raises SettingsError for what is none."""
    written = address.strip()
    whole = written if "://" in written else f"https://{written}"
    try:
        parts = urlsplit(whole)
        _port = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise SettingsError(f"--address {written!r} is no address; write it as https://dav.example.com/")
    return whole if whole.endswith("/") else f"{whole}/"


def page(root: str, login: str, password: str, device: Device, language: Language) -> str:
    """Return the page as HTML. ``root``: as ``root_of`` gives it; without a password there is a line to write on."""
    start = _start(root, device)
    texts = {key: text.format(device=_TITLES[device], url=start) for key, text in _TEXTS[language].items()}
    home = f"{root}{quote(login)}/"
    steps = (text.format(url=start, home=home) for text in _STEPS[language][device])
    listed = "\n".join(f"<li>{escape(step)}</li>" for step in steps)
    shown = f"<dd>{escape(password)}</dd>" if password else '<dd class="line"></dd>'
    code = segno.make(start, micro=False, error="m").svg_inline(scale=_QR_MODULE, border=4)
    return f"""<!DOCTYPE html>
<html lang="{language}">
<head><meta charset="utf-8"><title>{escape(texts["title"])}</title><style>
{_STYLE}
</style></head>
<body>
<figure>{code}<figcaption><small>{escape(texts["qr"])}</small></figcaption></figure>
<h1>{escape(texts["title"])}</h1>
<dl>
<dt>{escape(texts["address"])}</dt><dd>{escape(root)}</dd>
<dt>{escape(texts["login"])}</dt><dd>{escape(login)}</dd>
<dt>{escape(texts["password"])}</dt>{shown}
</dl>
<h2>{escape(texts["steps"])}</h2>
<ol>
{listed}
</ol>
<p>{escape(texts["lost"])}</p>
<p><small>{escape(texts["keep"])}</small></p>
</body>
</html>
"""


def _start(root: str, device: Device) -> str:
    """Return what a device is pointed to: an Apple device to its profile, any other to the root."""
    return f"{root}.mobileconfig" if device is Device.IPHONE else root
