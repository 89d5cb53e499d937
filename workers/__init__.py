"""Does what happens after a commit: consumers of the streams, jobs and schedules (docs/workers.md)."""
