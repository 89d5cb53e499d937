"""Calls hosts that strangers name, without being led into the network of the server."""
