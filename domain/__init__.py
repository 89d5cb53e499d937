"""The rules: plain Python on the standard library, no input or output of its own."""
