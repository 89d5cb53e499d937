"""Deliveries of notifications: the store, and the lookups of the graph and of those who send."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Text, Uuid, and_, bindparam, column, exists, func, literal_column, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from domain.notification import (
    Delivery,
    DeliveryBatch,
    NotificationChannel,
    NotificationSettings,
    Recipient,
    batch_id,
    default_settings,
)
from persistence.access import VIEWER, any_id
from persistence.engine.database import Connection, Database
from persistence.engine.rows import columns, recordset, row_class, to_entity, to_params
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, dead_letters, jobs, notification_deliveries, notification_settings, push_devices, users

_d, _s, _u = notification_deliveries, notification_settings, users
_names = [each.name for each in columns(Delivery, _d)]
_rows = recordset("deliveries", "delivery", *(column(name, _d.c[name].type) for name in _names))
_ADD = Statement(insert(_d).from_select(_names, select(*(_rows.c[name] for name in _names))).on_conflict_do_nothing())
_FINISH = Statement(
    _d.update()
    .where(
        _d.c.notification_id == _rows.c.notification_id,
        _d.c.channel == _rows.c.channel,
        or_(
            _d.c.state == literal_column("'QUEUED'"),
            and_(_d.c.state == literal_column("'FAILED'"), _rows.c.state == literal_column("'SENT'")),
        ),
    )
    .values(state=_rows.c.state, detail=_rows.c.detail, at=_rows.c.at)
)
_RECIPIENTS = Statement(
    select(
        _u.c.id.label("user_id"),
        _u.c.time_zone,
        _u.c.email_verified_at.is_not(None).label("has_verified_email"),
        exists(select(literal_column("1")).where(push_devices.c.user_id == _u.c.id)).label("has_devices"),
        _s.c.id.is_not(None).label("has_settings"),
        *columns(NotificationSettings, _s),
    )
    .select_from(_u.outerjoin(_s, _s.c.id == _u.c.id))
    .where(_u.c.id == any_id())
)
_OF = Statement(
    select(*columns(Delivery, _d))
    .where(_d.c.notification_id == any_id(), _d.c.user_id == VIEWER)
    .order_by(_d.c.notification_id, _d.c.channel),
    row_class(Delivery),
)
_QUEUED = Statement(
    select(*columns(Delivery, _d))
    .where(
        _d.c.user_id == bindparam("user", type_=Uuid),
        _d.c.channel == bindparam("channel", type_=_d.c.channel.type),
        _d.c.due_at == bindparam("due_at", type_=INSTANT),
        _d.c.state == literal_column("'QUEUED'"),
    )
    .order_by(_d.c.notification_id)
)
_NOT_SUPPRESSED = Statement(
    select(*columns(Delivery, _d)).where(
        _d.c.notification_id == any_id(),
        _d.c.channel == bindparam("channel", type_=_d.c.channel.type),
        _d.c.state != literal_column("'SUPPRESSED'"),
    )
)
_SENT_MAILS = Statement(
    select(_d.c.due_at)
    .distinct()
    .where(
        _d.c.user_id == bindparam("user", type_=Uuid),
        _d.c.channel == literal_column("'EMAIL'"),
        _d.c.state == literal_column("'SENT'"),
        _d.c.at > bindparam("since", type_=INSTANT),
    )
    .limit(literal_column("2000"))
)
_FAIL_SENT = Statement(
    _d.update()
    .where(
        _d.c.user_id == bindparam("user", type_=Uuid),
        _d.c.channel == literal_column("'EMAIL'"),
        _d.c.state == literal_column("'SENT'"),
        _d.c.due_at == bindparam("due_at", type_=INSTANT),
    )
    .values(state=literal_column("'FAILED'"), detail=bindparam("reason", type_=Text), at=bindparam("at", type_=INSTANT))
)
_PLACE = tuple_(_d.c.due_at, _d.c.user_id, _d.c.channel)
_OVERDUE = Statement(
    select(_d.c.user_id, _d.c.channel, _d.c.due_at)
    .distinct()
    .where(
        _d.c.state == literal_column("'QUEUED'"),
        tuple_(
            bindparam("after_due_at", type_=INSTANT),
            bindparam("after_user", type_=Uuid),
            bindparam("after_channel", type_=_d.c.channel.type),
        )
        < _PLACE,
        _d.c.due_at < bindparam("before", type_=INSTANT),
    )
    .order_by(_d.c.due_at, _d.c.user_id, _d.c.channel)
    .limit(bindparam("size", type_=Integer))
)
_SENDERS = Statement(
    select(jobs.c.id).where(jobs.c.id == any_id()).union_all(select(dead_letters.c.id).where(dead_letters.c.id == any_id()))
)
_POSTPONE = Statement(
    _d.update()
    .where(
        _d.c.user_id == bindparam("user", type_=Uuid),
        _d.c.channel == bindparam("channel", type_=_d.c.channel.type),
        _d.c.due_at == bindparam("due_at", type_=INSTANT),
        _d.c.state == literal_column("'QUEUED'"),
        _d.c.notification_id != func.all(bindparam("handed_over", type_=ARRAY(Uuid))),
    )
    .values(due_at=bindparam("to", type_=INSTANT))
)
_BOUNCE_WINDOW: Final = timedelta(days=7)
"""Mail servers try for five days at most before they send a mail back."""
_HANDED_OVER = Statement(
    select(jobs.c.payload["notificationIds"].label("ids")).where(
        jobs.c.kind == func.any(bindparam("kinds", type_=ARRAY(Text))),
        jobs.c.payload["userId"].astext == bindparam("user", type_=Text),
    )
)


class SqlDeliveries:
    """Deliveries over one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def recipients(self, user_ids: Sequence[UUID]) -> Mapping[UUID, Recipient]:
        """What deliveries to people depend on."""
        rows = await self._connection.fetch(_RECIPIENTS, ids=list(set(user_ids)))
        return {row["user_id"]: _recipient(row) for row in rows}

    async def add(self, deliveries: Sequence[Delivery]) -> None:
        """Insert deliveries; present ones stay."""
        if deliveries:
            await self._connection.execute(_ADD, deliveries=[to_params(each) for each in deliveries])

    async def finish(self, deliveries: Sequence[Delivery]) -> None:
        """Store what came of deliveries: of those that are queued, and of failed ones that were sent after all."""
        if deliveries:
            await self._connection.execute(_FINISH, deliveries=[to_params(each) for each in deliveries])

    async def fail_sent_mail(self, user_id: UUID, mail_id: UUID, reason: str, at: datetime) -> None:
        """Store that a mail came back. Its id is that of the job which sent it, and derives from when it was due."""
        rows = await self._connection.fetch(_SENT_MAILS, user=user_id, since=at - _BOUNCE_WINDOW)
        for due_at in (row[0] for row in rows if batch_id(user_id, NotificationChannel.EMAIL, row[0]) == mail_id):
            await self._connection.execute(_FAIL_SENT, user=user_id, due_at=due_at, reason=reason, at=at)

    async def overdue(self, *, after: DeliveryBatch, before: datetime, size: int) -> list[DeliveryBatch]:
        """Up to `size` batches after one, by the time at which they are due, and of which something is still queued."""
        given = {"after_due_at": after.due_at, "after_user": after.user_id, "after_channel": after.channel}
        rows = await self._connection.fetch(_OVERDUE, **given, before=before, size=size)
        return [DeliveryBatch(user_id=row[0], channel=NotificationChannel(row[1]), due_at=row[2]) for row in rows]

    async def with_sender(self, batches: Sequence[DeliveryBatch]) -> set[DeliveryBatch]:
        """Those of the batches that a job is to send, or was and has given up."""
        by_id = {batch_id(each.user_id, each.channel, each.due_at): each for each in batches}
        return {by_id[row[0]] for row in await self._connection.fetch(_SENDERS, ids=list(by_id))}

    async def postpone(self, batch: DeliveryBatch, to: datetime, *, except_ids: Collection[UUID]) -> bool:
        """Let what is queued of a batch be due at another time, but for some notifications; whether there was anything."""
        given = {"user": batch.user_id, "channel": batch.channel, "due_at": batch.due_at}
        return await self._connection.execute(_POSTPONE, **given, handed_over=list(except_ids), to=to) > 0


async def of_notifications(database: Database, viewer: UUID, notification_ids: Sequence[UUID]) -> dict[UUID, list[Any]]:
    """The deliveries of the viewer's notifications, by channel."""
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in await database.fetch(_OF, ids=list(notification_ids), viewer=viewer):
        found[row.notification_id].append(row)
    return found


async def recipients(database: Database, user_ids: Sequence[UUID]) -> dict[UUID, Recipient]:
    """What deliveries to people depend on."""
    return {row["user_id"]: _recipient(row) for row in await database.fetch(_RECIPIENTS, ids=list(user_ids))}


async def queued(database: Database, batch: DeliveryBatch) -> list[Delivery]:
    """The deliveries of a batch that are still to be sent."""
    rows = await database.fetch(_QUEUED, user=batch.user_id, channel=batch.channel, due_at=batch.due_at)
    return [to_entity(Delivery, row) for row in rows]


async def handed_over(source: Database | Connection, user_id: UUID, kinds: Sequence[str]) -> set[UUID]:
    """The notifications of a person that jobs of these kinds are to send."""
    rows = await source.fetch(_HANDED_OVER, user=str(user_id), kinds=list(kinds))
    return {UUID(each) for row in rows for each in row["ids"]}


async def not_suppressed(
    database: Database, channel: NotificationChannel, notification_ids: Sequence[UUID]
) -> dict[UUID, Delivery]:
    """What is sent, or is to be, of notifications on a channel."""
    rows = await database.fetch(_NOT_SUPPRESSED, ids=list(notification_ids), channel=channel)
    return {row["notification_id"]: to_entity(Delivery, row) for row in rows}


def _recipient(row: Any) -> Recipient:
    settings = to_entity(NotificationSettings, row) if row["has_settings"] else default_settings(row["user_id"])
    return Recipient(
        user_id=row["user_id"],
        time_zone=row["time_zone"],
        has_verified_email=row["has_verified_email"],
        has_devices=row["has_devices"],
        settings=settings,
    )
