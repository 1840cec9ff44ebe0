"""Tests of ``radicale_flowfact.maps``."""
