"""The functions behind the fields: context in, domain objects out; no rules, no SQL."""
