"""The server itself."""

from resolvers.context import Context, Services


async def server(context: Context) -> Services:
    """What answers."""
    return context.services
