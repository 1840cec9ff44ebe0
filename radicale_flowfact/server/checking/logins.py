"""Checks how logins are proved: the kind of authentication, the password file, and who is in it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from radicale import auth
from radicale.config import Configuration

from radicale_flowfact.database.secrets import masked
from radicale_flowfact.dav.admin.checking.findings import Group, Report
from radicale_flowfact.settings import Settings

_BY_HEADER = frozenset({"http_x_remote_user", "http_remote_user", "remote_user"})
_LOOPBACK = frozenset({"localhost", "localhost6", "127.0.0.1", "::1"})
_READABLE_BY_ALL, _WRITABLE_BY_OTHERS = stat.S_IROTH, stat.S_IWGRP | stat.S_IWOTH
_SHOWN = 12
_FORMS = {
    "sha512": ("$6$",),
    "sha256": ("$5$",),
    "md5": ("$apr1$",),
    "bcrypt": ("$2a$", "$2b$", "$2x$", "$2y$", "$2$"),
    "argon2": ("$argon2",),
}
"""How a password begins in the file, by [auth] htpasswd_encryption (crypt(5), htpasswd(1))."""


@dataclass
class Passwords:
    """The logins of a password file, in its order. ``bare``: those whose password stands there as it is.

    ``broken``: numbers of lines that are no ``login:password``; ``twice``: logins with more than one line;
    ``other``: logins whose password is kept in another form than the configured one.
    """

    logins: list[str] = field(default_factory=list)
    bare: list[str] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)


def check_logins(file: Path, configuration: Configuration, settings: Settings, report: Report) -> None:
    """Report how logins are proved, and what keeps a mapped user out or lets anybody in."""
    kind = configuration.get("auth", "type")
    report.tell(Group.LOGINS, "[auth] type", str(kind))
    if kind == "none":
        report.fault(
            Group.LOGINS,
            "[auth] type = none: whoever reaches the gateway gets in as anybody, with any password",
            f"[auth] type = htpasswd in {file}, then radicale-flowfact users password <login>",
        )
    elif kind == "denyall":
        report.fault(
            Group.LOGINS,
            "[auth] type is not set (denyall): nobody gets in",
            f"[auth] type = htpasswd in {file}, then radicale-flowfact users password <login>",
        )
    elif kind in _BY_HEADER:
        _check_header(str(kind), configuration, report)
    elif kind == "htpasswd":
        _check_file(Path(configuration.get("auth", "htpasswd_filename")), configuration, settings, report)
    else:
        _check_loads(configuration, report)
    _check_case(configuration, settings, report)


def _check_header(kind: str, configuration: Configuration, report: Report) -> None:
    """Report an authentication that believes whatever name it is told: only a proxy may reach it."""
    open_to = [host for host, _ in configuration.get("server", "hosts") if host not in _LOOPBACK]
    step = "let only the proxy reach the gateway: [server] hosts = 127.0.0.1:5232, or a firewall"
    if open_to:
        text = (
            f"[auth] type = {kind} believes any name that it is told, and the gateway listens on {', '.join(open_to)}"
        )
        report.fault(Group.LOGINS, text, step)
    else:
        report.note(Group.LOGINS, f"[auth] type = {kind}: the proxy proves who somebody is, the gateway believes it")


def _check_loads(configuration: Configuration, report: Report) -> None:
    """Report an authentication that cannot be set up, such as LDAP without its library."""
    try:
        auth.load(configuration)
    except Exception as error:  # RuntimeError, ImportError or whatever a plugin raises
        cause = masked(str(error.__cause__ or error))
        report.fault(
            Group.LOGINS, f"the logins cannot be checked: {cause}", "correct [auth]; serve does not start like this"
        )


def _check_file(path: Path, configuration: Configuration, settings: Settings, report: Report) -> None:
    step = "radicale-flowfact users password <login> writes it"
    try:
        found = read_passwords(path, str(configuration.get("encoding", "stock")), _encryption(configuration))
    except FileNotFoundError:
        report.fault(Group.LOGINS, f"there is no password file {path}: nobody gets in", step)
        return
    except (OSError, UnicodeDecodeError) as error:
        words = getattr(error, "strerror", None) or "it is in another encoding"
        report.fault(
            Group.LOGINS,
            f"the password file {path} cannot be read: {words}",
            "let the user that the gateway runs as read it, as UTF-8",
        )
        return
    report.tell(Group.LOGINS, "passwords", f"{len(found.logins)} in {path}, {_encryption(configuration)}")
    _check_rights(path, report)
    _check_entries(path, found, settings, report)
    if not found.broken and not found.twice:
        _check_loads(configuration, report)


def _check_rights(path: Path, report: Report) -> None:
    if os.name == "nt":
        return
    mode = path.stat().st_mode
    if mode & _WRITABLE_BY_OTHERS:
        report.fault(
            Group.LOGINS,
            f"others may write the password file {path} (mode {stat.S_IMODE(mode):03o}): they can give themselves any "
            "login",
            f"chmod 640 {path}",
        )
    elif mode & _READABLE_BY_ALL:
        report.note(
            Group.LOGINS,
            f"everybody on this machine may read the password file {path} (mode {stat.S_IMODE(mode):03o})",
            f"chmod 640 {path}",
        )


def _check_entries(path: Path, found: Passwords, settings: Settings, report: Report) -> None:
    for number in found.broken:
        report.fault(
            Group.LOGINS,
            f"line {number} of {path} is no login:password; serve does not start like this",
            "delete the line, and set that password anew: radicale-flowfact users password <login>",
        )
    for login in found.twice:
        text = f"{login} has more than one line in {path}; serve does not start like this"
        report.fault(Group.LOGINS, text, "delete all but one of them")
    for login in found.other:
        report.fault(
            Group.LOGINS,
            f"the password of {login} is kept in another form than htpasswd_encryption says: he does not get in",
            f"radicale-flowfact users password {login}, and [auth] htpasswd_encryption = sha512",
        )
    known = {_folded(login): login for login in found.logins}
    for login in settings.users:
        if login in found.logins:
            continue
        other = known.get(_folded(login))
        step = f"radicale-flowfact users password {login}"
        if other is None:
            report.fault(Group.LOGINS, f"users.{login} has no password: he does not get in", step)
        else:
            text = f"users.{login} has no password: he does not get in; there is one of {other!r}, spelt otherwise"
            report.fault(Group.LOGINS, text, step)
    if stray := [login for login in found.logins if login not in settings.users]:
        such = ", ".join(stray[:_SHOWN]) + (", …" if len(stray) > _SHOWN else "")
        report.note(
            Group.LOGINS,
            f"passwords of nobody who is mapped: {such}; these logins are answered 403",
            f"add [users.<login>] to flowfact.toml, or delete the line in {path}",
        )
    if found.bare:
        report.note(
            Group.LOGINS,
            f"{len(found.bare)} passwords stand in {path} as they are, for everybody who reads it",
            "[auth] htpasswd_encryption = sha512, and radicale-flowfact users password <login> for each",
        )


def _check_case(configuration: Configuration, settings: Settings, report: Report) -> None:
    """Report logins that never arrive as they are mapped, because Radicale changes what is typed."""
    for option, changed in (("lc_username", str.lower), ("uc_username", str.upper)):
        if not configuration.get("auth", option):
            continue
        for login in settings.users:
            if changed(login) != login:
                report.fault(
                    Group.LOGINS,
                    f"users.{login} never gets in: [auth] {option} makes {changed(login)!r} of it",
                    f"call it [users.{changed(login)}] in flowfact.toml",
                )


def _folded(login: str) -> str:
    """Return a login as people compare it; a file of Windows' editor may begin with a mark of its encoding."""
    return login.lstrip("\ufeff").strip().casefold()


def _encryption(configuration: Configuration) -> str:
    return str(configuration.get("auth", "htpasswd_encryption"))


def read_passwords(path: Path, encoding: str, encryption: str) -> Passwords:
    """Read a password file as Radicale does. Raises OSError, UnicodeDecodeError."""
    found = Passwords()
    seen: set[str] = set()
    with path.open(encoding=encoding) as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            login, colon, digest = line.rstrip("\n").partition(":")
            if not login or not colon or not digest:
                found.broken.append(number)
                continue
            if login in seen:
                found.twice.append(login)
                continue
            seen.add(login)
            found.logins.append(login)
            if encryption == "plain" or (encryption == "autodetect" and not digest.startswith("$")):
                found.bare.append(login)
            if not _is_of_form(digest, encryption):
                found.other.append(login)
    return found


def _is_of_form(digest: str, encryption: str) -> bool:
    if encryption == "plain":
        return not digest.startswith(tuple(start for starts in _FORMS.values() for start in starts))
    return digest.lstrip().startswith(_FORMS.get(encryption, ("",)))
