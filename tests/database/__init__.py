"""Tests of ``database``: types, lengths."""
