"""GraphQL over websockets: graphql-transport-ws and the legacy graphql-ws."""
