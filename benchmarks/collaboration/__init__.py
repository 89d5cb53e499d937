"""What live editing costs, beside peers."""
