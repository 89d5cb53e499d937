"""How statements run: pool, batching, transactions, rows and pages."""
