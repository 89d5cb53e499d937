"""Executes each event once per group of equal subscriptions and sends the result to its members."""
