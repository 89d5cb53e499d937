"""Persisted queries: automatic (APQ) and trusted documents."""
