"""The parts of ``check`` that need Radicale's configuration: logins, passwords, certificate, addresses, proxies.

May import what ``server`` may. Its door is ``door``: all of them, added to the report of ``dav.admin.check``.
"""
