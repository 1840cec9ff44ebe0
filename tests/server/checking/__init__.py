"""Tests of what ``check`` says of logins and web."""
