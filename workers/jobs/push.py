"""Sends a push to one device.

Everything is looked at again when it is sent: settings, rights, the session of the device, and whether the notification was read
meanwhile. The message's id is that of the first job, so that a push whose acceptance was not recorded replaces itself.

A device that does not take a push is left alone for a while that grows, and its pushes pass over to jobs of another kind, which
have tasks of their own: so a push service that hangs costs those that work three seconds of one of sixteen tasks.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from domain import notification as notifications
from domain import push_device as push_devices
from domain.events import derived_id
from domain.notification import Delivery, DeliveryState, NotificationChannel
from domain.push import TTL_SECONDS, DeviceGone, PushMessage, PushRejected, PushUnavailable
from domain.push_device import MAX_FAILING, PushDevice
from persistence.engine.rows import to_entity
from persistence.stores import delivery, push_device, user
from persistence.stores.notification import sendable
from workers.job import JobRun, RetryLater, job
from workers.jobs.notification_push import DEVICE_KIND, FAILING_DEVICE_KIND
from workers.notification_jobs import suppression
from workers.services import WorkerServices

REMOVED: Final = "The device is not registered any more."
MAX_AGE: Final = timedelta(seconds=TTL_SECONDS)
"""A push that could not be sent for so long is given up, as a push service would."""
_TIMEOUT_SECONDS: Final = 20.0
_MAX_TRIES: Final = 200  # in a day, with pauses that grow from seconds to an hour
_PATIENCE_SECONDS: Final = 3.0
"""How long a device that works may take; one that fails is given as long as its pusher waits."""
_CONCURRENCY: Final = 16
_CONCURRENCY_AGAIN: Final = 4
_Outcome = tuple[DeliveryState, str | None]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a job is to send: the device, what was decided not to be sent, and the message about the rest, if there is any."""

    device: PushDevice | None
    deliveries: Sequence[Delivery]
    suppressed: Mapping[UUID, _Outcome]
    message: PushMessage | None


@job(kind=DEVICE_KIND, timeout_seconds=_TIMEOUT_SECONDS, max_tries=_MAX_TRIES, concurrency=_CONCURRENCY)
async def push(run: JobRun) -> None:
    """Send to a device that works; what fails is tried again by `push_again`."""
    plan = await _plan(run, message_id=run.id)
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            outcome, device = await _send(run, plan)
    except (PushUnavailable, TimeoutError) as error:
        assert plan.device is not None
        asked = error.retry_after_seconds if isinstance(error, PushUnavailable) else None
        device = plan.device.failed(datetime.now(UTC), asked)
        async with run.complete() as work:
            await work.uow.push_devices.mark(device)
            again = {**run.payload, "messageId": str(run.id)}
            await work.jobs.add(FAILING_DEVICE_KIND, derived_id(run.id, "again"), again, run_at=device.retry_at)
        return
    await _finish(run, plan, outcome, device)


@job(kind=FAILING_DEVICE_KIND, timeout_seconds=_TIMEOUT_SECONDS, max_tries=_MAX_TRIES, concurrency=_CONCURRENCY_AGAIN)
async def push_again(run: JobRun) -> None:
    """Send to a device that did not take the last push, once it is not to be left alone any more."""
    plan = await _plan(run, message_id=UUID(run.payload.get("messageId", str(run.id))))
    now, device = datetime.now(UTC), plan.device
    is_too_old = now - run.created_at > MAX_AGE
    if (
        plan.message is not None
        and device is not None
        and not is_too_old
        and device.retry_at is not None
        and device.retry_at > now
    ):
        raise RetryLater((device.retry_at - now).total_seconds() + 0.1, "The device is left alone for a while.")
    try:
        outcome, device = await _send(run, plan)
    except PushUnavailable as error:
        assert device is not None
        failed = device.failed(now, error.retry_after_seconds)
        if failed.failing_since is not None and now - failed.failing_since > MAX_FAILING:
            outcome, device = (DeliveryState.FAILED, error.reason), None
        elif is_too_old:
            outcome, device = (DeliveryState.FAILED, error.reason), failed
        else:
            await push_device.mark(run.services.database, failed)
            assert failed.retry_at is not None
            raise RetryLater((failed.retry_at - now).total_seconds(), error.reason) from error
    await _finish(run, plan, outcome, device)


async def _plan(run: JobRun, *, message_id: UUID) -> _Plan:
    database, user_id = run.services.database, UUID(run.payload["userId"])
    ids = [UUID(each) for each in run.payload["notificationIds"]]
    waiting = await delivery.not_suppressed(database, NotificationChannel.PUSH, ids)
    device = await _find_device(run.services, user_id, UUID(run.payload["deviceId"]))
    to = (await user.by_ids(database, [user_id])).get(user_id)
    recipient = (await delivery.recipients(database, [user_id])).get(user_id)
    visible = {each.id: each for each in await sendable(database, user_id, ids)}
    suppressed = {
        each.notification_id: reason
        for each in waiting.values()
        if (reason := suppression(each, to, recipient, visible)) is not None
    }
    about = [each for id_, each in visible.items() if id_ in waiting and id_ not in suppressed]
    if not about or device is None or recipient is None:
        return _Plan(device, list(waiting.values()), suppressed, None)
    texts = None
    if recipient.settings.push_content:
        texts = await run.services.notification_texts.write(database, user_id, about[-1:])
    return _Plan(device, list(waiting.values()), suppressed, notifications.push_message(message_id, about, texts))


async def _find_device(services: WorkerServices, user_id: UUID, device_id: UUID) -> PushDevice | None:
    """The device, unless it was removed or its session has ended."""
    row = (await push_device.by_ids(services.database, user_id, [device_id])).get(device_id)
    if row is None:
        return None
    device = to_entity(PushDevice, row)
    return None if await push_device.without_session(services.database, [device]) else device


async def _send(run: JobRun, plan: _Plan) -> tuple[_Outcome, PushDevice | None]:
    """What came of it, and the device as it is now; None where it is to be removed. Raises PushUnavailable."""
    if plan.device is None:
        return (DeliveryState.FAILED, REMOVED), None
    if plan.message is None:
        return (DeliveryState.SENT, None), plan.device
    try:
        await run.services.pusher.send(plan.device, plan.message)
    except DeviceGone as error:
        return (DeliveryState.FAILED, error.reason), None
    except PushRejected as error:
        return (DeliveryState.FAILED, error.reason), plan.device
    return (DeliveryState.SENT, None), replace(plan.device, failing_since=None, retry_at=None)


async def _finish(run: JobRun, plan: _Plan, outcome: _Outcome, device: PushDevice | None) -> None:
    """Record what came of a try."""
    async with run.complete() as work:
        finished = []
        for each in plan.deliveries:
            state, detail = plan.suppressed.get(each.notification_id, outcome)
            finished.append(replace(each, state=state, detail=detail, at=work.uow.now))
        await work.uow.deliveries.finish(finished)
        if plan.device is None:
            return
        if device is None:
            await push_devices.forget(work.uow, plan.device)
        elif device != plan.device:
            await work.uow.push_devices.mark(device)
