"""Writes Radicale's configuration, the same for the gateway and for stock Radicale except for the storage."""

from __future__ import annotations

from pathlib import Path

_TEMPLATE = """\
[server]
hosts = 127.0.0.1:{port}
{server}
[auth]
type = htpasswd
htpasswd_filename = users.htpasswd
htpasswd_encryption = sha512
cache_logins = True
[rights]
type = owner_only
[storage]
{storage}
[web]
type = none
[logging]
level = warning
"""


def write(folder: Path, port: int, storage: str, server: str = "") -> Path:
    """Write the configuration for a port, with lines of the sections [storage] and [server]; return the file."""
    file = folder / "radicale.ini"
    file.write_text(_TEMPLATE.format(port=port, storage=storage, server=server), encoding="utf-8")
    return file
