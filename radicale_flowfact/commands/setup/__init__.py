"""The command ``setup``: a guided first hour, on a terminal or by answers in a file.

Its door is ``command``. ``answers`` asks, ``database`` finds and tries the database, ``naming`` completes the name map,
``files`` writes.
"""
