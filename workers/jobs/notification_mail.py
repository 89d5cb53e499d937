"""Sends a person the mail about their notifications that is due at a time.

Everything is looked at again when it is sent: settings, address, rights, and whether the notification was read meanwhile. The
mail's id is that of the job, so that a mail whose acceptance was not recorded is sent again as the same message.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from domain import notification as notifications
from domain.mail import MailRejected, MailUnavailable
from domain.notification import Delivery, DeliveryState, NotificationChannel
from persistence.stores import delivery, user
from persistence.stores.notification import sendable
from workers.job import JobRun, RetryLater, job
from workers.notification_jobs import MAIL_KIND, batch_of, suppression

_MAX_TRIES: Final = 300  # of ten minutes each: two days
_FIRST_RETRY_SECONDS: Final = 5.0
_MAX_RETRY_SECONDS: Final = 600.0


@job(kind=MAIL_KIND, timeout_seconds=45.0, max_tries=_MAX_TRIES)
async def notification_mail(run: JobRun) -> None:
    """Send what is still to be sent."""
    database, services = run.services.database, run.services
    batch = batch_of(NotificationChannel.EMAIL, run.payload)
    queued = await delivery.queued(database, batch)
    if not queued:
        return
    to = (await user.by_ids(database, [batch.user_id])).get(batch.user_id)
    recipient = (await delivery.recipients(database, [batch.user_id])).get(batch.user_id)
    visible = {each.id: each for each in await sendable(database, batch.user_id, [each.notification_id for each in queued])}
    results = {each.notification_id: suppression(each, to, recipient, visible) for each in queued}
    about = [each for each in visible.values() if results[each.id] is None]
    bad_address: str | None = None
    outcome: tuple[DeliveryState, str | None] = DeliveryState.SENT, None
    if about and recipient is not None:
        now = datetime.now(UTC)
        mail = await services.notification_mails.compose(database, run.id, to, about, recipient.settings.digest, now)
        try:
            await services.mailer.send(mail)
        except MailUnavailable as error:
            pause = min(_MAX_RETRY_SECONDS, _FIRST_RETRY_SECONDS * 2.0 ** min(run.tries, 10))
            raise RetryLater(pause, error.reason) from error
        except MailRejected as error:
            outcome = DeliveryState.FAILED, error.reason
            bad_address = error.reason if error.bad_address else None
    async with run.complete() as work:
        at = work.uow.now
        finished = [_finished(each, results[each.notification_id] or outcome, at) for each in queued]
        await work.uow.deliveries.finish(finished)
        if bad_address is not None:
            await notifications.switch_mail_off(work.uow, batch.user_id, f"The address was refused: {bad_address}")


def _finished(queued: Delivery, result: tuple[DeliveryState, str | None], at: datetime) -> Delivery:
    state, detail = result
    return replace(queued, state=state, detail=detail, at=at)
