"""What documents hold: Yjs documents guarded, read, written, compared and merged. Pure: no I/O, no clock, no event loop."""
