"""Tests of the map between an Address and a vCard."""
