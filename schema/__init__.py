"""The graph: what clients see."""
