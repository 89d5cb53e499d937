"""Wakes workers: a queue that says where there is something to do, and never carries the work itself."""
