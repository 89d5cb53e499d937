"""The secret of every server and application of the tests, which share databases."""

SECRET_KEY = "a secret of the tests that is long enough"
