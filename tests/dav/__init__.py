"""Tests of dav."""
