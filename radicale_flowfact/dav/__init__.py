"""The gateway's side: scope, journal, identities, sidecar, edits and history, all in FlowFact's own engine.

May import ``crm``, the maps, ``queries`` and what is below them. Its doors are ``gateway`` for those who serve and
``admin`` for those who ask.
"""
