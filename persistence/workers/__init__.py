"""Keeps what workers remember in Postgres: cursors of consumers, dead letters, and who leads."""
