"""The endpoint of the graph: GraphQL over HTTP and over websockets, in front of `gateway.execution`."""
