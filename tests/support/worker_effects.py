"""What workers of tests have in common: their patience, and the table in which they record what they did."""

from dataclasses import replace

from workers.timings import WorkerTimings

FAST_TIMINGS = WorkerTimings(
    handler_timeout_seconds=5.0,
    first_retry_seconds=0.01,
    max_retry_seconds=0.05,
    locked_retry_seconds=0.01,
    sweep_seconds=0.2,
    leader_poll_seconds=0.2,
    drain_timeout_seconds=5.0,
    lease_margin_seconds=0.5,
)
IMPATIENT_TIMINGS = replace(FAST_TIMINGS, drain_timeout_seconds=0.1)
"""For workers that end while something hangs in them."""

# Ids are random: what is done twice stands there twice.
CREATE_EFFECTS = """
CREATE TABLE IF NOT EXISTS effects (
  id uuid PRIMARY KEY, consumer text, event_id uuid, stream text, position bigint, at timestamptz DEFAULT clock_timestamp()
)
"""
INSERT_EFFECT = "INSERT INTO effects (id, consumer, event_id, stream, position) VALUES ($1, $2, $3, $4, $5)"
