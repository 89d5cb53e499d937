"""What workers count: plain numbers, read when metrics are scraped."""

from dataclasses import dataclass, field

from persistence.workers.backlog import Lag


@dataclass(slots=True)
class ConsumerMetrics:
    """Of one consumer, since the start of the process."""

    entries: int = 0
    """Events that were handled, or read and passed over because of their types."""
    failures: int = 0
    dead_letters: int = 0


@dataclass(slots=True)
class JobMetrics:
    """Of one kind of jobs, since the start of the process."""

    done: int = 0
    failures: int = 0
    dead_letters: int = 0


@dataclass(slots=True)
class ScheduleMetrics:
    """Of one schedule, since the start of the process."""

    runs: int = 0
    failures: int = 0


@dataclass(slots=True)
class WorkerMetrics:
    """Of one worker. `lags` and `job_lags` stand for all workers together, and are empty unless this one leads."""

    consumers: dict[str, ConsumerMetrics] = field(default_factory=dict)
    jobs: dict[str, JobMetrics] = field(default_factory=dict)
    schedules: dict[str, ScheduleMetrics] = field(default_factory=dict)
    lags: dict[str, Lag] = field(default_factory=dict)
    job_lags: dict[str, Lag] = field(default_factory=dict)
    leads: bool = False
