"""Converts cards between vCard 3.0 (RFC 2426) and 4.0 (RFC 6350), without loss.

Imports ``content.contentlines`` alone; pure functions that take linear time. Its door is ``versions``.
"""
