"""Resolves the information about the server."""

from resolvers.context import Context, Services


async def server(context: Context) -> Services:
    """The services, from which the fields read."""
    return context.services
