"""Observation of a running server: a log line for each request, health, metrics.

May import what is below ``http``, nothing else of it. Its doors are ``middleware``, ``logs`` and ``request_facts``.
"""
