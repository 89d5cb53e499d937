"""Bare sockets: uvicorn's protocols, RFC 6455 framing and write scheduling. Knows neither GraphQL nor documents."""
