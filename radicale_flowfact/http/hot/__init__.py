"""Answers the requests that devices send all day from the journal's tables, without Radicale's trees.

A request is *hot* when its body has the usual form and one or two SQL statements answer it. Any other request, and
every error, is left to Radicale: the answers of this package are equal to Radicale's.
May import ``http.auth``, ``http.card_versions``, ``http.prefer``, ``http.retry`` and what is below ``http``. Its
door is ``dispatch``.
"""
