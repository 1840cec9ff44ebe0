"""Fills the caches of stock Radicale for one collection, without waiting for the disk: a process of its own.

Radicale as it is installed does this at its first listings, with an fsync for each item, for minutes.
"""

from __future__ import annotations

import logging
import sys

from radicale import config
from radicale.app import Application
from radicale.log import logger

from bench import bodies
from bench.wsgi import WsgiClient


def main(file: str, path: str) -> None:
    """List a collection in both ways."""
    logger.setLevel(logging.ERROR)
    configuration = config.load([(file, False)])
    quick = {"storage": {"_filesystem_fsync": "False"}, "auth": {"type": "none"}, "rights": {"type": "authenticated"}}
    configuration.update(quick, "bench", privileged=True)
    client = WsgiClient(Application(configuration), path.strip("/").partition("/")[0], "")
    bodies.check(client.request("PROPFIND", path, bodies.ETAGS, {"Depth": "1"}), etags=1)
    bodies.check(client.request("REPORT", path, bodies.sync_collection()), etags=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
