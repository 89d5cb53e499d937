"""Live collaboration: rooms in which people edit one document together, and the protocols that lead there."""
