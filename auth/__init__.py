"""Who is asking: passwords, keys and tokens."""
