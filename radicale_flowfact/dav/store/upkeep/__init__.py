"""The daily upkeep: what is forgotten after ``history_days``, and whether the clock may be believed.

May import ``dav.store``. Doors: ``retention``, ``clock``.
"""
