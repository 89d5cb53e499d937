"""Composes the application: settings, resources, the ASGI app and the processes that serve it."""
