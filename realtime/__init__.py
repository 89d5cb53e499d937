"""Delivers what was committed to everyone who listens, in order and complete, and lets people edit together."""
