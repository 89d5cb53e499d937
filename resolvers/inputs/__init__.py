"""What clients send: input types, filters and orders."""
