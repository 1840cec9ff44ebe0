"""Tests of radicale_flowfact.crm.site."""
