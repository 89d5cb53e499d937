"""Runs statements: pool, batching, rows and pages."""
