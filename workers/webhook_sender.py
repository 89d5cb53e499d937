"""Sends for webhooks: each by one sender at a time, many at once, so that none waits for another's receiver.

A sender claims a webhook by a lease. It sends a few messages at once, of different objects, for a few seconds, and lets the
webhook go to the end of the queue. Webhooks whose receivers take long are claimed from a lane of their own, so that they wait for
each other and not the others for them. A worker that dies lets its leases end: what it was sending is sent again, with the same
id.
"""

import asyncio
import logging
from typing import Final

from domain.errors import Unavailable
from domain.webhook import WebhookState
from persistence.stores import webhook as stored
from persistence.stores.webhook import WAKE_KIND, Claim
from persistence.workers.backoff import full_jitter
from workers.job import PREFIX
from workers.services import WorkerServices
from workers.timings import WorkerTimings
from workers.webhook_delivery import deliver

MAX_FAST: Final = 32
"""Webhooks that a worker sends for at once, of those whose receivers answer soon."""
MAX_SLOW: Final = 16
"""The same of the others."""
MAX_CONCURRENT_PER_WEBHOOK: Final = 4
MAX_CONNECTIONS: Final = (MAX_FAST + MAX_SLOW) * MAX_CONCURRENT_PER_WEBHOOK
"""None waits for a connection."""
SLOW_SECONDS: Final = 2.0
"""A receiver that takes longer is slow."""
SLICE_SECONDS: Final = 5.0
"""For how long a sender begins new messages of one webhook, before it is others' turn."""
LEASE_SECONDS: Final = 45.0
_POLL_SECONDS: Final = 1.0
logger = logging.getLogger(__name__)


class WebhookSender:
    """The senders of one worker."""

    name = "webhooks"

    def __init__(self, services: WorkerServices, timings: WorkerTimings) -> None:
        self._services = services
        self._timings = timings
        self._news = asyncio.Event()
        self._busy: dict[bool, int] = {False: 0, True: 0}
        """How many webhooks are sent for, by whether they are slow."""
        self._stopping = False

    def wake(self, name: str) -> None:
        """Look for messages, if the name is that of webhooks."""
        if name == PREFIX + WAKE_KIND:
            self._news.set()

    def stop(self) -> None:
        """Begin nothing more; what is under way is finished."""
        self._stopping = True
        self._news.set()

    async def run(self) -> None:
        """Work until `stop` is called."""
        failures = 0
        async with asyncio.TaskGroup() as tasks:
            while not self._stopping:
                self._news.clear()
                try:
                    pause = await self._claim(tasks)
                except Unavailable as error:
                    failures += 1
                    if failures == 1:
                        logger.warning("Webhooks wait for the database: %s", error.__cause__ or error)
                    pause = full_jitter(failures, self._timings.first_retry_seconds, self._timings.max_retry_seconds)
                else:
                    failures = 0
                await self._wait(pause)

    async def _claim(self, tasks: asyncio.TaskGroup) -> float:
        """Begin to send for webhooks that are due; how long to wait then."""
        database = self._services.database
        await stored.expire(database)
        for slow, limit in ((False, MAX_FAST), (True, MAX_SLOW)):
            if free := limit - self._busy[slow]:
                for claim in await stored.claim(database, free, slow=slow, lease_seconds=LEASE_SECONDS):
                    self._busy[slow] += 1
                    tasks.create_task(self._serve(claim, slow), name=f"webhook {claim.webhook_id}")
        found = await stored.seconds_until_next(database)
        return _POLL_SECONDS if found is None else min(max(found, 0.05), _POLL_SECONDS)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            pass

    async def _serve(self, claim: Claim, slow: bool) -> None:
        is_slow = slow
        try:
            is_slow = await self._send_for_a_while(claim)
        except Unavailable as error:
            logger.warning("A webhook waits for the database: %s", error.__cause__ or error)
        except Exception:  # of one webhook: others are sent for
            logger.exception("Sending for the webhook %s failed.", claim.webhook_id)
        finally:
            self._busy[slow] -= 1
        try:
            await stored.release(self._services.database, claim, slow=is_slow)
        except Unavailable:
            logger.warning("The webhook %s is let go when its lease ends.", claim.webhook_id)
        self._news.set()

    async def _send_for_a_while(self, claim: Claim) -> bool:
        """Send what is due of a webhook for a few seconds; whether its receiver is slow."""
        loop = asyncio.get_running_loop()
        ends_at, longest = loop.time() + SLICE_SECONDS, 0.0
        while not self._stopping and loop.time() < ends_at:
            webhook = await stored.get(self._services.database, claim.webhook_id)
            if webhook is None or webhook.state is not WebhookState.ACTIVE:
                break
            due = await stored.next_deliveries(self._services.database, claim.webhook_id, MAX_CONCURRENT_PER_WEBHOOK)
            if not due:
                break
            sent = await asyncio.gather(*(deliver(self._services, webhook, claim, each) for each in due))
            longest = max(longest, *(each.seconds for each in sent))
            if not all(each.is_recorded for each in sent):
                break
        return longest > SLOW_SECONDS
