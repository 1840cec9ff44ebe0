"""HTTP: Radicale's WSGI application and the requests that a storage plugin cannot answer.

May import ``storage`` and everything below it. Its door is ``app``.
"""
