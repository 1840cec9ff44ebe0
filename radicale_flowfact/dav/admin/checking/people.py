"""Checks each mapped login: who it is, what it shows by two ways of counting, whether it can make records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from radicale_flowfact.crm import reads, scope
from radicale_flowfact.crm.site.tally import Survey, Tally
from radicale_flowfact.crm.users import UserError, read_merkmale, read_user
from radicale_flowfact.dav.admin.checking.findings import Counts, Group, Report
from radicale_flowfact.dav.admin.overview import mapped_user
from radicale_flowfact.dav.reading import rendering
from radicale_flowfact.dav.store.session import Name, Session
from radicale_flowfact.records import Kind, User, dsn_key
from radicale_flowfact.settings import shared_users

_SHOWN = 3  # DSNs that a finding names
_MOST_KINDS = 12


def check_users(session: Session, report: Report) -> None:
    """Report who is mapped to whom, and what is wrong with it."""
    settings = session.settings
    if not settings.users:
        report.note(
            Group.USERS,
            "no login is mapped yet; see: radicale-flowfact users",
            "radicale-flowfact users prints a section for each; copy those you want into flowfact.toml",
        )
    merkmale = read_merkmale(session.connection, session.tables)
    known: dict[str, User] = {}
    for login, mapping in sorted(settings.users.items()):
        named = mapping.address_merkmale, mapping.activity_merkmale
        try:
            user = read_user(session.connection, session.tables, mapping.flowfact, *named)
        except UserError as error:
            otherwise = (
                f"change that in FlowFact, or correct [users.{login}]: radicale-flowfact users lists who there is"
            )
            step = "" if "; " in str(error) else otherwise
            report.fault(Group.USERS, f"users.{login}: {error}", step, is_message=not step)
            continue
        known[login] = user
        report.users.append(mapped_user(session, login, user, merkmale))
        if dsn_key(user.own_merkmal or "") not in user.activity_merkmale:
            report.note(
                Group.USERS,
                f"users.{login}: the own Merkmal is not among those his activities sync (Vorlage), "
                "so nothing new can be made in his calendars",
                "add it in FlowFact's user settings, tab Vorlage, or under activity_merkmale in flowfact.toml",
            )
    for flowfact, logins in shared_users(settings).items():
        report.note(
            Group.USERS,
            f"the logins {', '.join(logins)} are one FlowFact user, {flowfact}; each keeps for itself what only its "
            "devices have",
            f"take what is not meant out of flowfact.toml, perhaps [users.{logins[-1]}], or correct flowfact = there",
        )
    check_counts(session, known, report)
    check_kinds(session, known, report)


@dataclass(frozen=True, slots=True)
class _Counted:
    """One collection, counted in both ways, with the DSNs that only one of them has."""

    counts: Counts
    not_shown: tuple[str, ...]
    surplus: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether the two ways come to different records."""
        return bool(self.not_shown or self.surplus)


def check_counts(session: Session, users: Mapping[str, User], report: Report) -> None:
    """Report how many records each collection shows, counted in two ways; where these differ, that is a fault.

    What differs is counted once more: somebody may have written between the two.
    """
    found = _counted(session, users)
    if doubtful := {one.counts.login for one in found if one.differs}:
        again = _counted(session, {login: users[login] for login in doubtful})
        found = [*(one for one in found if one.counts.login not in doubtful), *again]
    report.counts = sorted((one.counts for one in found), key=lambda counts: counts.login)
    for one in found:
        if one.differs:
            _differing(one, report)


def _counted(session: Session, users: Mapping[str, User]) -> list[_Counted]:
    if not users:
        return []
    survey, limit = Survey(session.connection, session.tables, users.values()), rendering.past_limit(session)
    ways = {Name.ADDRESSES: survey.addresses, Name.APPOINTMENTS: survey.appointments, Name.TASKS: survey.tasks}
    found = []
    for login, user in users.items():
        for name, tally_of in ways.items():
            tally = tally_of(user, limit)
            dsns = scope.dsns(session.connection, rendering.scope_of(session, name, user))
            shown = {dsn_key(dsn): dsn for dsn in dsns}
            missing = sorted(tally.members - shown.keys())
            surplus = sorted(shown[key] for key in shown.keys() - tally.members)
            found.append(_Counted(_counts(login, name, len(shown), tally), tuple(missing), tuple(surplus)))
    return found


def _counts(login: str, name: Name, shown: int, tally: Tally) -> Counts:
    return Counts(login, name, shown, tally.rows, tally.records, tally.left_out, tally.linked)


def _differing(one: _Counted, report: Report) -> None:
    login, name = one.counts.login, one.counts.name.value
    for dsns in (one.not_shown, one.surplus):
        if not dsns:
            continue
        count, such = len(dsns), ", ".join(dsns[:_SHOWN])
        missing = f"users.{login}: {count} records are missing in his {name}, though FlowFact's rows say so: {such}"
        surplus = f"users.{login}: {count} records are in his {name}, though FlowFact's rows do not say so: {such}"
        report.fault(
            Group.USERS,
            missing if dsns is one.not_shown else surplus,
            "FlowFact's values are not those that are expected: see the values and types in this check; each "
            f"condition is told by radicale-flowfact why {login} {dsns[0]}",
        )


def check_kinds(session: Session, users: Mapping[str, User], report: Report) -> None:
    """Report who cannot make appointments or tasks: no suitable preset, no kind of the settings' name (rule 21).

    It is a fault if devices may write and somebody is concerned.
    """
    settings = session.settings
    for name, named in ((Name.APPOINTMENTS, settings.appointments.kind), (Name.TASKS, settings.tasks.kind)):
        known = reads.kinds(session.connection, session.tables, appointment=name is Name.APPOINTMENTS)
        fallback = reads.find_kind(known, named)
        without = [login for login, user in users.items() if _preset(known, name, user) is None]
        if fallback is None:
            who = ", ".join(without) or "-"
            tell = report.fault if settings.write and without else report.note
            tell(
                Group.WRITING,
                f"{name}.kind = {named!r} is no suitable kind in FlowFact; users without a preset cannot make any: "
                f"{who}",
                _step(name, known),
            )
            continue
        for login in without:
            if _preset_dsn(name, users[login]):
                report.note(
                    Group.WRITING,
                    f"users.{login}: the preset kind for {name} (Vorbelegung) is no suitable one; {named!r} is used",
                    _step(name, known),
                )


def _preset(known: Sequence[Kind], name: Name, user: User) -> Kind | None:
    dsn = _preset_dsn(name, user)
    return reads.find_kind(known, dsn) if dsn else None


def _preset_dsn(name: Name, user: User) -> str | None:
    return user.appointment_kind if name is Name.APPOINTMENTS else user.task_kind


def _step(name: Name, known: Sequence[Kind]) -> str:
    """Return the line to write, with the kinds that suit."""
    if not known:
        flag = "KALENDER" if name is Name.APPOINTMENTS else "AUFGABE"
        return f"no kind suits: see which values Aktivitätenarten.{flag} has, or mark a kind so in FlowFact"
    such = ", ".join(f'"{kind.name}"' for kind in known[:_MOST_KINDS])
    such += ", …" if len(known) > _MOST_KINDS else ""
    return f"[{name}] kind = … in flowfact.toml, one of: {such}; or a preset in FlowFact's user settings"
