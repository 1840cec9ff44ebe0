"""From FlowFact's records to items: scope, journal, rendering, listing.

May import ``dav.store`` and everything below it. Its doors are ``refresh`` and ``listing``.
"""
