"""Makes a FlowFact database of a fictitious agency, to try the gateway and to measure it.

May import ``server.htpasswd``, ``crm`` and what is below them. Its doors are ``setup`` and ``agency``.
"""
