"""Documents as they are kept: the log of their edits."""
