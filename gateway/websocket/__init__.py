"""Serves GraphQL over websockets: the protocols `graphql-transport-ws` and `graphql-ws`."""
