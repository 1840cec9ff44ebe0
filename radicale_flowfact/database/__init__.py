"""One SQLAlchemy engine for each database URL: connections, time-outs, faults, privileges, secrets.

Imports nothing else of the project. Its door is ``engines``.
"""
