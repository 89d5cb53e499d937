"""The server beside its peers, in one run: `python benchmarks/run.py`. See README.md."""
