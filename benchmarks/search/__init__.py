"""Searches, measured."""
