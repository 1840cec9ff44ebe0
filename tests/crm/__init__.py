"""Tests of crm."""
