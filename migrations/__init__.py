"""Numbered schema changes, the same on SQLite and PostgreSQL."""
