"""Holds the names, streets and texts that the demo agency is made of."""


def _words(text: str) -> list[str]:
    """Return the words of a text; a tilde in one stands for a blank."""
    return [word.replace("~", " ") for word in text.split()]


USERS = [
    ("anna", "Anna Albers"),
    ("ben", "Ben Brückner"),
    ("clara", "Clara Czerny"),
    ("david", "David Döring"),
    ("eva", "Eva Engels"),
    ("felix", "Felix Faßbender"),
    ("greta", "Greta Günther"),
    ("hannes", "Hannes Hölzel"),
]
FAMILY = _words(
    """
    Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schäfer Koch Bauer Richter Klein Wolf Schröder
    Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Werner Krause Lehmann Köhler Maier Groß
    Jäger Möller Öztürk Yıldız Nowak Ångström D'Angelo O'Brien Weiß Sauerbrei-Lüdenscheid
    """
)
GIVEN = _words(
    """
    Peter Sabine Jürgen Käthe Søren Zoë Jörg Bärbel Günter Heike Wolfgang Ulrike François Renée Mehmet Ayşe
    Jan Katja Dirk Monika Björn Silke Uwe Petra Hans-Jürgen Anne-Marie
    """
)
TITLES = ["", "", "", "", "Dr.", "Prof. Dr.", "Dipl.-Ing."]
COMPANIES = [
    "{name} Immobilien GmbH",
    "Hausverwaltung {name} & Söhne KG",
    "Notariat {name}",
    "{name} Bau AG",
    "Malerbetrieb {name}",
    "Sparkasse Köln, Abt. {name}",
    "Architekturbüro {name} + Partner",
]
STREETS = _words(
    """
    Hauptstraße Aachener~Straße Am~Rosengarten Lindenallee Bahnhofstraße Schloßweg Kölner~Straße Rheinufer
    Mühlenweg Goethestraße
    """
)
CITIES = [
    ("50667", "Köln"),
    ("53111", "Bonn"),
    ("40213", "Düsseldorf"),
    ("51465", "Bergisch Gladbach"),
    ("50354", "Hürth"),
    ("01067", "Dresden"),
    ("80331", "München"),
]
REMARKS = ["", "Büro", "Zentrale, nur vormittags", "privat", "Sekretariat Frau Weiß", "nach 18 Uhr", "Notfall"]
MERKMALE = ["VIP", "Eigentümer", "Interessent", "Kaufinteressent", "Handwerker", "Notar", "Newsletter", "Team Köln"]
NOTES = [
    "Sucht 3-Zimmer-Wohnung mit Balkon; bis 350.000 €.",
    "Bevorzugt Anruf; E-Mail wird selten gelesen.",
    "Schlüssel liegt beim Hausmeister (Herr Öztürk).\nZugang über den Hof.",
    "100 % Finanzierung geklärt, Bestätigung vom 3.5. liegt vor, Unterlagen \\ Server.",
]
APPOINTMENTS = [
    "Besichtigung Lindenallee 12",
    "Objektaufnahme Einfamilienhaus",
    "Notartermin Kaufvertrag; Wohnung 4",
    "Eigentümergespräch, Preisfindung",
    "Übergabe Schlüssel & Protokoll",
    "Fotos vom Exposé",
]
TASKS = [
    "Exposé verschicken",
    "Grundbuchauszug anfordern",
    "Rückruf Finanzierung",
    "Energieausweis prüfen",
    "Angebot nachfassen",
]
