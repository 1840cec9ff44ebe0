"""The reference schema as three other databases might call it, and tables that have nothing to do with it."""

from __future__ import annotations

from sqlalchemy import Column, Connection, DateTime, Integer, MetaData, Table, Unicode

GERMAN = {
    "BEN": "Benutzer", "BEN.DSN": "BenutzerId", "BEN.NAME": "Anzeigename", "BEN.LOGIN": "Anmeldename",
    "BEN.AKTIV": "IstAktiv", "BEN.MKM_DSN": "BenutzerMerkmalId", "BEN.ART_TERMIN_DSN": "TerminartId",
    "BEN.ART_AUFGABE_DSN": "AufgabenartId",
    "BENMKM": "BenutzerMerkmale", "BENMKM.BEN_DSN": "BenutzerId", "BENMKM.MKM_DSN": "MerkmalId",
    "BENMKM.BEREICH": "Reiter",
    "GRP": "Gruppen", "GRP.DSN": "GruppenId", "GRP.NAME": "Gruppenname",
    "BENGRP": "BenutzerGruppen", "BENGRP.BEN_DSN": "BenutzerId", "BENGRP.GRP_DSN": "GruppenId",
    "MKM": "Merkmale", "MKM.DSN": "MerkmalId", "MKM.NAME": "Bezeichnung", "MKM.KUERZEL": "Kurzname",
    "MKM.PFAD": "Baumpfad", "MKM.AKTIV": "IstAktiv", "MKM.BEN_DSN": "BenutzerId",
    "AD": "Adressen", "AD.DSN": "AdressId", "AD.KENNUNG": "Suchname", "AD.FIRMA": "Firma1", "AD.ANREDE": "Briefanrede",
    "AD.TITEL": "AkademischerGrad", "AD.VORNAME": "Rufname", "AD.NAME": "Nachname", "AD.STRASSE": "StrasseHausNr",
    "AD.PLZ": "Postleitzahl", "AD.ORT": "Wohnort", "AD.LAND": "Staat", "AD.FAX": "Telefax", "AD.EMAIL": "EMailAdresse",
    "AD.NOTIZ": "Notizen", "AD.ARCHIV": "Archiviert", "AD.ANGELEGT": "ErstelltAm", "AD.ANGELEGT_VON": "ErstelltVon",
    "AD.TOUCH": "GeaendertAm", "AD.TOUCH_VON": "GeaendertVon",
    "ADTEL": "Telefone", "ADTEL.AD_DSN": "AdressId", "ADTEL.POS": "Reihenfolge", "ADTEL.NUMMER": "Rufnummer",
    "ADTEL.BEMERKUNG": "Kommentar",
    "ADMKM": "AdressMerkmale", "ADMKM.AD_DSN": "AdressId", "ADMKM.MKM_DSN": "MerkmalId",
    "AKT": "Aktivitäten", "AKT.DSN": "AktivitätsId", "AKT.ART_DSN": "AktivitätsartId", "AKT.BEGINN": "Startzeit",
    "AKT.ENDE": "Endzeit", "AKT.GANZTAGS": "Ganztägig", "AKT.VORLAGE": "Wiedervorlage",
    "AKT.VORLAGE_ZEIT": "WiedervorlageUhrzeit", "AKT.BETREFF": "Thema", "AKT.NOTIZ": "Notizen",
    "AKT.ERLEDIGT": "Abgeschlossen", "AKT.PRIORITAET": "Prio", "AKT.ABSENDER": "AbsenderId", "AKT.ARCHIV": "Archiviert",
    "AKT.ANGELEGT": "ErstelltAm", "AKT.ANGELEGT_VON": "ErstelltVon", "AKT.TOUCH": "GeaendertAm",
    "AKT.TOUCH_VON": "GeaendertVon",
    "AKTMKM": "AktivitätsMerkmale", "AKTMKM.AKT_DSN": "AktivitätsId", "AKTMKM.MKM_DSN": "MerkmalId",
    "AKTAD": "AktivitätsAdressen", "AKTAD.AKT_DSN": "AktivitätsId", "AKTAD.AD_DSN": "AdressId",
    "Aktivitätenarten": "Aktivitätsarten", "Aktivitätenarten.DSN": "AktivitätsartId",
    "Aktivitätenarten.NAME": "Bezeichnung", "Aktivitätenarten.KUERZEL": "Kurzname",
    "Aktivitätenarten.KALENDER": "ImKalender", "Aktivitätenarten.AUFGABE": "IstAufgabe",
    "Aktivitätenarten.MAIL": "IstMail",
    "RECHTE": "Berechtigungen", "RECHTE.TABELLE": "Tabellenname", "RECHTE.OBJ_DSN": "DatensatzId",
    "RECHTE.BEN_DSN": "BenutzerId", "RECHTE.GRP_DSN": "GruppenId", "RECHTE.RECHT": "Berechtigung",
    "DELLOG": "Löschprotokoll", "DELLOG.TABELLE": "Tabellenname", "DELLOG.OBJ_DSN": "DatensatzId",
    "DELLOG.ZEIT": "Zeitpunkt",
}  # fmt: skip
"""Long German names, each with its table's own key."""

ENGLISH = {
    "BEN": "Users", "BEN.DSN": "UserGuid", "BEN.NAME": "DisplayName", "BEN.LOGIN": "UserName", "BEN.AKTIV": "Enabled",
    "BEN.MKM_DSN": "OwnTag", "BEN.ART_TERMIN_DSN": "AppointmentType", "BEN.ART_AUFGABE_DSN": "TaskType",
    "BENMKM": "UserTags", "BENMKM.BEN_DSN": "UserGuid", "BENMKM.MKM_DSN": "TagGuid", "BENMKM.BEREICH": "Area",
    "GRP": "Groups", "GRP.DSN": "GroupGuid", "GRP.NAME": "GroupName",
    "BENGRP": "UserGroups", "BENGRP.BEN_DSN": "UserGuid", "BENGRP.GRP_DSN": "GroupGuid",
    "MKM": "Tags", "MKM.DSN": "TagGuid", "MKM.NAME": "TagName", "MKM.KUERZEL": "ShortName", "MKM.PFAD": "TreePath",
    "MKM.AKTIV": "Enabled", "MKM.BEN_DSN": "UserGuid",
    "AD": "Contacts", "AD.DSN": "ContactGuid", "AD.KENNUNG": "MatchCode", "AD.FIRMA": "Company",
    "AD.ANREDE": "Salutation", "AD.TITEL": "Title", "AD.VORNAME": "FirstName", "AD.NAME": "LastName",
    "AD.STRASSE": "Street", "AD.PLZ": "ZipCode", "AD.ORT": "City", "AD.LAND": "Country", "AD.FAX": "FaxNo",
    "AD.EMAIL": "Email1", "AD.NOTIZ": "Notes", "AD.ARCHIV": "Archived", "AD.ANGELEGT": "CreatedAt",
    "AD.ANGELEGT_VON": "CreatedBy", "AD.TOUCH": "ModifiedAt", "AD.TOUCH_VON": "ModifiedBy",
    "ADTEL": "ContactPhones", "ADTEL.AD_DSN": "ContactGuid", "ADTEL.POS": "SortOrder", "ADTEL.NUMMER": "PhoneNumber",
    "ADTEL.BEMERKUNG": "Remark",
    "ADMKM": "ContactTags", "ADMKM.AD_DSN": "ContactGuid", "ADMKM.MKM_DSN": "TagGuid",
    "AKT": "Activities", "AKT.DSN": "ActivityGuid", "AKT.ART_DSN": "ActivityType", "AKT.BEGINN": "StartTime",
    "AKT.ENDE": "EndTime", "AKT.GANZTAGS": "AllDay", "AKT.VORLAGE": "DueDate", "AKT.VORLAGE_ZEIT": "DueHasTime",
    "AKT.BETREFF": "Subject", "AKT.NOTIZ": "Notes", "AKT.ERLEDIGT": "Completed", "AKT.PRIORITAET": "Priority",
    "AKT.ABSENDER": "Sender", "AKT.ARCHIV": "Archived", "AKT.ANGELEGT": "CreatedAt", "AKT.ANGELEGT_VON": "CreatedBy",
    "AKT.TOUCH": "ModifiedAt", "AKT.TOUCH_VON": "ModifiedBy",
    "AKTMKM": "ActivityTags", "AKTMKM.AKT_DSN": "ActivityGuid", "AKTMKM.MKM_DSN": "TagGuid",
    "AKTAD": "ActivityContacts", "AKTAD.AKT_DSN": "ActivityGuid", "AKTAD.AD_DSN": "ContactGuid",
    "Aktivitätenarten": "ActivityTypes", "Aktivitätenarten.DSN": "TypeGuid", "Aktivitätenarten.NAME": "TypeName",
    "Aktivitätenarten.KUERZEL": "ShortName", "Aktivitätenarten.KALENDER": "InCalendar",
    "Aktivitätenarten.AUFGABE": "IsTask", "Aktivitätenarten.MAIL": "IsMail",
    "RECHTE": "Permissions", "RECHTE.TABELLE": "TableName", "RECHTE.OBJ_DSN": "RecordGuid",
    "RECHTE.BEN_DSN": "UserGuid", "RECHTE.GRP_DSN": "GroupGuid", "RECHTE.RECHT": "Permission",
    "DELLOG": "DeletedRecords", "DELLOG.TABELLE": "TableName", "DELLOG.OBJ_DSN": "RecordGuid",
    "DELLOG.ZEIT": "DeletedAt",
}  # fmt: skip
"""English names."""

_SHORT_TABLES = {
    "BEN": "TBL_BEARB", "BENMKM": "TBL_BEARB_MKM", "GRP": "TBL_GRUPPE", "BENGRP": "TBL_BEARB_GRUPPE",
    "MKM": "TBL_MERKM", "AD": "TBL_ADR", "ADTEL": "TBL_ADR_TEL", "ADMKM": "TBL_ADR_MERKM", "AKT": "TBL_AKTIV",
    "AKTMKM": "TBL_AKTIV_MERKM", "AKTAD": "TBL_AKTIV_ADR", "Aktivitätenarten": "TBL_AKTIV_ART",
    "RECHTE": "TBL_BERECHT", "DELLOG": "TBL_LOESCH",
}  # fmt: skip


def abbreviated() -> dict[str, str]:
    """Return names as an old program has them: prefixes everywhere, words cut short; the vocabulary has few of them."""
    from radicale_flowfact.crm.names import TABLES

    names = dict(_SHORT_TABLES)
    for table, columns in TABLES.items():
        for column in columns:
            words = (word[:6] for word in column.split("_"))
            names[f"{table}.{column}"] = "F_" + "_".join(words).replace("DSN", "NR") + "_X"
    return names


def add_noise(connection: Connection, schema: str | None) -> None:
    """Make tables that have nothing to do with the gateway, though their names sound like it."""
    metadata = MetaData(schema=schema)
    text, moment = Unicode(100), DateTime()
    shapes: dict[str, dict[str, Unicode | DateTime | Integer]] = {
        "Objekte": {
            "ObjektId": text,
            "Strasse": text,
            "PLZ": text,
            "Ort": text,
            "Preis": Integer(),
            "ErstelltAm": moment,
        },
        "AdressHistorie": {"HistorieId": text, "AdressId": text, "Feld": text, "AlterWert": text, "Zeit": moment},
        "Dokumente": {"DokumentId": text, "AdressId": text, "Dateiname": text, "ErstelltAm": moment},
        "MailKonten": {"KontoId": text, "BenutzerId": text, "Server": text, "Port": Integer()},
        "ObjektMerkmale": {"ObjektId": text, "MerkmalId": text},
        "DbVersion": {"Version": text, "Stand": moment},
    }
    for name, columns in shapes.items():
        Table(name, metadata, *(Column(column, kind, primary_key=index == 0)
                                for index, (column, kind) in enumerate(columns.items())))  # fmt: skip
    metadata.create_all(connection)
