"""Adds webhooks, their messages, and the reason for which people are notified of a webhook that was stopped."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_PENDING = sa.text("state = 'PENDING'")


def upgrade() -> None:
    """Make the tables and their indexes."""
    op.execute("ALTER TYPE notification_reason ADD VALUE 'WEBHOOK_PAUSED'")
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.Column("team_id", sa.Uuid, nullable=False),
        sa.Column("bot_user_id", sa.Uuid, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("events", ARRAY(sa.Text), nullable=False),
        sa.Column("scope", JSONB),
        sa.Column("query", sa.Text),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("state_reason", sa.Text),
        sa.Column("encrypted_secret", sa.Text, nullable=False),
        sa.Column("previous_encrypted_secret", sa.Text),
        sa.Column("previous_secret_expires_at", _INSTANT),
        sa.Column("failing_since", _INSTANT),
        sa.Column("deleted_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name="fk_webhooks_team_id"),
        sa.ForeignKeyConstraint(["bot_user_id"], ["users.id"], name="fk_webhooks_bot_user_id"),
    )
    op.create_index("ix_webhooks_team_id", "webhooks", ["team_id"])
    op.create_table(
        "webhook_queues",
        sa.Column("webhook_id", sa.Uuid, nullable=False),
        sa.Column("due_at", _INSTANT),
        sa.Column("leased_until", _INSTANT),
        sa.Column("lease", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("is_slow", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.PrimaryKeyConstraint("webhook_id", name="pk_webhook_queues"),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name="fk_webhook_queues_webhook_id"),
    )
    op.create_index("ix_webhook_queues_due", "webhook_queues", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("webhook_id", sa.Uuid, nullable=False),
        sa.Column("event_id", sa.Uuid),
        sa.Column("event_name", sa.Text, nullable=False),
        sa.Column("order_key", sa.Uuid, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("body", sa.Text),
        sa.Column("status_code", sa.Integer),
        sa.Column("duration_ms", sa.Integer),
        sa.Column("error", sa.Text),
        sa.Column("response_body", sa.Text),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("next_attempt_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name="fk_webhook_deliveries_webhook_id"),
    )
    op.create_index("ix_webhook_deliveries_webhook_id_created_at_id", "webhook_deliveries", ["webhook_id", "created_at", "id"])
    op.create_index("ix_webhook_deliveries_created_at", "webhook_deliveries", ["created_at"])
    op.create_index("ix_webhook_deliveries_pending", "webhook_deliveries", ["webhook_id", "sequence"], postgresql_where=_PENDING)
    op.create_index(
        "ix_webhook_deliveries_order",
        "webhook_deliveries",
        ["webhook_id", "order_key", "sequence"],
        postgresql_where=_PENDING,
    )
