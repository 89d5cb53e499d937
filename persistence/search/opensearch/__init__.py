"""Search in OpenSearch: its indices, what writes them, and the finder that asks them."""
