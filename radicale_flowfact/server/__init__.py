"""Starts the server: Radicale's configuration, the password file, the worker processes and HTTP/1.1 within bounds.

May import ``http`` and everything below it. Its doors are ``start`` and ``configuration``; a process runs ``workers``,
which supervises, or ``worker``, whose connections (``connection``) ``polling`` waits for within ``limits``.
"""
