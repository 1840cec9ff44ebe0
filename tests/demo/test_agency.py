"""The demo agency: the same every time, and with an example of everything that matters."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from sqlalchemy import Select, func, select

from radicale_flowfact.crm.users import UserError, read_user
from radicale_flowfact.database.engines import WRITES
from radicale_flowfact.demo.agency import fill
from tests.conftest import Database
from tests.office import Office

TODAY = date(2026, 6, 1)


def filled(database: Database, users: int = 5, addresses: int = 200, activities: int = 200) -> None:
    """Fill the database with a demo."""
    with database.engine.connect().execution_options(**WRITES) as connection, connection.begin():
        fill(connection, database.tables, users=users, addresses=addresses, activities=activities, today=TODAY)


def count(database: Database, query: Select[int]) -> int:
    """Return a single number."""
    with database.engine.connect() as connection:
        return connection.scalar(query) or 0


def test_the_same_numbers_and_day_give_the_same_rows(database: Database, office: Office) -> None:
    filled(database)
    first = office.everything()
    for table in reversed(database.tables.metadata.sorted_tables):
        office.remove(table)
    filled(database)
    assert office.everything() == first


def test_it_has_an_example_of_everything(database: Database) -> None:
    filled(database)
    tables = database.tables
    address, activity, rights = tables.address, tables.activity, tables.rights
    assert rights is not None
    ago, to_come = datetime(2026, 5, 1), datetime(2026, 7, 1)
    queries = {
        "archived": select(func.count()).where(address.c.ARCHIV),
        "umlauts": select(func.count()).where(address.c.NAME == "Müller"),
        "long notes": select(func.count()).where(func.length(address.c.NOTIZ) > 1000),
        "ninth number": select(func.count()).where(tables.phone.c.POS == 9),
        "remarks": select(func.count()).where(tables.phone.c.BEMERKUNG == "Büro"),
        "read-only": select(func.count()).where(rights.c.RECHT == "LESEN"),
        "linked": select(func.count()).select_from(tables.activity_address),
        "past": select(func.count()).where(activity.c.BEGINN < ago),
        "to come": select(func.count()).where(activity.c.BEGINN > to_come),
        "done": select(func.count()).where(activity.c.ERLEDIGT),
        "alarms": select(func.count()).where(activity.c.VORLAGE_ZEIT),
        "all-day": select(func.count()).where(activity.c.GANZTAGS),
        "no end": select(func.count()).where(activity.c.ENDE.is_(None), activity.c.ART_DSN.is_not(None)),
        "internal mail": select(func.count()).where(activity.c.ABSENDER.is_not(None)),
        "inactive user": select(func.count()).where(tables.user.c.LOGIN == "inge"),
    }
    assert {name for name, query in queries.items() if count(database, query) == 0} == set()


@pytest.mark.parametrize("users", [1, 2, 12])
def test_every_active_user_may_get_in(database: Database, users: int) -> None:
    filled(database, users=users, addresses=20, activities=20)
    with database.engine.connect() as connection:
        people = connection.execute(select(database.tables.user)).all()
        assert len(people) == users + 1
        for person in people:
            if person.AKTIV:
                assert read_user(connection, database.tables, person.LOGIN).active
        with pytest.raises(UserError, match="inactive"):
            read_user(connection, database.tables, "inge")
