"""Requests that devices send all day, answered from the journal's tables without Radicale's trees.

A request is *hot* when it asks in the usual words for what one or two statements tell. Everything else, and
everything that goes wrong, is left to Radicale: this room only ever answers what Radicale would answer, too.
"""
