"""How a site's FlowFact differs from the reference schema: read, compared with the name map, drafted anew.

May import what is in ``crm``. Its doors are ``check``, ``drafting``, ``presence`` and ``tally``.
"""
