"""The language that a person reads: English as it stands in the code, German by catalogues in ``de``.

May import nothing of the gateway. Its door is ``texts``; logs, and what is kept in tables, stay English.
"""
