"""Carries operations from a socket to a resolver and their results back."""
