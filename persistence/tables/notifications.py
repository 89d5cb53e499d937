"""Tables of notifications, how they are delivered, and how people want that."""

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from persistence.tables.columns import (
    INSTANT,
    delivery_state,
    digest_frequency,
    foreign_key,
    id_column,
    metadata,
    notification_channel,
    notification_reason,
    push_platform,
)

notifications = Table(
    "notifications",
    metadata,
    id_column(),
    Column("version", Integer, nullable=False),
    foreign_key("users", key="user_id"),
    Column("reason", notification_reason, nullable=False),
    Column("event_ids", ARRAY(Uuid), nullable=False),
    foreign_key("users", key="actor_id", name="actor_user_id", nullable=True),
    Column("subject_type", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("comment_id", Uuid),
    Column("group_key", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("read_at", INSTANT),
    Column("archived_at", INSTANT),
    Column("snoozed_until", INSTANT),
    Column("in_app", Boolean, nullable=False, server_default=text("true")),
    Index(None, "user_id", "created_at", "id"),
    Index(None, "user_id", "group_key"),
    Index(
        "ix_notifications_unread",
        "user_id",
        postgresql_include=["id", "subject_type", "subject_id", "comment_id", "snoozed_until", "in_app"],
        postgresql_where=text("read_at IS NULL AND archived_at IS NULL"),
    ),
    Index("ix_notifications_inbox", "user_id", "created_at", "id", postgresql_where=text("archived_at IS NULL")),
    Index(None, "created_at"),
)

notification_settings = Table(
    "notification_settings",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id"), key="id", primary_key=True),
    Column("version", Integer, nullable=False),
    Column("channels", JSONB, nullable=False),
    Column("quiet_from", Integer),
    Column("quiet_to", Integer),
    Column("quiet_days", ARRAY(Integer), nullable=False),
    Column("digest", digest_frequency, nullable=False),
    Column("email_off_reason", Text),
    Column("push_content", Boolean, nullable=False, server_default=text("false")),
)

notification_deliveries = Table(
    "notification_deliveries",
    metadata,
    Column("notification_id", Uuid, ForeignKey("notifications.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("channel", notification_channel, nullable=False),
    Column("state", delivery_state, nullable=False),
    Column("detail", Text),
    Column("due_at", INSTANT, nullable=False),
    Column("at", INSTANT, nullable=False),
    PrimaryKeyConstraint("notification_id", "channel"),
    Index("ix_notification_deliveries_queued", "user_id", "channel", "due_at", postgresql_where=text("state = 'QUEUED'")),
)

push_devices = Table(
    "push_devices",
    metadata,
    id_column(),
    foreign_key("users", key="user_id"),
    Column("platform", push_platform, nullable=False),
    Column("token", Text, nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("label", Text),
    Column("session_id", Uuid),
    Column("created_at", INSTANT, nullable=False),
    Column("failing_since", INSTANT),
    Column("retry_at", INSTANT),
    Index(None, "user_id"),
)

push_keys = Table(
    "push_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("encrypted_jwk", Text, nullable=False),
    Column("only", Boolean, nullable=False, server_default=text("true"), unique=True),
)
