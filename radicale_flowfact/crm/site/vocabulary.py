"""Finds the concepts in the name of a table or column, for the draft of a name map.

The vocabulary is German and English, singular and plural, with the usual abbreviations of such databases; folded (ä is
ae) and in lower case.
"""

from __future__ import annotations

import re
from functools import cache

_WORDS = {
    "address": "ad adr adress adresse adressen address addresses kontakt kontakte contact contacts",
    "phone": "tel telefon telefone telefonnummern phone phones rufnummer rufnummern fon telefonie",
    "merkmal": "mkm merkmal merkmale tag tags label labels",
    "activity": "akt aktivitaet aktivitaeten activity activities act vorgang vorgaenge",
    "kind": "art arten type types typ typen kind kinds",
    "user": "ben benutzer bearbeiter user users anwender mitarbeiter",
    "group": "grp gruppe gruppen group groups",
    "right": "recht rechte right rights berechtigung berechtigungen permission permissions acl",
    "deletion": "del deleted deletion deletions geloescht loesch loeschung loeschungen delete",
    "log": "log protokoll logbuch journal",
    "key": "dsn id guid uid uuid key schluessel nr recordid",
    "object": "obj objekt object record datensatz satz",
    "name": "name names bezeichnung benennung title2",
    "login": "login loginname anmeldung anmeldename account konto username benutzername",
    "active": "aktiv active enabled inbetrieb",
    "short": "kuerzel kurz kurzname kurzbezeichnung short shortname code abk abkuerzung",
    "path": "pfad path baum tree",
    "area": "bereich area scope reiter",
    "identifier": "kennung identifier suchname matchcode kurzbegriff",
    "company": "firma firmen firmenname company unternehmen organisation organization org",
    "salutation": "anrede salutation",
    "degree": "titel title akad akademisch grad degree",
    "given": "vorname given first firstname forename rufname",
    "family": "nachname familienname zuname family last lastname surname",
    "street": "strasse str street anschrift strassehausnr hausnr",
    "postcode": "plz postleitzahl zip zipcode postcode postal postalcode",
    "city": "ort stadt city town wohnort place",
    "country": "land country staat nation",
    "fax": "fax telefax faxnummer faxnr",
    "email": "email mail emailadresse mailadresse",
    "mail": "intern internal postfach",
    "note": "notiz notizen note notes memo text freitext",
    "remark": "bemerkung bemerkungen bem remark remarks kommentar comment info hinweis",
    "archive": "archiv archiviert archive archived ablage",
    "created": "angelegt anlage anlagedatum erstellt erfasst erfassung created creation createdat",
    "changed": "touch geaendert aenderung letzteaenderung modified modification changed updated update lastchange mod",
    "by": "von durch by from",
    "position": "pos position reihenfolge lfd lfdnr index sortierung sort order ordnung rang",
    "number": "nummer number num rufnr telefonnummer telnr phonenumber",
    "begin": "beginn begin start anfang ab startzeit starttime",
    "end": "ende end bis endzeit endtime stop schluss",
    "allday": "ganztags ganztaegig ganztag ganzertag allday wholeday",
    "reminder": "vorlage wiedervorlage wv erinnerung reminder faellig faelligkeit due remind alarm",
    "time": "zeit uhrzeit time zeitpunkt",
    "subject": "betreff subject thema headline betr",
    "done": "erledigt done fertig completed complete abgeschlossen finished",
    "priority": "prioritaet prio priority wichtigkeit",
    "sender": "absender sender",
    "calendar": "kalender calendar kal",
    "appointment": "termin termine appointment appointments",
    "task": "aufgabe aufgaben task tasks todo",
    "preset": "vorbelegung vorgabe default standard",
    "table": "tabelle tabellenname table tablename tab",
    "link": "zuordnung link links zuo zu rel relation verknuepfung bezug map xref to",
    "": "tbl tab2 t fld f ff dbo col c ist is has hat datum date dat flag kz kennzeichen xx feld field tb at am on in",
}
OTHER_MEANINGS: dict[str, tuple[tuple[str, ...], ...]] = {
    "AD.NAME": (("family",), ("family", "name")),
    "AD.KENNUNG": (("short",), ("name", "short")),
    "ADTEL.NUMMER": (("phone",), ("phone", "number"), ("phone", "key"), ("key",)),
    "AKT.NOTIZ": (("remark",), ("name", "note")),
    "AKT.BETREFF": (("name",),),
    "AKT.VORLAGE_ZEIT": (("reminder", "time", "active"), ("reminder", "done")),
    "Aktivitätenarten": (("kind",),),
    "Aktivitätenarten.MAIL": (("mail",), ("email", "mail")),
    "BEN.NAME": (("display", "name"), ("anzeige", "name")),
    "BEN.LOGIN": (("user", "name"),),
    "DELLOG.ZEIT": (("deletion",), ("changed",)),
    "MKM.PFAD": (("position", "path"),),
    "BENMKM.BEREICH": (("kind",),),
    "RECHTE.RECHT": (("right", "kind"), ("kind",)),
    "DELLOG": (("deletion",), ("deletion", "address")),
}
"""What a name of the reference schema means, or is called elsewhere, beside its own words."""
_CONCEPTS = {word: concept for concept, words in _WORDS.items() for word in words.split()}
_LONGEST = max(map(len, _CONCEPTS))
_PIECES = re.compile(r"[A-ZÄÖÜ]+(?![a-zäöüß])|[A-ZÄÖÜ]?[a-zäöüß]+|\d+")
_FOLDED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


@cache
def concepts(name: str) -> tuple[str, ...]:
    """Return the concepts in a name; a part that is no known word stands for itself."""
    found: list[str] = []
    pieces = [folded(piece) for piece in _PIECES.findall(name)]
    whole = "".join(piece for piece in pieces if not piece.isdigit())
    for word in [whole] if _CONCEPTS.get(whole) else pieces:
        found += [_CONCEPTS[word]] if word in _CONCEPTS else _segmented(word)
    return tuple(concept for concept in found if concept and not concept.isdigit())


def folded(name: str) -> str:
    """Return a name in the form in which names are compared: lower case, without umlauts."""
    return name.casefold().translate(_FOLDED)


def _segmented(word: str) -> list[str]:
    """Split a compound so that as much of it as possible consists of known words of three letters or more."""
    best: list[tuple[int, list[str]]] = [(0, [])]
    for end in range(1, len(word) + 1):
        options = [(best[end - 1][0] - 1, [*best[end - 1][1], "?"])]
        for start in range(max(0, end - _LONGEST), end - 1):
            concept = _CONCEPTS.get(word[start:end])
            short = end - start < 3 and not (start == 0 or end == len(word))
            if concept is not None and not short:
                score, before = best[start]
                options.append((score + (end - start) * 2 - 2, [*before, concept]))
        best.append(max(options, key=lambda option: option[0]))
    known = [concept for concept in best[-1][1] if concept != "?"]
    unknown = best[-1][1].count("?")
    return known if known and unknown <= len(word) // 3 else [word, *known]
