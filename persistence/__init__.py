"""The stores and loaders: the only place that speaks SQL."""
