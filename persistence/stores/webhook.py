"""Webhooks: the store, the lists, and what senders read and write."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Double,
    Integer,
    Uuid,
    and_,
    bindparam,
    cast,
    column,
    exists,
    extract,
    func,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert

from domain.page import Order
from domain.webhook import MAX_PENDING, Webhook, WebhookDelivery
from persistence.access import VIEWER, any_id
from persistence.engine.cursor import SortColumn
from persistence.engine.database import Connection, Database
from persistence.engine.filter import Column
from persistence.engine.pages import ListQuery
from persistence.engine.rows import columns, insert_row, recordset, row_class, to_entity, to_params, update_row
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, team_members, teams, webhook_deliveries, webhook_queues, webhooks

WAKE_KIND: Final = "webhooks"
"""What wakes senders, as a kind of jobs does its runner."""
_w, _d, _q = webhooks, webhook_deliveries, webhook_queues
_ONE: Column = literal_column("1")
_ID = bindparam("id", type_=Uuid)
_NOW = func.clock_timestamp()
_SECONDS = bindparam("seconds", type_=Double) * text("interval '1 second'")
_STANDS = _w.c.deleted_at.is_(None)
_IS_PENDING = _d.c.state == literal_column("'PENDING'")
_MANAGERS: tuple[Column, ...] = (literal_column("'OWNER'"), literal_column("'ADMIN'"))
_MAX_COUNTED: Final = MAX_PENDING + 1


def managed_by_viewer(team_id: Column) -> Column:
    """The viewer is the owner or an admin of the team."""
    member = team_members.alias("viewer_member")
    return exists(select(_ONE).where(member.c.team_id == team_id, member.c.user_id == VIEWER, member.c.role.in_(_MANAGERS)))


def _delivery_visible() -> Column:
    return exists(
        select(_ONE).where(_w.c.id == _d.c.webhook_id, _STANDS, managed_by_viewer(_w.c.team_id)).offset(literal_column("0"))
    )


def _visible() -> Column:
    return and_(_STANDS, managed_by_viewer(_w.c.team_id))


_ADD = Statement(insert_row(Webhook, _w))
_ADD_QUEUE = Statement(insert(_q).values(webhook_id=_ID).on_conflict_do_nothing())
_SAVE = Statement(update_row(Webhook, _w, exclude=("team_id", "bot_id")))
_LOCK = Statement(select(*columns(Webhook, _w)).where(_w.c.id == _ID, _STANDS).with_for_update())
_COUNT = Statement(select(func.count()).select_from(_w).where(_w.c.team_id == _ID, _STANDS))
_ACTIVE = Statement(
    select(*columns(Webhook, _w)).where(_w.c.team_id == _ID, _STANDS, _w.c.state == literal_column("'ACTIVE'")).order_by(_w.c.id)
)
_GET = Statement(
    select(*columns(Webhook, _w))
    .select_from(_w.join(teams, teams.c.id == _w.c.team_id))
    .where(_w.c.id == _ID, _STANDS, teams.c.deleted_at.is_(None))
)
_names = [each.name for each in columns(WebhookDelivery, _d)]
_new = recordset("deliveries", "delivery", *(column(name, _d.c[name].type) for name in _names))
_ADD_DELIVERIES = Statement(
    insert(_d).from_select(_names, select(*(_new.c[name] for name in _names))).on_conflict_do_nothing().returning(_d.c.webhook_id)
)
_SAVE_DELIVERIES = Statement(
    _d.update()
    .where(_d.c.id == _new.c.id)
    .values({name: _new.c[name] for name in _names if name not in ("id", "webhook_id", "created_at")})
)
_MAKE_DUE = Statement(
    _q.update().where(_q.c.webhook_id == any_id(), or_(_q.c.due_at.is_(None), _q.c.due_at > _NOW)).values(due_at=_NOW)
)
_LET_ALL_BE_DUE = Statement(_d.update().where(_d.c.webhook_id == _ID, _IS_PENDING).values(next_attempt_at=_NOW))
_LOCK_DELIVERY = Statement(select(*columns(WebhookDelivery, _d)).where(_d.c.id == _ID).with_for_update())
_WEBHOOK_OF = Statement(select(_d.c.webhook_id).where(_d.c.id == _ID))
_DISCARD_DELIVERY = Statement(_d.delete().where(_d.c.id == _ID))
_DISCARD = Statement(_d.delete().where(_d.c.webhook_id == _ID))
_PENDING_COUNT = Statement(
    select(func.count()).select_from(
        select(_ONE).where(_d.c.webhook_id == _ID, _IS_PENDING).limit(literal_column(str(_MAX_COUNTED))).subquery("pending")
    )
)
_MANAGER_IDS = Statement(
    select(team_members.c.user_id)
    .where(team_members.c.team_id == _ID, team_members.c.role.in_(_MANAGERS))
    .order_by(team_members.c.user_id)
)
_BY_IDS = Statement(select(*columns(Webhook, _w)).where(_w.c.id == any_id(), _visible()), row_class(Webhook))
_DELIVERIES_BY_IDS = Statement(
    select(*columns(WebhookDelivery, _d)).where(_d.c.id == any_id(), _delivery_visible()), row_class(WebhookDelivery)
)
_claimable = (
    select(_q.c.webhook_id)
    .where(
        _q.c.due_at <= _NOW,
        or_(_q.c.leased_until.is_(None), _q.c.leased_until <= _NOW),
        _q.c.is_slow == bindparam("slow", type_=Boolean),
    )
    .order_by(_q.c.due_at)
    .limit(bindparam("size", type_=Integer))
    .with_for_update(skip_locked=True)
    .cte("claimable")
)
_CLAIM = Statement(
    _q.update()
    .where(_q.c.webhook_id == _claimable.c.webhook_id)
    .values(due_at=literal_column("NULL"), leased_until=_NOW + _SECONDS, lease=_q.c.lease + 1)
    .returning(_q.c.webhook_id, _q.c.lease)
)
_LEASE = bindparam("lease", type_=BigInteger)
_HOLDS = Statement(select(_q.c.webhook_id).where(_q.c.webhook_id == _ID, _q.c.lease == _LEASE).with_for_update(read=True))
_earlier = _d.alias("earlier")
_FIRST_OF_OBJECT = ~exists(
    select(_ONE).where(
        _earlier.c.webhook_id == _d.c.webhook_id,
        _earlier.c.order_key == _d.c.order_key,
        _earlier.c.state == literal_column("'PENDING'"),
        _earlier.c.sequence < _d.c.sequence,
    )
)
_NEXT = Statement(
    select(*columns(WebhookDelivery, _d))
    .where(_d.c.webhook_id == _ID, _IS_PENDING, _d.c.next_attempt_at <= _NOW, _FIRST_OF_OBJECT)
    .order_by(_d.c.sequence, _d.c.created_at)
    .limit(bindparam("size", type_=Integer))
)
_next_due = select(func.min(_d.c.next_attempt_at)).where(_d.c.webhook_id == _ID, _IS_PENDING, _FIRST_OF_OBJECT).scalar_subquery()
_RELEASE = Statement(
    _q.update()
    .where(_q.c.webhook_id == _ID, _q.c.lease == _LEASE)
    .values(
        due_at=func.least(_q.c.due_at, _next_due),
        leased_until=literal_column("NULL"),
        is_slow=bindparam("slow", type_=Boolean),
    )
)
# A lease that ended without a word: its sender died. What it was sending is due again.
_EXPIRE = Statement(
    _q.update().where(_q.c.leased_until <= _NOW, _q.c.due_at.is_(None)).values(due_at=_NOW, leased_until=literal_column("NULL"))
)
_waits_until = func.greatest(_q.c.due_at, func.coalesce(_q.c.leased_until, _q.c.due_at))
_SECONDS_UNTIL_NEXT = Statement(select(cast(extract("epoch", func.min(_waits_until) - _NOW), Double)))
_FAILING = Statement(
    _w.update()
    .where(_w.c.id == _ID, _w.c.failing_since.is_(None) == bindparam("failing", type_=Boolean))
    .values(failing_since=bindparam("since", type_=INSTANT))
)
_old = (
    select(_d.c.id)
    .where(_d.c.created_at < bindparam("before", type_=INSTANT))
    .order_by(_d.c.created_at)
    .limit(bindparam("size", type_=Integer))
)
_DELETE_OLDER = Statement(_d.delete().where(_d.c.id.in_(_old)))

WEBHOOKS = ListQuery(
    cls=Webhook,
    source=_w,
    id=_w.c.id,
    sorts={"CREATED_AT": (SortColumn(_w.c.created_at, "created_at"),)},
    default=(Order("CREATED_AT"),),
    parent_clause=lambda parent: _w.c.team_id == parent,
    visible=_visible,
)
DELIVERIES = ListQuery(
    cls=WebhookDelivery,
    source=_d,
    id=_d.c.id,
    sorts={"CREATED_AT": (SortColumn(_d.c.created_at, "created_at"),)},
    default=(Order("CREATED_AT", descending=True),),
    parent_clause=lambda parent: _d.c.webhook_id == parent,
    visible=_delivery_visible,
    fields={"state": _d.c.state},
)


class SqlWebhooks:
    """Webhooks over one transaction. When messages are due, senders are woken by `enqueued_kinds`."""

    def __init__(self, connection: Connection, enqueued_kinds: set[str]) -> None:
        self._connection = connection
        self._enqueued_kinds = enqueued_kinds

    async def add(self, webhook: Webhook) -> None:
        """Insert a new webhook."""
        await self._connection.execute(_ADD, **to_params(webhook))
        await self._connection.execute(_ADD_QUEUE, id=webhook.id)

    async def save(self, webhook: Webhook) -> None:
        """Update a changed webhook."""
        await self._connection.execute(_SAVE, **to_params(webhook))

    async def lock(self, webhook_id: UUID) -> Webhook | None:
        """A webhook that is not deleted, locked until the end of the transaction."""
        row = await self._connection.fetch_row(_LOCK, id=webhook_id)
        return row and to_entity(Webhook, row)

    async def count(self, team_id: UUID) -> int:
        """How many webhooks a team has."""
        count: int = await self._connection.fetch_value(_COUNT, id=team_id)
        return count

    async def active(self, team_id: UUID) -> Sequence[Webhook]:
        """The webhooks of a team that send."""
        return [to_entity(Webhook, row) for row in await self._connection.fetch(_ACTIVE, id=team_id)]

    async def add_deliveries(self, deliveries: Sequence[WebhookDelivery]) -> None:
        """Insert messages that are not there, and let them be sent."""
        if not deliveries:
            return
        rows = await self._connection.fetch(_ADD_DELIVERIES, deliveries=[to_params(each) for each in deliveries])
        if found := sorted({row[0] for row in rows}):
            await self._connection.execute(_MAKE_DUE, ids=found)
            self._enqueued_kinds.add(WAKE_KIND)

    async def pending_counts(self, webhook_ids: Sequence[UUID]) -> dict[UUID, int]:
        """How many messages wait, counted up to one more than may."""
        return {each: await self._connection.fetch_value(_PENDING_COUNT, id=each) for each in webhook_ids}

    async def webhook_of(self, delivery_id: UUID) -> UUID | None:
        """The webhook of a message."""
        found: UUID | None = await self._connection.fetch_value(_WEBHOOK_OF, id=delivery_id)
        return found

    async def lock_delivery(self, delivery_id: UUID) -> WebhookDelivery | None:
        """A message, locked until the end of the transaction."""
        row = await self._connection.fetch_row(_LOCK_DELIVERY, id=delivery_id)
        return row and to_entity(WebhookDelivery, row)

    async def save_deliveries(self, deliveries: Sequence[WebhookDelivery]) -> None:
        """Update messages."""
        await self._connection.execute(_SAVE_DELIVERIES, deliveries=[to_params(each) for each in deliveries])

    async def discard_delivery(self, delivery_id: UUID) -> None:
        """Delete a message."""
        await self._connection.execute(_DISCARD_DELIVERY, id=delivery_id)

    async def make_due(self, webhook_id: UUID) -> None:
        """Let what waits of a webhook be sent now."""
        await self._connection.execute(_LET_ALL_BE_DUE, id=webhook_id)
        await self._connection.execute(_MAKE_DUE, ids=[webhook_id])
        self._enqueued_kinds.add(WAKE_KIND)

    async def discard_deliveries(self, webhook_id: UUID) -> None:
        """Delete all messages of a webhook."""
        await self._connection.execute(_DISCARD, id=webhook_id)

    async def manager_ids(self, team_id: UUID) -> Sequence[UUID]:
        """The owner and the admins of a team."""
        return [row[0] for row in await self._connection.fetch(_MANAGER_IDS, id=team_id)]

    async def holds(self, claim: "Claim") -> bool:
        """Whether a sender may still record what it did for a webhook; nobody else may, until the end of the transaction."""
        return await self._connection.fetch_value(_HOLDS, id=claim.webhook_id, lease=claim.lease) is not None

    async def note_failing(self, webhook_id: UUID, since: datetime | None) -> None:
        """Note since when a webhook has done nothing but fail, unless that is noted; None: it has not."""
        await self._connection.execute(_FAILING, id=webhook_id, failing=since is not None, since=since)


@dataclass(frozen=True, slots=True)
class Claim:
    """A webhook for which one sender sends, until its lease ends."""

    webhook_id: UUID
    lease: int


async def claim(database: Database, size: int, *, slow: bool, lease_seconds: float) -> list[Claim]:
    """Up to `size` webhooks that have something to send and for which nobody sends."""
    rows = await database.fetch(_CLAIM, size=size, slow=slow, seconds=lease_seconds)
    return [Claim(row[0], row[1]) for row in rows]


async def release(database: Database, claimed: Claim, *, slow: bool) -> None:
    """Let others send for a webhook, when its next message is due."""
    async with database.begin() as connection:
        await connection.execute(_RELEASE, id=claimed.webhook_id, lease=claimed.lease, slow=slow)


async def expire(database: Database) -> int:
    """Let the webhooks come due whose senders died; how many."""
    async with database.begin() as connection:
        return await connection.execute(_EXPIRE)


async def seconds_until_next(database: Database) -> float | None:
    """How long until a webhook is due; None where none is."""
    found: float | None = await database.fetch_value(_SECONDS_UNTIL_NEXT)
    return None if found is None else max(0.0, found)


async def next_deliveries(database: Database, webhook_id: UUID, size: int) -> list[WebhookDelivery]:
    """Messages that are due, each the first that waits about its object."""
    return [to_entity(WebhookDelivery, row) for row in await database.fetch(_NEXT, id=webhook_id, size=size)]


async def get(database: Database, webhook_id: UUID) -> Webhook | None:
    """A webhook that stands, of a team that stands, for senders."""
    row = await database.fetch_row(_GET, id=webhook_id)
    return row and to_entity(Webhook, row)


async def by_ids(database: Database, viewer: UUID, webhook_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those of the webhooks whose teams the viewer manages."""
    return {row.id: row for row in await database.fetch(_BY_IDS, ids=list(webhook_ids), viewer=viewer)}


async def deliveries_by_ids(database: Database, viewer: UUID, delivery_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those of the messages whose teams the viewer manages."""
    return {row.id: row for row in await database.fetch(_DELIVERIES_BY_IDS, ids=list(delivery_ids), viewer=viewer)}


async def delete_older(connection: Connection, before: datetime, *, limit: int) -> int:
    """Delete the oldest messages from before an instant; how many."""
    return await connection.execute(_DELETE_OLDER, before=before, size=limit)
