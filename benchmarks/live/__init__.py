"""Live subscriptions, measured beside peers: `make bench-live`."""
