"""Ten FlowFacts: databases that differ from the reference schema as real ones may, made from small descriptions.

``ten.TEN`` describes them, ``making.make`` makes one on SQLite or PostgreSQL and returns the reference answers.
"""
