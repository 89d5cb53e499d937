"""Compiles operations to straight-line Python."""
