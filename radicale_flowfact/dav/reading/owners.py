"""Finds the FlowFact user of a login, and detects that a login was given to another user (rule 1)."""

from __future__ import annotations

import time

from radicale_flowfact.crm.users import UserError, read_user
from radicale_flowfact.dav.store import collections
from radicale_flowfact.dav.store.collections import Collection
from radicale_flowfact.dav.store.request import RefusedError
from radicale_flowfact.dav.store.transactions import Transactions
from radicale_flowfact.records import User, dsn_key
from radicale_flowfact.settings import Settings


class Owners:
    """The users of the logins, remembered for ``refresh_seconds``. One for each gateway; thread-safe."""

    def __init__(self, settings: Settings, transactions: Transactions) -> None:
        self._settings = settings
        self._transactions = transactions
        self._users: dict[str, tuple[float, User]] = {}
        self._owners: dict[str, str] = {}

    def user(self, login: str) -> User:
        """Return the FlowFact user of a login, whose collections are handed over first if the login was another's.

        Raises RefusedError (403) with the reason (rule 1).
        """
        known = self._users.get(login)
        if known and time.monotonic() < known[0]:
            return known[1]
        user = self._read(login)
        self._claim(login, dsn_key(user.dsn))
        self._users[login] = (time.monotonic() + self._settings.refresh_seconds, user)
        return user

    def _read(self, login: str) -> User:
        mapping = self._settings.users.get(login)
        if mapping is None:
            raise RefusedError(f"the login {login!r} is not mapped to a FlowFact user; add [users.{login}]")
        merkmale = mapping.address_merkmale, mapping.activity_merkmale
        with self._transactions.reading() as session:
            try:
                return read_user(session.connection, session.tables, mapping.flowfact, *merkmale)
            except UserError as error:
                self._users.pop(login, None)
                raise RefusedError(str(error)) from error

    def _claim(self, login: str, owner: str) -> None:
        """Make the login's collections this FlowFact user's, once for each process."""
        if self._owners.get(login) == owner:
            return
        with self._transactions.reading() as session:
            is_others = collections.is_others(session, login, owner)
        if is_others:
            with self._transactions.writing() as session:
                collections.hand_over(session, login, owner)
        if self._transactions.held is None:
            self._owners[login] = owner

    def require(self, collection: Collection, user: User) -> None:
        """Raise RefusedError (503) if the collection belongs to another user than this process remembers.

        Another process then gave the login to him a moment ago; the next request reads the user anew.
        """
        if collection.owner not in ("", dsn_key(user.dsn)):
            self._users.pop(collection.login, None)
            self._owners.pop(collection.login, None)
            raise RefusedError("the login belongs to another FlowFact user since this moment; try again", 503)

    def forget(self) -> None:
        """Drop all that is remembered."""
        self._users.clear()
        self._owners.clear()
