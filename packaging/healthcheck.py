"""Asks the gateway in this container for its health; exit status 0 if it is well.

Port and TLS are those of the configuration that ``RADICALE_CONFIG`` names. The certificate is not verified: it names
the server as phones know it, not this container, and nobody else can listen here.
"""

from __future__ import annotations

import configparser
import os
import ssl
import sys
import urllib.request

SECONDS = 8


def url(path: str) -> str:
    """Return the health's URL by the configuration file."""
    config = configparser.RawConfigParser()
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - as Radicale opens it
        config.read_file(file)
    hosts = config.get("server", "hosts", fallback="localhost:5232")
    port = hosts.split(",")[0].strip().rpartition(":")[2]
    scheme = "https" if config.getboolean("server", "ssl", fallback=False) else "http"
    return f"{scheme}://127.0.0.1:{port}/.flowfact/health"


def main() -> int:
    """Ask once; say what is wrong."""
    unverified = ssl.create_default_context()
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    try:
        address = url(os.environ.get("RADICALE_CONFIG", "/config/radicale.ini"))
        with urllib.request.urlopen(address, timeout=SECONDS, context=unverified):  # noqa: S310 - this machine
            return 0
    except (OSError, configparser.Error, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
