"""Completes the name map: what the draft is sure of, what the answers say, and questions for the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from radicale_flowfact.commands.setup.answers import Answers
from radicale_flowfact.commands.shared import console
from radicale_flowfact.crm.names import OPTIONAL, TABLES, NameMap, NameMapError
from radicale_flowfact.crm.site import check, drafting, schema_reading
from radicale_flowfact.crm.site.drafting import Found, Guess
from radicale_flowfact.database.engines import engine_for
from radicale_flowfact.dav.admin.readonly import read_only
from radicale_flowfact.language.texts import _, translated
from radicale_flowfact.settings import SettingsError

_ROUNDS = 2 * len(TABLES)


def complete(answers: Answers, url: str, state_schema: str, known: Mapping[str, str]) -> dict[str, str]:
    """Return the section ``[names]``: only what differs from the reference, and what is absent.

    ``known``: the section as it is; answers of the file go before it. Raises SettingsError with every name that is
    missing or does not fit.
    """
    names = {**known, **{key: str(value) for key, value in answers.section("names").items()}}
    with read_only(engine_for(url, state_schema)) as connection:
        there = _tables(answers, connection, names, state_schema)
        guesses = drafting.draft(_map(names), there, check.fits)
        for _number in range(_ROUNDS):
            if not (unsure := _open(guesses, names)):
                break
            if not answers.can_ask:
                raise _missing(answers, unsure)
            names[unsure[0].logical] = _asked(answers, unsure[0], there, guesses)
            if unsure[0].logical in TABLES:  # its columns are another question now
                guesses = drafting.draft(_map(names), there, check.fits)
        made = {**_of(guesses), **names}
        faults = check.check(connection, _map(made))
    if faults:
        lines = "".join(f"\n  {fault}" for fault in faults)
        raise SettingsError(_("the name map does not fit:{lines}").format(lines=lines))
    other = sum(1 for physical in made.values() if physical)
    console.print(
        _("Name map: {other} called otherwise, {absent} absent; the rest as in the reference").format(
            other=other, absent=len(made) - other
        ),
        markup=False,
    )
    return made


def _map(names: Mapping[str, str]) -> NameMap:
    try:
        return NameMap.from_overrides(names)
    except NameMapError as error:
        raise SettingsError(str(error)) from error


def _tables(answers: Answers, connection: Connection, names: Mapping[str, str], state_schema: str) -> list[Found]:
    schema = str(answers.given("database.schema") or "")
    others = "" if schema == state_schema else state_schema  # FlowFact's tables may lie beside the gateway's
    found = schema_reading.all_tables(connection, _map(names), others)
    if schema:
        found = [one for one in found if one.name.rpartition(".")[0] == schema]
    if not found:
        raise SettingsError(
            _("the database user sees no table there: see the name of the database, database.schema, and his grants")
        )
    return schema_reading.with_values(connection, found)


def _of(guesses: Sequence[Guess]) -> dict[str, str]:
    """Return what the guesses say that differs from the reference."""
    plain = {guess.logical: guess.logical.rpartition(".")[2] for guess in guesses}
    return {
        guess.logical: guess.physical
        for guess in guesses
        if guess.physical != plain[guess.logical] and (guess.physical or guess.logical in OPTIONAL)
    }


def _open(guesses: Sequence[Guess], names: Mapping[str, str]) -> list[Guess]:
    """Return what a person has to say: what is needed and not sure, and what may be absent and is in doubt."""
    there = {guess.logical for guess in guesses if guess.physical or guess.logical not in TABLES}
    return [
        guess
        for guess in guesses
        if guess.logical not in names
        and (guess.in_doubt or (guess.logical not in OPTIONAL and not (guess.physical and guess.is_sure)))
        and ("." not in guess.logical or guess.logical.partition(".")[0] in there)
    ]


def _missing(answers: Answers, unsure: Sequence[Guess]) -> SettingsError:
    lines = []
    for guess in unsure:
        near = guess.physical or guess.nearest
        line = f'names."{guess.logical}"'
        lines.append(line + ("  " + _("(perhaps {near})").format(near=near) if near else ""))
    return answers.missing(lines)


def _asked(answers: Answers, guess: Guess, there: Sequence[Found], guesses: Sequence[Guess]) -> str:
    """Ask for one name at the terminal; only what exists is taken, and nothing for what may be absent."""
    table = guess.logical.partition(".")[0]
    place = next((one.physical for one in guesses if one.logical == table), "")
    options = (
        [one.name for one in there]
        if guess.logical in TABLES
        else [column for one in there if one.name == place for column in one.columns]
    )
    is_optional = guess.logical in OPTIONAL

    def fault(text: str) -> str:
        if (not text and is_optional) or text in options:
            return ""
        near = ", ".join(options[:20])
        return _("there is no {text}; there are: {near}").format(text=text or '""', near=near)

    question = _("What is {logical} called here?").format(logical=guess.logical)
    if is_optional:
        near = _("perhaps {near}").format(near=guess.nearest)
        question += " " + _("({near}; empty: absent, {without})").format(
            near=near, without=translated(OPTIONAL[guess.logical])
        )
    return answers.text(f"names.{guess.logical}", question, guess.physical or None, fault=fault)
