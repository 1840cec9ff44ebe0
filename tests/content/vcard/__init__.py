"""Tests of ``radicale_flowfact.content.vcard``."""
