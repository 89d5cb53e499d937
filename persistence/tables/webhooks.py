"""Tables of webhooks: what they are, what waits and was sent, and who sends for which one."""

from sqlalchemy import ARRAY, BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from persistence.tables.columns import INSTANT, entity_columns, foreign_key, id_column, metadata

webhooks = Table(
    "webhooks",
    metadata,
    *entity_columns(),
    foreign_key("teams", key="team_id"),
    foreign_key("users", key="bot_id", name="bot_user_id"),
    Column("url", Text, nullable=False),
    Column("events", ARRAY(Text), nullable=False),
    Column("scope", JSONB(none_as_null=True)),
    Column("query", Text),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("state", Text, nullable=False),
    Column("state_reason", Text),
    Column("encrypted_secret", Text, nullable=False),
    Column("previous_encrypted_secret", Text),
    Column("previous_secret_expires_at", INSTANT),
    Column("failing_since", INSTANT),
    Column("deleted_at", INSTANT),
    Index(None, "team_id"),
)

webhook_queues = Table(
    "webhook_queues",
    metadata,
    Column("webhook_id", Uuid, ForeignKey("webhooks.id"), primary_key=True),
    Column("due_at", INSTANT),
    Column("leased_until", INSTANT),
    Column("lease", BigInteger, nullable=False, server_default=text("0")),
    Column("is_slow", Boolean, nullable=False, server_default=text("false")),
)

Index("ix_webhook_queues_due", webhook_queues.c.due_at, postgresql_where=webhook_queues.c.due_at.is_not(None))

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    id_column(),
    foreign_key("webhooks", key="webhook_id"),
    Column("event_id", Uuid),
    Column("event_name", Text, nullable=False),
    Column("order_key", Uuid, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("body", Text),
    Column("status_code", Integer),
    Column("duration_ms", Integer),
    Column("error", Text),
    Column("response_body", Text),
    Column("created_at", INSTANT, nullable=False),
    Column("at", INSTANT, nullable=False),
    Column("next_attempt_at", INSTANT),
    Index(None, "webhook_id", "created_at", "id"),
    Index(None, "created_at"),
)

_d = webhook_deliveries.c
_PENDING = text("state = 'PENDING'")
Index("ix_webhook_deliveries_pending", _d.webhook_id, _d.sequence, postgresql_where=_PENDING)
Index("ix_webhook_deliveries_order", _d.webhook_id, _d.order_key, _d.sequence, postgresql_where=_PENDING)
