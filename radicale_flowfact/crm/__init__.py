"""FlowFact's side, the only code that names its tables: scope, records, writes, users. Knows nothing of DAV.

May import ``records``, ``actions`` and ``database``. Its doors are ``reads``, ``writes``, ``scope`` and ``tables``.
"""
