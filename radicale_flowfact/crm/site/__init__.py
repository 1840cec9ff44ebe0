"""How a site's FlowFact differs from the reference schema: read, compared with the name map, drafted anew.

May import ``crm.names`` and ``crm.tables``. Its doors are ``check`` and ``drafting``.
"""
