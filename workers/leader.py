"""Runs what one worker does for all, in the worker that leads; another takes over when it is gone."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from domain.errors import Unavailable
from persistence.workers.backoff import full_jitter
from persistence.workers.leadership import Candidate, open_candidate
from realtime.background_tasks import BackgroundTasks
from realtime.backoff import jitter
from workers.metrics import WorkerMetrics
from workers.timings import WorkerTimings

_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.5, 10.0
logger: Final = logging.getLogger(__name__)

Duty = tuple[str, Callable[[], Coroutine[Any, Any, None]]]
"""A name, and what runs without end while this worker leads."""


async def lead(url: str, duties: list[Duty], timings: WorkerTimings, metrics: WorkerMetrics) -> None:
    """Try to lead, and run the duties while this worker does. Runs until cancelled."""
    failures = 0
    while True:
        try:
            async with open_candidate(url) as candidate:
                while not await candidate.try_to_lead():
                    failures = 0
                    await asyncio.sleep(jitter(timings.leader_poll_seconds))
                failures = 0
                await _run_duties(candidate, duties, timings, metrics)
        except Unavailable as error:
            failures += 1
            if failures == 1:
                logger.warning("This worker cannot lead for now: %s", error.__cause__ or error)
        await asyncio.sleep(full_jitter(max(failures, 1), _FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS))


async def _run_duties(candidate: Candidate, duties: list[Duty], timings: WorkerTimings, metrics: WorkerMetrics) -> None:
    """Run the duties until the session is lost. Raises Unavailable then."""
    logger.info("This worker leads.")
    tasks = BackgroundTasks()
    metrics.leads = True
    try:
        for name, duty in duties:
            tasks.supervise(duty(), f"leader: {name}")
        while True:
            await asyncio.sleep(timings.leader_poll_seconds)
            await candidate.check()
    finally:
        metrics.leads = False
        metrics.lags, metrics.job_lags = {}, {}
        await tasks.cancel_all()
