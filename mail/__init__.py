"""Renders messages and hands them to a mail server: the adapters of `domain.mail`."""
