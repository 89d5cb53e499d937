"""The ordered streams of events, idempotency keys and activity."""
