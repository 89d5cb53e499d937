"""How long workers wait for what."""

from dataclasses import dataclass

from workers.consumer import HANDLER_TIMEOUT_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerTimings:
    """In seconds; tests are less patient."""

    handler_timeout_seconds: float = HANDLER_TIMEOUT_SECONDS
    first_retry_seconds: float = 1.0
    max_retry_seconds: float = 300.0
    locked_retry_seconds: float = 0.1
    """Another worker reads the stream: it may have missed what this one was told of."""
    sweep_seconds: float = 5.0
    """Between two looks through the backlog, at least."""
    leader_poll_seconds: float = 2.0
    """How often others try to lead, and the leader makes sure that it still does."""
    max_schedule_sleep_seconds: float = 30.0
    lease_margin_seconds: float = 15.0
    """How long after its timeout a job stays leased, so that its outcome can be recorded."""
    drain_timeout_seconds: float = 12.0
    """How long what is under way may take when the worker stops."""
