"""The gateway's own tables and what one row of each means.

May import ``crm``, the maps, ``queries`` and what is below them; knows no HTTP. Its doors are ``session``,
``request`` and a module for each table.
"""
