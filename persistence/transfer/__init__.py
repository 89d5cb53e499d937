"""Whole teams and projects, read for a file."""
