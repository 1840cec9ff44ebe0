"""Alembic's migrations of the gateway's own tables."""
