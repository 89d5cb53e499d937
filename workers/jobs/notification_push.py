"""Hands what a person is notified of at a time to a job for each of their devices, so that none waits for another."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from domain import push_device as push_devices
from domain.events import derived_id
from domain.notification import Delivery, DeliveryState, NotificationChannel
from domain.notification.delivery import NO_DEVICE
from domain.push_device import PushDevice
from persistence.engine.rows import to_entity
from persistence.stores import delivery, push_device
from workers.job import JobRun, Work, job
from workers.notification_jobs import PUSH_KIND, batch_of

DEVICE_KIND: Final = "push"
FAILING_DEVICE_KIND: Final = "push again"
MAX_NOTIFICATIONS: Final = 1_000
TOO_MANY: Final = f"More than {MAX_NOTIFICATIONS:,} at once."


@job(kind=PUSH_KIND)
async def notification_push(run: JobRun) -> None:
    """Add a job for each device; devices whose sessions have ended are removed."""
    database = run.services.database
    batch = batch_of(NotificationChannel.PUSH, run.payload)
    under_way = await delivery.handed_over(database, batch.user_id, (DEVICE_KIND, FAILING_DEVICE_KIND))  # before what is queued
    queued = [each for each in await delivery.queued(database, batch) if each.notification_id not in under_way]
    if not queued:
        return
    devices = [to_entity(PushDevice, row) for row in await push_device.of_user(database, batch.user_id)]
    signed_out = await push_device.without_session(database, devices)
    left = [each for each in devices if each not in signed_out]
    async with run.complete() as work:
        for each in signed_out:
            await push_devices.forget(work.uow, each)
        if not left:
            await _suppress(work, queued, NO_DEVICE)
            return
        await _suppress(work, queued[MAX_NOTIFICATIONS:], TOO_MANY)
        ids = [each.notification_id for each in queued[:MAX_NOTIFICATIONS]]
        for each in left:
            kind = DEVICE_KIND if each.failing_since is None else FAILING_DEVICE_KIND
            # Named after what it sends: what was committed late, for a time that has passed, comes by a job with this id again.
            await work.jobs.add(kind, derived_id(run.id, each.id, *ids), push_payload(each, ids))


def push_payload(device: PushDevice, notification_ids: Sequence[UUID]) -> Mapping[str, Any]:
    """The payload of a job that pushes to one device."""
    return {
        "userId": str(device.user_id),
        "deviceId": str(device.id),
        "notificationIds": [str(each) for each in notification_ids],
    }


async def _suppress(work: Work, queued: Sequence[Delivery], reason: str) -> None:
    at = work.uow.now
    finished = [replace(each, state=DeliveryState.SUPPRESSED, detail=reason, at=at) for each in queued]
    await work.uow.deliveries.finish(finished)
