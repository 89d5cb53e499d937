"""Running one operation: document, limits, execution, errors; knows graphql-core and nothing of HTTP."""
